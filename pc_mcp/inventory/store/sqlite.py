"""The SQLite engine: a database in memory."""

import json
import sqlite3
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeVar

from pc_mcp.inventory.product_keys import SHOWN_CHARACTERS
from pc_mcp.inventory.store.conditions import ORDERS, TWINS, conditions
from pc_mcp.inventory.store.filters import DeviceFilter, Grouping
from pc_mcp.inventory.store.freed_memory import give_back_freed_memory
from pc_mcp.inventory.store.kinds import NamedFact
from pc_mcp.inventory.store.rows import COLUMNS, IDENTIFYING_COLUMNS, SHOWN_COLUMNS, RowEncoding
from pc_mcp.inventory.store.store import BATCH_SHIFT, DeviceOrder, DeviceRow, Duplicates, Scope, TooSlow, key_of
from pc_mcp.inventory.store.tally import BY_TIME, Counts, Tally
from pc_mcp.inventory.store.times import EPOCH, MICROSECONDS_A_DAY
from pc_mcp.partner_center.models import Device

ROWS_AT_ONCE = 100
STEPS_AT_ONCE = 20_000
"""Of SQLite's machine, between two looks at the clock: less than a millisecond."""

T = TypeVar("T")

_PAGE_BYTES = 16_384  # with SQLite's own 4,096 a device takes 15 bytes more: each page has a head beside it
_ROWS_BETWEEN_MEASUREMENTS = 1000

_SCHEMA = f"""
    PRAGMA page_size = {_PAGE_BYTES};
    PRAGMA journal_mode = OFF;
    PRAGMA secure_delete = OFF;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE device (
        key INTEGER PRIMARY KEY,
        kind INTEGER,
        uploaded INTEGER,
        serial_key TEXT,
        serial TEXT,
        id_key,
        id TEXT,
        product_key TEXT,
        product_key_digest INTEGER
    );
    CREATE TABLE duplicate (key INTEGER PRIMARY KEY, serial_key TEXT);
"""
_INSERT = f"INSERT INTO device ({', '.join(COLUMNS)}) VALUES "  # noqa: S608
_ROW = f"({', '.join('?' * len(COLUMNS))})"
_SHOWN = ", ".join(SHOWN_COLUMNS)
_DAY = f"uploaded / {MICROSECONDS_A_DAY} - (uploaded % {MICROSECONDS_A_DAY} < 0) + {EPOCH.toordinal()}"


class SQLiteStore:
    """A `Store` in memory, as quick to fill as pages can be parsed.

    policy_names: the names of policies by `policy_key`; a device names its policy by either.
    """

    def __init__(self, policy_names: Mapping[str, str], *, reveal_product_keys: bool) -> None:
        self._encoding = RowEncoding(policy_names, reveal_product_keys=reveal_product_keys)
        self._counts = Counts()
        self._bytes = self._unmeasured = 0
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        # Python 3.13 complains of one that is left to the collector open.
        weakref.finalize(self, self._db.close)
        self._db.executescript(_SCHEMA)
        self._indexes = _Indexes(self._db)

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def adds_slowly(self) -> bool:
        return self._indexes.exist

    @property
    def has_policies_by_id(self) -> bool:
        return self._encoding.has_policies_by_id

    def names(self, fact: NamedFact) -> list[str]:
        return self._encoding.kinds.names(fact)

    def policy_names(self) -> list[str]:
        return self._encoding.kinds.policy_names()

    def add(self, batch_number: int, position: int, devices: Sequence[Device]) -> None:
        self._indexes.drop()
        first = key_of(batch_number, position)
        # Each statement lets other threads in once, which for every single row would take longer than the row.
        for start in range(0, len(devices), ROWS_AT_ONCE):
            some = devices[start : start + ROWS_AT_ONCE]
            values = self._encoding.encoded(first + start, some)
            self._db.execute(_INSERT + ",".join([_ROW] * len(some)), values)
            kinds, uploaded = (values[COLUMNS.index(name) :: len(COLUMNS)] for name in ("kind", "uploaded"))
            self._counts.add(batch_number, kinds, uploaded)
        self._unmeasured += len(devices)
        if not self._bytes or self._unmeasured >= _ROWS_BETWEEN_MEASUREMENTS:
            ((pages,),) = self._db.execute("PRAGMA page_count")
            self._bytes, self._unmeasured = pages * _PAGE_BYTES + self._encoding.kinds.bytes, 0

    def remove(self, batch_number: int) -> None:
        self._indexes.drop()
        self._db.execute("DELETE FROM device WHERE key >= ? AND key < ?", Scope(batch_number, batch_number + 1).keys)
        self._counts.remove(batch_number)

    def tally(self, scope: Scope, where: DeviceFilter, group_by: Iterable[Grouping] = ()) -> Tally:
        groupings = list(group_by)
        tally, uncounted = self._counts.tally(scope.batches, where, self._encoding.kinds.all, groupings)
        if uncounted:
            by_day = not BY_TIME.isdisjoint(chain(*groupings))
            self._count(tally, _scopes(scope, uncounted, where), where, by_day=by_day)
        return tally

    def _count(self, tally: Tally, scopes: Sequence[Scope], where: DeviceFilter, *, by_day: bool) -> None:
        """Counts the devices of `scopes` that match by looking at each."""
        for scope in scopes:
            select, grouped = _counting(scope, by_day=by_day)
            for counted in self._select(select, scope, where, grouped):
                tally.add(*counted)

    def rows(self, scope: Scope, where: DeviceFilter, *, after: int, limit: int) -> list[DeviceRow]:
        return self._rows(scope, where, " AND key > ? ORDER BY key LIMIT ?", [after, limit])

    def ordered_rows(
        self, scope: Scope, where: DeviceFilter, order: DeviceOrder, *, skip: int, limit: int
    ) -> list[DeviceRow]:
        return self._rows(scope, where, f" ORDER BY {ORDERS[order]} LIMIT ? OFFSET ?", [limit, skip])

    def _rows(self, scope: Scope, where: DeviceFilter, tail: str, values: Sequence[object]) -> list[DeviceRow]:
        return [self._encoding.device(row) for row in self._select(f"SELECT {_SHOWN}", scope, where, tail, values)]

    def rows_with(self, keys: Iterable[int]) -> dict[int, DeviceRow]:
        statement = f"SELECT {_SHOWN} FROM device WHERE key IN (SELECT value FROM json_each(?))"  # noqa: S608
        found = self._db.execute(statement, [json.dumps([*keys])])
        return {row[0]: self._encoding.device(row) for row in found}

    def duplicates(self, scope: Scope, where: DeviceFilter) -> Duplicates:
        self._indexes.find_duplicates()
        among = f" AND key IN ({TWINS})"
        ((devices,),) = self._select("SELECT count(*)", scope, where, among, scope.keys)
        example = "SELECT min(coalesce(serial, upper(serial_key))), serial_key"
        examples = self._select(example, scope, where, among + " GROUP BY 2 LIMIT 3", scope.keys)
        return Duplicates(devices, tuple(serial for serial, _ in examples))

    def undated(self, scope: Scope, where: DeviceFilter) -> int:
        counted, uncounted = self._counts.undated(scope.batches, where, self._encoding.kinds.all)
        for each in _scopes(scope, uncounted, where):
            counted += self._select("SELECT count(*)", each, where, " AND uploaded IS NULL")[0][0]
        return counted

    def find(self, scope: Scope, identifiers: Iterable[str]) -> dict[str, list[DeviceRow]]:
        found: dict[str, list[DeviceRow]] = {identifier: [] for identifier in identifiers}
        columns: dict[str, defaultdict[Any, list[str]]] = {column: defaultdict(list) for column in IDENTIFYING_COLUMNS}
        for identifier in found:
            for values, value in zip(columns.values(), self._encoding.identifying(identifier), strict=True):
                values[value].append(identifier)
        fitting: dict[tuple[int, str], DeviceRow] = {}
        for column, values in columns.items() if found else ():
            self._indexes.make(column)
            among = ",".join("?" * len(values))
            statement = f"SELECT {_SHOWN}, {column} FROM device INDEXED BY by_{column} WHERE {column} IN ({among})"  # noqa: S608
            for *row, value in self._db.execute(statement, [*values]):
                device = self._encoding.device(row)
                if scope.first <= device.batch_number < scope.end:
                    fitting |= {(device.key, identifier): device for identifier in values[value]}
        for (_, identifier), device in sorted(fitting.items(), key=lambda item: item[0]):
            found[identifier].append(device)
        return found

    def ending_so(self, scope: Scope, ends: Iterable[str], *, limit: int) -> list[tuple[int, str]]:
        end = f"lower(substr(product_key, -{SHOWN_CHARACTERS}))"
        among = f" AND {end} IN (SELECT value FROM json_each(?)) ORDER BY key LIMIT ?"  # noqa: S608
        return self._select(f"SELECT key, {end}", scope, DeviceFilter(), among, [json.dumps([*ends]), limit])

    def serial_keys(self, scope: Scope, *, after: int, limit: int) -> list[tuple[int, str]]:
        following = " AND serial_key IS NOT NULL AND key > ? ORDER BY key LIMIT ?"
        return self._select("SELECT key, serial_key", scope, DeviceFilter(), following, [after, limit])

    def in_time(self, until: float, question: Callable[[], T]) -> T:
        self._db.set_progress_handler(lambda: time.monotonic() > until, STEPS_AT_ONCE)
        try:
            return question()
        except sqlite3.OperationalError:
            if time.monotonic() <= until:
                raise
            raise TooSlow from None
        finally:
            self._db.set_progress_handler(None, 0)

    def close(self) -> None:
        self._db.close()
        self._counts.clear()
        give_back_freed_memory()

    def _select(
        self, select: str, scope: Scope, where: DeviceFilter, tail: str = "", values: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        if where.compares_devices:
            self._indexes.find_duplicates()
        those, asked = conditions(where, scope, self._encoding.kinds.all)
        return self._db.execute(f"{select} FROM device{those}{tail}", [*asked, *values]).fetchall()


def _counting(scope: Scope, *, by_day: bool) -> tuple[str, str]:
    """How a statement begins and ends that counts by batch, kind and day."""
    batch, by = (str(scope.first), "2") if len(scope.batches) == 1 else (f"key >> {BATCH_SHIFT}", "1, 2")
    day, then_by = (_DAY, ", 3") if by_day else ("NULL", "")
    return f"SELECT {batch}, kind, {day}, count(*), sum(uploaded IS NULL)", f" GROUP BY {by}{then_by}"


def _scopes(scope: Scope, batches: Sequence[int], where: DeviceFilter) -> list[Scope]:
    """These batches of a scope, those that follow each other at once: a statement for each took four times as long.
    All of the scope where devices are compared with others."""
    if where.compares_devices and batches:
        return [scope]
    runs: list[Scope] = []
    for batch in batches:
        first = runs.pop().first if runs and runs[-1].end == batch else batch
        runs.append(Scope(first, batch + 1))
    return runs


class _Indexes:
    """The indexes, and which serial numbers occur twice: made by the first question that needs them.

    They go when rows change: a page is added many times as fast where no index is kept up to date with it.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._made: set[str] = set()
        self._duplicates_known = False

    @property
    def exist(self) -> bool:
        """Whether there are any."""
        return bool(self._made)

    def drop(self) -> None:
        """Removes what would have to be kept up to date."""
        for column in self._made:
            self._db.execute(f"DROP INDEX by_{column}")
        self._made.clear()
        self._duplicates_known = False

    def make(self, column: str) -> None:
        """Makes the index `by_` this column where it is missing."""
        if column not in self._made:
            with self._undone_if_interrupted():
                self._db.execute(f"CREATE INDEX by_{column} ON device ({column}) WHERE {column} IS NOT NULL")
            self._made.add(column)

    def find_duplicates(self) -> None:
        """Fills `duplicate` for all batches, once for as long as no row changes."""
        if self._duplicates_known:
            return
        self.make("serial_key")
        several = "SELECT serial_key FROM device WHERE serial_key IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        with self._undone_if_interrupted():
            self._db.execute("DELETE FROM duplicate")
            self._db.execute(
                f"INSERT INTO duplicate SELECT key, serial_key FROM device WHERE serial_key IN ({several})"  # noqa: S608
            )
        self._duplicates_known = True

    @contextmanager
    def _undone_if_interrupted(self) -> Iterator[None]:
        """Pages are added without a journal; without one a change that is interrupted would be half made."""
        self._db.execute("PRAGMA journal_mode = MEMORY")
        try:
            yield
        finally:
            self._db.execute("PRAGMA journal_mode = OFF")
