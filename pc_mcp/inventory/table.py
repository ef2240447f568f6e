"""The device rows of one customer: an SQLite database in memory, the query engine of a snapshot.

Text that repeats over many devices is stored once. Nothing here is asynchronous: `Snapshot` calls
it in a worker thread, one call at a time.
"""

import hashlib
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pc_mcp.inventory.filters import DAY, EPOCH, DeviceFilter, GroupBy, day_of, microseconds
from pc_mcp.inventory.product_keys import MASK, tail
from pc_mcp.inventory.text import match_key, visible, visible_or_none
from pc_mcp.partner_center.models import Device

_BATCH_SHIFT = 32

_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA secure_delete = OFF;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE device (
        key INTEGER PRIMARY KEY,    -- batch number and position in the batch
        id TEXT,
        id_key TEXT,                -- its match_key, where SQLite's lower(id) is another
        serial TEXT,
        serial_key TEXT,            -- the same of the serial number
        manufacturer INTEGER,       -- number of an interned text, as are the next two
        model INTEGER,
        policy INTEGER,
        uploaded INTEGER,           -- microseconds since 1970, UTC
        product_key TEXT,           -- what may be shown of it
        product_key_digest INTEGER  -- keyed, to find a device by the whole of it
    );
    CREATE TABLE duplicate (key INTEGER PRIMARY KEY);
"""
_COLUMNS = "key, id, serial, manufacturer, model, policy, uploaded, product_key"
_SERIAL = "coalesce(serial_key, lower(serial))"
_ID = "coalesce(id_key, lower(id))"


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
class Irregularities:
    """What an agent would want to be told of the devices that match."""

    duplicates: int
    duplicate_serial_numbers: tuple[str, ...]
    without_policy: int
    without_serial_number: int


class DeviceTable:
    """Rows are added batch by batch, in the order in which the service gives them."""

    def __init__(self, *, reveal_product_keys: bool) -> None:
        self._reveal = reveal_product_keys
        self._digest_key = secrets.token_bytes(16)
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._duplicates_of: tuple[Scope, int] | None = None
        self._rows = 0
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Frees the memory."""
        self._db.close()

    def add(self, batch_number: int, position: int, devices: Sequence[Device], policy_names: Mapping[str, str]) -> None:
        """Adds a page of a batch, whose first device has `position`, from 0.

        `policy_names` gives the names of policies by id: a device names its policy by either.
        """
        first = (batch_number << _BATCH_SHIFT) + position
        rows = [self._row(first + index, device, policy_names) for index, device in enumerate(devices)]
        self._db.executemany("INSERT INTO device VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
        self._rows += len(rows)

    def remove(self, batch_number: int) -> None:
        """Removes a batch, to be read again from its first page."""
        self._rows -= self._db.execute(
            "DELETE FROM device WHERE key >= ? AND key < ?", Scope(batch_number, batch_number + 1).keys
        ).rowcount
        self._duplicates_of = None

    def count(self, scope: Scope, where: DeviceFilter) -> int:
        """How many devices match."""
        return self._number("SELECT count(*)", scope, where)

    def rows(self, scope: Scope, where: DeviceFilter, *, after: int, limit: int) -> list[DeviceRow]:
        """The first `limit` devices that match and whose key is greater than `after`."""
        tail = " AND key > ? ORDER BY key LIMIT ?"
        found = self._select(f"SELECT {_COLUMNS}", scope, where, tail, [after, limit])
        return [self._device_row(row) for row in found]

    def groups(self, scope: Scope, where: DeviceFilter, by: GroupBy) -> list[tuple[str | int | None, int]]:
        """(value, devices) pairs, the most frequent first; for `batch` a value is a batch number."""
        expression = {
            "batch": f"key >> {_BATCH_SHIFT}",
            "uploaded_day": DAY,
            "uploaded_month": DAY,
        }.get(by, by)
        found = self._select(f"SELECT {expression} AS value, count(*)", scope, where, " GROUP BY value")
        counts: Counter[str | int | None] = Counter()
        for value, devices in found:
            counts[self._label(by, value)] += devices
        return sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0]))

    def irregularities(self, scope: Scope, where: DeviceFilter) -> Irregularities:
        """Counts over the devices that match; a serial number is a duplicate within the scope."""
        self._find_duplicates(scope)
        in_duplicate = " AND key IN (SELECT key FROM duplicate)"
        examples = self._select(
            f"SELECT min(serial), {_SERIAL} AS serials",
            scope,
            where,
            in_duplicate + " GROUP BY serials LIMIT 3",
        )
        return Irregularities(
            duplicates=self._number("SELECT count(*)", scope, where, in_duplicate),
            duplicate_serial_numbers=tuple(serial for serial, _ in examples),
            without_policy=self._number("SELECT count(*)", scope, where, " AND policy IS NULL"),
            without_serial_number=self._number("SELECT count(*)", scope, where, " AND serial IS NULL"),
        )

    def find(self, scope: Scope, identifiers: Iterable[str]) -> dict[str, list[DeviceRow]]:
        """The devices whose serial number, id or product key is each identifier, case ignored."""
        found: dict[str, list[DeviceRow]] = {match_key(identifier): [] for identifier in identifiers}
        by_digest = {self._digest(key): key for key in found}
        marks = ",".join("?" * len(found))
        tail = f" AND ({_SERIAL} IN ({marks}) OR {_ID} IN ({marks}) OR product_key_digest IN ({marks}))"
        values = [*found, *found, *by_digest]
        selected = f"SELECT {_COLUMNS}, {_SERIAL}, {_ID}, product_key_digest"
        for *row, serial, device_id, digest in self._select(
            selected, scope, DeviceFilter(), tail + " ORDER BY key", values
        ):
            device = self._device_row(row)
            for key in dict.fromkeys((serial, device_id, by_digest.get(digest))):
                if key in found:
                    found[key].append(device)
        return found

    def _row(self, key: int, device: Device, policy_names: Mapping[str, str]) -> tuple[object, ...]:
        device_id = visible_or_none(device.id)
        serial = visible_or_none(device.serial_number)
        product_key = visible_or_none(device.product_key)
        named = (policy_names.get(policy.casefold(), policy) for policy in map(visible, device.policies))
        policies = dict.fromkeys(filter(None, map(visible, named)))
        return (
            key,
            device_id,
            _unusual_key(device_id),
            serial,
            _unusual_key(serial),
            self._interned(device.manufacturer),
            self._interned(device.model),
            self._interned(", ".join(policies)),
            microseconds(device.uploaded) if device.uploaded else None,
            tail(product_key) if product_key and not self._reveal else product_key,
            self._digest(match_key(product_key)) if product_key else None,
        )

    def _device_row(self, row: Sequence[Any]) -> DeviceRow:
        key, device_id, serial, manufacturer, model, policy, uploaded, product_key = row
        if product_key is not None and not self._reveal:
            product_key = MASK + product_key
        return DeviceRow(
            key=key,
            id=device_id,
            serial_number=serial,
            manufacturer=None if manufacturer is None else self._texts[manufacturer],
            model=None if model is None else self._texts[model],
            policy=None if policy is None else self._texts[policy],
            uploaded=None if uploaded is None else EPOCH + timedelta(microseconds=uploaded),
            product_key=product_key,
        )

    def _interned(self, text: str | None) -> int | None:
        shown = visible_or_none(text)
        if shown is None:
            return None
        number = self._numbers.get(shown)
        if number is None:
            number = self._numbers[shown] = len(self._texts)
            self._texts.append(shown)
        return number

    def _label(self, by: GroupBy, value: int | None) -> str | int | None:
        if value is None or by == "batch":
            return value
        if by == "uploaded_day":
            return day_of(value)
        return day_of(value)[:7] if by == "uploaded_month" else self._texts[value]

    def _digest(self, match: str) -> int:
        digest = hashlib.blake2b(match.encode(), digest_size=8, key=self._digest_key).digest()
        return int.from_bytes(digest, signed=True)

    def _find_duplicates(self, scope: Scope) -> None:
        """Fills `duplicate` for `scope`, once for as long as no row is added."""
        if self._duplicates_of == (scope, self._rows):
            return
        self._db.execute("DELETE FROM duplicate")
        in_scope = "key >= ? AND key < ? AND serial IS NOT NULL"
        self._db.execute(
            f"INSERT INTO duplicate SELECT key FROM device WHERE {in_scope} AND {_SERIAL} IN "  # noqa: S608
            f"(SELECT {_SERIAL} FROM device WHERE {in_scope} GROUP BY 1 HAVING count(*) > 1)",
            scope.keys * 2,
        )
        self._duplicates_of = scope, self._rows

    def _number(self, select: str, scope: Scope, where: DeviceFilter, tail: str = "") -> int:
        ((number,),) = self._select(select, scope, where, tail)
        return int(number)

    def _select(
        self, select: str, scope: Scope, where: DeviceFilter, tail: str = "", values: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        conditions, asked = where.where(self._numbers)
        statement = f"{select} FROM device WHERE key >= ? AND key < ?{conditions}{tail}"
        return self._db.execute(statement, [*scope.keys, *asked, *values]).fetchall()


def _unusual_key(text: str | None) -> str | None:
    """The match_key of `text`, or None where SQLite's lower(), which knows ASCII only, gives the same."""
    key = match_key(text) if text else None
    return None if text is None or (text.isascii() and key == text.lower()) else key
