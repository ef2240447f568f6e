"""Devices that are near an identifier which none has: to be offered, never to be counted as found.

A spreadsheet takes the zeros off the start of a number, a label has other hyphens than the list, a
scanner reads one character too many. Serial numbers are compared in pieces in a thread, so that
nothing else waits, for some seconds at most.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio

from pc_mcp.inventory.questions.paging import START
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import DeviceRow, Scope, Store

Why = Literal[
    "punctuation differs", "leading zeros differ", "serial number contains it", "it contains the serial number"
]

MOST = 3
SECONDS = 10.0
SHORTEST = 4
"""A text that is shorter is contained in too many others."""
LONGEST = 40
"""A longer one is no serial number with some characters too many."""
ENOUGH = 1000
"""An identifier that more devices than this contain says too little to go on counting."""
_DEVICES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Near:
    """A device that may be meant by the identifier with this number, and why."""

    identifier: int
    device: DeviceRow
    why: Why


@dataclass(frozen=True, slots=True)
class NearOnes:
    """omitted: how many more there are than the `MOST` of each identifier; complete: all devices were compared."""

    near: Sequence[Near] = ()
    omitted: int = 0
    complete: bool = True


@dataclass(slots=True)
class _Candidates:
    """The best for one identifier: (how near, key of the device, why), and how many there are."""

    best: list[tuple[int, int, Why]] = field(default_factory=list)
    count: int = 0

    def add(self, rank: int, device: int, why: Why) -> None:
        self.count += 1
        insort(self.best, (rank, device, why))
        del self.best[MOST:]


async def near_ones(snapshot: Snapshot, scope: Scope, keys: Sequence[str], deadline: float) -> NearOnes:
    """What is near the identifiers with these `match_key`s, as far as there is time until `deadline`."""
    if not keys:
        return NearOnes()
    comparison = _Comparison(keys)
    end = min(deadline, anyio.current_time() + SECONDS)
    after: int | None = START
    while after is not None and anyio.current_time() < end:
        after = await snapshot.query(comparison.go_on, snapshot.store, scope, after)
    found = [(number, candidate) for number, some in enumerate(comparison.found) for candidate in some.best]
    rows = await snapshot.query(snapshot.store.rows_with, {device for _, (_, device, _) in found})
    near = [Near(number, rows[device], why) for number, (_, device, why) in found if device in rows]
    return NearOnes(near, sum(some.count for some in comparison.found) - len(found), complete=after is None)


class _Comparison:
    """Compares identifiers with serial numbers, a piece of the store at a time."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.found = [_Candidates() for _ in keys]
        self._keys = keys
        self._contained = {n for n, key in enumerate(keys) if len(key) >= SHORTEST}
        self._bare = [_bare(key) for key in keys]
        self._by_bare: defaultdict[str, list[int]] = defaultdict(list)
        self._by_part: defaultdict[str, list[int]] = defaultdict(list)
        for number, key in enumerate(keys):
            if self._bare[number]:
                self._by_bare[self._bare[number]].append(number)
            for part in _parts(key):
                self._by_part[part].append(number)

    def go_on(self, store: Store, scope: Scope, after: int) -> int | None:
        """Compares the devices behind the key `after`; the last one's key, or None where there are no more."""
        rows = store.serial_keys(scope, after=after, limit=_DEVICES_AT_ONCE)
        for device, serial in rows:
            bare = _bare(serial)
            for number in self._by_bare.get(bare, ()):
                zeros = _letters_and_digits(serial) != _letters_and_digits(self._keys[number])
                self.found[number].add(int(zeros), device, "leading zeros differ" if zeros else "punctuation differs")
            for number in self._by_part.get(serial, ()):
                if self._bare[number] != bare:
                    rank = 2 + len(self._keys[number]) - len(serial)
                    self.found[number].add(rank, device, "it contains the serial number")
        # No key holds a line break.
        together = "\n".join([serial for _, serial in rows])
        for number in [number for number in self._contained if self._keys[number] in together]:
            self._add_containing(number, rows)
        return rows[-1][0] if rows else None

    def _add_containing(self, number: int, rows: Sequence[tuple[int, str]]) -> None:
        key, found = self._keys[number], self.found[number]
        for device, serial in rows:
            if key in serial and _bare(serial) != self._bare[number]:
                found.add(2 + len(serial) - len(key), device, "serial number contains it")
        if found.count > ENOUGH:
            self._contained.discard(number)


def _letters_and_digits(key: str) -> str:
    return key if key.isalnum() else "".join(filter(str.isalnum, key))


def _bare(key: str) -> str:
    """Without punctuation and the zeros at the start."""
    return _letters_and_digits(key).lstrip("0")


def _parts(key: str) -> set[str]:
    """What a serial number may be that `key` contains."""
    if len(key) > LONGEST:
        return set()
    return {
        key[start:end]
        for start in range(len(key))
        for end in range(start + SHORTEST, len(key) + 1)
        if end - start < len(key)
    }
