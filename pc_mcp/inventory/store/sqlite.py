"""The device rows of one customer: an SQLite database in memory, the query engine of a snapshot.

What many devices have in common is stored once (see `kinds`), and how many devices of a kind a batch
has is known without looking at them. Nothing here is asynchronous: `Snapshot` calls it, one call at a
time, and what may take long in a worker thread.
"""

import hashlib
import json
import re
import secrets
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pc_mcp.inventory.store.filters import EPOCH, DeviceFilter, GroupBy, Span, microseconds
from pc_mcp.inventory.store.freed_memory import give_back_freed_memory
from pc_mcp.inventory.store.kinds import Kinds
from pc_mcp.inventory.store.product_keys import MASK, tail
from pc_mcp.inventory.store.tally import Tally, day_text
from pc_mcp.inventory.text import compact, shown_and_key
from pc_mcp.partner_center.models import Device, moment

ROWS_AT_ONCE = 100
STEPS_AT_ONCE = 20_000
"""Of SQLite's machine, between two looks at the clock: less than a millisecond."""

T = TypeVar("T")

_BATCH_SHIFT = 32
_PAGE_BYTES = 4096  # SQLite's own default
_DAY = 86_400_000_000  # microseconds

_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA secure_delete = OFF;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE device (
        key INTEGER PRIMARY KEY,    -- batch number and position in the batch
        kind INTEGER,
        uploaded INTEGER,           -- microseconds since 1970, UTC
        serial_key TEXT,            -- the serial number's match_key
        serial TEXT,                -- the serial number, where upper(serial_key) is another
        id_key,                     -- the id's match_key; a GUID as its 16 bytes
        id TEXT,                    -- the id, where id_key does not give it
        product_key TEXT,           -- what may be shown of it
        product_key_digest INTEGER  -- keyed, to find a device by the whole of it
    );
    CREATE TABLE duplicate (key INTEGER PRIMARY KEY, serial_key TEXT);
"""
_INSERT = "INSERT INTO device VALUES "
_ROW = "(?,?,?,?,?,?,?,?,?)"
_COLUMN_COUNT = _ROW.count("?")
_SERIAL = "coalesce(serial, upper(serial_key))"
_COLUMNS = f"key, kind, uploaded, {_SERIAL}, id_key, id, product_key"
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Scope:
    """A run of batches, by number: from `first` up to, not including, `end`."""

    first: int
    end: int

    @property
    def keys(self) -> tuple[int, int]:
        """The first key of the scope and the first one behind it."""
        return self.first << _BATCH_SHIFT, self.end << _BATCH_SHIFT


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as it is shown; None for what is not known. `key` orders devices as they were read."""

    key: int
    id: str | None
    serial_number: str | None
    manufacturer: str | None
    model: str | None
    policy: str | None
    uploaded: datetime | None
    product_key: str | None

    @property
    def batch_number(self) -> int:
        return self.key >> _BATCH_SHIFT


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Devices whose serial number another device has too, and some of these serial numbers."""

    devices: int
    serial_numbers: tuple[str, ...]


class TooSlow(Exception):
    """What was asked of a table takes longer than there is time."""


class DeviceTable:
    """Rows are added batch by batch, in the order in which the service gives them.

    policy_names: the names of policies by `policy_key`; a device names its policy by either.
    """

    def __init__(self, policy_names: Mapping[str, str], *, reveal_product_keys: bool) -> None:
        self._reveal = reveal_product_keys
        self._keyed_hash = hashlib.blake2b(digest_size=8, key=secrets.token_bytes(16))
        self.kinds = Kinds(policy_names)
        self._counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._spans: defaultdict[int, Span] = defaultdict(Span)
        self._indexed: set[str] = set()
        self._duplicates_known = False
        self._bytes = 0
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    @property
    def bytes(self) -> int:
        """How much memory it takes, nearly."""
        return self._bytes

    def in_time(self, until: float, function: Callable[[], T]) -> T:
        """What `function` of this table gives until then, on the monotonic clock. Raises `TooSlow`."""
        self._db.set_progress_handler(lambda: time.monotonic() > until, STEPS_AT_ONCE)
        try:
            return function()
        except sqlite3.OperationalError:
            if time.monotonic() <= until:
                raise
            raise TooSlow from None
        finally:
            self._db.set_progress_handler(None, 0)

    def close(self) -> None:
        """Frees the memory."""
        self._db.close()
        self._counts.clear()
        give_back_freed_memory()

    @property
    def is_indexed(self) -> bool:
        """Whether a question was answered since the last device was added; then adding takes longer."""
        return bool(self._indexed)

    @property
    def has_policies_by_id(self) -> bool:
        """Whether a device's policy is known by its id only."""
        return any(kind.policy and _GUID.search(kind.policy.lower()) for kind in self.kinds.all)

    def add(self, batch_number: int, position: int, devices: Sequence[Device]) -> None:
        """Adds a page of a batch, whose first device has `position`, from 0."""
        self._rows_change()
        first = (batch_number << _BATCH_SHIFT) + position
        # Each statement lets other threads in once, which for every single row would take longer than the row.
        for start in range(0, len(devices), ROWS_AT_ONCE):
            some = devices[start : start + ROWS_AT_ONCE]
            values = self._values(first + start, some)
            self._db.execute(_INSERT + ",".join([_ROW] * len(some)), values)
            self._counts[batch_number].update(values[1::_COLUMN_COUNT])
            self._spans[batch_number].add(values[2::_COLUMN_COUNT])
        ((pages,),) = self._db.execute("PRAGMA page_count")
        self._bytes = pages * _PAGE_BYTES + self.kinds.bytes

    def remove(self, batch_number: int) -> None:
        """Removes a batch, to be read again from its first page."""
        self._rows_change()
        self._db.execute("DELETE FROM device WHERE key >= ? AND key < ?", Scope(batch_number, batch_number + 1).keys)
        self._counts.pop(batch_number, None)
        self._spans.pop(batch_number, None)

    def tally(self, scope: Scope, where: DeviceFilter, group_by: Iterable[GroupBy] = ()) -> Tally:
        """Counts the devices that match, by kind and by batch, and by day where `group_by` needs that."""
        kinds = where.kinds(self.kinds.all)
        by_time = [by for by in group_by if by in ("uploaded_day", "uploaded_month")]
        tally = Tally(self.kinds.all)
        looked_at: list[int] = []
        for batch in range(scope.first, scope.end):
            counts = self._counts.get(batch)
            covered = where.covers(self._spans[batch]) if counts else False
            if counts is None or covered is False:
                continue
            days = {_day(self._spans[batch].first), _day(self._spans[batch].last)}
            one = all(len({day_text(day, by) for day in days}) == 1 for by in by_time)
            mixed = by_time and (not one or (self._spans[batch].unknown and days != {None}))
            if covered is None or mixed or where.serial_number is not None:
                looked_at.append(batch)
                continue
            day = days.pop()
            for kind, devices in counts.items():
                if kind in kinds:
                    tally.add(batch, kind, day, devices)
        if looked_at and kinds:
            self._count(tally, where, looked_at, by_day=bool(by_time))
        return tally

    def _count(self, tally: Tally, where: DeviceFilter, batches: Sequence[int], *, by_day: bool) -> None:
        """Counts the devices of `batches` that match by looking at each."""
        day = f"uploaded / {_DAY} - (uploaded % {_DAY} < 0) + {EPOCH.toordinal()}" if by_day else "NULL"
        conditions, values = self._conditions(where)
        statement = f"SELECT kind, {day}, count(*) FROM device{conditions} GROUP BY 1{', 2' if by_day else ''}"  # noqa: S608
        for batch in batches:
            for kind, on, devices in self._db.execute(statement, [*Scope(batch, batch + 1).keys, *values]):
                tally.add(batch, kind, on, devices)

    def rows(self, scope: Scope, where: DeviceFilter, *, after: int, limit: int) -> list[DeviceRow]:
        """The first `limit` devices that match and whose key is greater than `after`."""
        following = " AND key > ? ORDER BY key LIMIT ?"
        found = self._select(f"SELECT {_COLUMNS}", scope, where, following, [after, limit])
        return [self._device_row(row) for row in found]

    def duplicates(self, scope: Scope, where: DeviceFilter) -> Duplicates:
        """Of the devices that match; a serial number is a duplicate within the scope."""
        self._find_duplicates()
        in_scope = "SELECT serial_key FROM duplicate WHERE key >= ? AND key < ? GROUP BY 1 HAVING count(*) > 1"
        among = f" AND key IN (SELECT key FROM duplicate WHERE serial_key IN ({in_scope}))"  # noqa: S608
        ((devices,),) = self._select("SELECT count(*)", scope, where, among, scope.keys)
        examples = self._select(
            f"SELECT min({_SERIAL}), serial_key", scope, where, among + " GROUP BY 2 LIMIT 3", scope.keys
        )
        return Duplicates(devices, tuple(serial for serial, _ in examples))

    def find(self, scope: Scope, keys: Iterable[str]) -> dict[str, list[DeviceRow]]:
        """The devices whose serial number, id or product key has each `match_key`, by that key.

        Product keys are compared without dashes and spaces.
        """
        found: dict[str, list[DeviceRow]] = {key: [] for key in keys}
        columns: dict[str, defaultdict[Any, list[str]]] = {
            "serial_key": defaultdict(list),
            "id_key": defaultdict(list),
            "product_key_digest": defaultdict(list),
        }
        for key in found:
            columns["serial_key"][key].append(key)
            columns["id_key"][_packed(key)].append(key)
            columns["product_key_digest"][self._digest(key)].append(key)
        fitting: dict[tuple[int, str], DeviceRow] = {}
        for column, values in columns.items() if found else ():
            self._index(column)
            among = ",".join("?" * len(values))
            statement = f"SELECT {_COLUMNS}, {column} FROM device INDEXED BY by_{column} WHERE {column} IN ({among})"  # noqa: S608
            for *row, value in self._db.execute(statement, [*values]):
                device = self._device_row(row)
                if scope.first <= device.batch_number < scope.end:
                    fitting |= {(device.key, key): device for key in values[value]}
        for (_, key), device in sorted(fitting.items(), key=lambda item: item[0]):
            found[key].append(device)
        return found

    def serial_keys(self, scope: Scope, *, after: int, limit: int) -> list[tuple[int, str]]:
        """The keys and the serial numbers' `match_key`s of the first `limit` devices that have one, behind `after`."""
        following = " AND serial_key IS NOT NULL AND key > ? ORDER BY key LIMIT ?"
        return self._select("SELECT key, serial_key", scope, DeviceFilter(), following, [after, limit])

    def rows_with(self, keys: Iterable[int]) -> dict[int, DeviceRow]:
        """The devices with these keys."""
        statement = f"SELECT {_COLUMNS} FROM device WHERE key IN (SELECT value FROM json_each(?))"  # noqa: S608
        found = self._db.execute(statement, [json.dumps([*keys])])
        return {row[0]: self._device_row(row) for row in found}

    def _values(self, first: int, devices: Sequence[Device]) -> list[Any]:
        """The rows of devices, whose first has the key `first`, one after the other."""
        values: list[Any] = []
        for key, device in enumerate(devices, first):
            serial, serial_key = shown_and_key(device.serial_number)
            device_id, id_key = shown_and_key(device.id)
            product_key, product_key_key = shown_and_key(device.product_key)
            uploaded = moment(device.uploaded)
            # SQLite's upper() knows ASCII only.
            is_upper = serial_key is not None and serial_key.isascii() and serial_key.upper() == serial
            packed = _packed(id_key)
            values += (
                key,
                self.kinds.number_of(device, has_serial_number=serial is not None),
                None if uploaded is None else microseconds(uploaded),
                serial_key,
                None if is_upper else serial,
                packed,
                None if packed is not id_key and id_key == device_id else device_id,
                tail(product_key) if product_key and not self._reveal else product_key,
                None if product_key_key is None else self._digest(product_key_key),
            )
        return values

    def _device_row(self, row: Sequence[Any]) -> DeviceRow:
        key, kind_number, uploaded, serial, id_key, device_id, product_key = row
        kind = self.kinds.all[kind_number]
        if product_key is not None and not self._reveal:
            product_key = MASK + product_key
        return DeviceRow(
            key=key,
            id=_unpacked(id_key) if device_id is None and id_key is not None else device_id,
            serial_number=serial,
            manufacturer=kind.manufacturer,
            model=kind.model,
            policy=kind.policy,
            uploaded=None if uploaded is None else EPOCH + timedelta(microseconds=uploaded),
            product_key=product_key,
        )

    def _digest(self, match: str) -> int:
        keyed_hash = self._keyed_hash.copy()
        keyed_hash.update((compact(match) or match).encode())
        return int.from_bytes(keyed_hash.digest(), signed=True)

    def _rows_change(self) -> None:
        """A page is added many times as fast where no index is kept up to date with it."""
        for column in self._indexed:
            self._db.execute(f"DROP INDEX by_{column}")
        self._indexed.clear()
        self._duplicates_known = False

    def _index(self, column: str) -> None:
        if column not in self._indexed:
            with self._undone_if_interrupted():
                self._db.execute(f"CREATE INDEX by_{column} ON device ({column}) WHERE {column} IS NOT NULL")
            self._indexed.add(column)

    @contextmanager
    def _undone_if_interrupted(self) -> Iterator[None]:
        """Pages are added without a journal; without one a change that is interrupted would be half made."""
        self._db.execute("PRAGMA journal_mode = MEMORY")
        try:
            yield
        finally:
            self._db.execute("PRAGMA journal_mode = OFF")

    def _find_duplicates(self) -> None:
        """Fills `duplicate` for all batches, once for as long as no row is added."""
        if self._duplicates_known:
            return
        self._index("serial_key")
        several = "SELECT serial_key FROM device WHERE serial_key IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        with self._undone_if_interrupted():
            self._db.execute("DELETE FROM duplicate")
            self._db.execute(
                f"INSERT INTO duplicate SELECT key, serial_key FROM device WHERE serial_key IN ({several})"  # noqa: S608
            )
        self._duplicates_known = True

    def _select(
        self,
        select: str,
        scope: Scope,
        where: DeviceFilter,
        tail: str = "",
        values: Sequence[object] = (),
    ) -> list[tuple[Any, ...]]:
        conditions, asked = self._conditions(where)
        return self._db.execute(f"{select} FROM device{conditions}{tail}", [*scope.keys, *asked, *values]).fetchall()

    def _conditions(self, where: DeviceFilter) -> tuple[str, list[object]]:
        """The conditions of a statement, whose first two values are a scope's keys, and the values after them."""
        conditions, values = where.of_one_device()
        kinds = where.kinds(self.kinds.all)
        if len(kinds) < len(self.kinds.all):
            conditions += " AND kind IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(sorted(kinds)))
        return f" WHERE key >= ? AND key < ?{conditions}", values


def _day(uploaded: int | None) -> int | None:
    return None if uploaded is None else uploaded // _DAY + EPOCH.toordinal()


def _packed(id_key: str | None) -> bytes | str | None:
    """A GUID in 16 bytes, anything else as it is."""
    return bytes.fromhex(id_key.replace("-", "")) if id_key and _GUID.fullmatch(id_key) else id_key


def _unpacked(id_key: bytes | str) -> str:
    if isinstance(id_key, str):
        return id_key
    digits = id_key.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
