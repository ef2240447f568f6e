"""Devices that are near an identifier which none has: to be offered, never to be counted as found.

A spreadsheet takes the zeros off the start of a number, a label has other hyphens than the list, a
scanner reads one character too many. What such an identifier may have been is looked up; beyond that serial
numbers are compared in pieces in a thread, so that nothing else waits, for a part of a second at most.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio

from pc_mcp.inventory.product_keys import MASK
from pc_mcp.inventory.questions.paging import START
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import DeviceRow, Scope, Store
from pc_mcp.runtime.text import match_key

Why = Literal[
    "punctuation differs",
    "leading zeros differ",
    "serial number contains it",
    "it contains the serial number",
    "product key ends so",
]

MOST = 3
SECONDS = 0.4
"""For looking at one device after the other, but for the first ones: a hint is worth no more."""
SHORTEST = 4
"""A text that is shorter is contained in too many others."""
LONGEST = 40
"""A longer one is no serial number with some characters too many."""
ENOUGH = 1000
"""An identifier that more devices than this contain says too little to go on counting."""
_DEVICES_AT_ONCE = 5_000
_ALWAYS_LOOKED_AT = 50_000
_VARIANTS_AT_ONCE = 5_000
_MOST_ZEROS = 16


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
    """The best for one identifier: (how near, key of the device, why), and all devices."""

    best: list[tuple[int, int, Why]] = field(default_factory=list)
    devices: set[int] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.devices)

    def add(self, rank: int, device: int, why: Why) -> None:
        if device in self.devices:
            return
        self.devices.add(device)
        insort(self.best, (rank, device, why))
        del self.best[MOST:]


async def near_ones(snapshot: Snapshot, scope: Scope, keys: Sequence[str], deadline: float) -> NearOnes:
    """What is near the identifiers with these `match_key`s, as far as there is time until `deadline`.

    What an index finds is found among all devices; only the rest is looked for in one device after the other.
    """
    if not keys:
        return NearOnes()
    comparison = Comparison(keys)
    end = min(deadline, anyio.current_time() + SECONDS)
    variants = list(comparison.variants)
    looked_up = 0
    while looked_up < len(variants) and anyio.current_time() < end:
        some = variants[looked_up : looked_up + _VARIANTS_AT_ONCE]
        looked_up += _VARIANTS_AT_ONCE
        await snapshot.query(comparison.look_up, snapshot.store, scope, some)
    all_ends = not comparison.ends
    if comparison.ends and anyio.current_time() < end:
        all_ends = await snapshot.query(comparison.look_up_ends, snapshot.store, scope)
    after: int | None = START
    looked_at = 0
    while after is not None and anyio.current_time() < (deadline if looked_at < _ALWAYS_LOOKED_AT else end):
        looked_at += _DEVICES_AT_ONCE
        after = await snapshot.query(comparison.go_on, snapshot.store, scope, after)
    found = [(number, candidate) for number, some in enumerate(comparison.found) for candidate in some.best]
    rows = await snapshot.query(snapshot.store.rows_with, {device for _, (_, device, _) in found})
    near = [Near(number, rows[device], why) for number, (_, device, why) in found if device in rows]
    return NearOnes(
        near,
        sum(some.count for some in comparison.found) - len(found),
        complete=after is None and looked_up >= len(variants) and all_ends,
    )


class Comparison:
    """Compares identifiers with serial numbers: whole ones by an index, others a piece of the store at a time."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.found = [_Candidates() for _ in keys]
        self._keys = keys
        self._contained = {n for n, key in enumerate(keys) if len(key) >= SHORTEST}
        self._bare = ["" if key.startswith(MASK) else _bare(key) for key in keys]
        self._by_bare: defaultdict[str, list[int]] = defaultdict(list)
        self.variants: defaultdict[str, list[int]] = defaultdict(list)
        """The serial numbers that an identifier may stand for, and for which ones each may."""
        self.ends: defaultdict[str, list[int]] = defaultdict(list)
        """What is shown of product keys, and for which ones each stands."""
        for number, (key, bare) in enumerate(zip(keys, self._bare, strict=True)):
            if key.startswith(MASK):
                self.ends[key.removeprefix(MASK)].append(number)
                continue
            if bare:
                self._by_bare[bare].append(number)
            with_zeros = {"0" * zeros + bare for zeros in range(_MOST_ZEROS + 1)} if bare else set()
            for variant in with_zeros | {_letters_and_digits(key)} | _parts(key):
                if variant not in ("", key):
                    self.variants[variant].append(number)

    def look_up(self, store: Store, scope: Scope, variants: Sequence[str]) -> None:
        """Finds the devices that have one of these serial numbers."""
        for serial, rows in store.find(scope, variants).items():
            for row in rows:
                if row.serial_number is None or match_key(row.serial_number) != serial:
                    continue  # it is the device's id or product key
                for number in self.variants[serial]:
                    self._compare(number, row.key, serial)

    def look_up_ends(self, store: Store, scope: Scope) -> bool:
        """Finds the devices of whose product keys this is shown, and whether these are all: of very many, the first."""
        devices = store.ending_so(scope, self.ends, limit=ENOUGH)
        for device, end in devices:
            for number in self.ends[end]:
                self.found[number].add(0, device, "product key ends so")
        return len(devices) < ENOUGH

    def go_on(self, store: Store, scope: Scope, after: int) -> int | None:
        """Compares the devices behind the key `after`; the last one's key, or None where there are no more."""
        rows = store.serial_keys(scope, after=after, limit=_DEVICES_AT_ONCE)
        bares = [serial if serial.isalnum() and serial[0] != "0" else _bare(serial) for _, serial in rows]
        if not self._by_bare.keys().isdisjoint(bares):
            for (device, serial), bare in zip(rows, bares, strict=True):
                for number in self._by_bare.get(bare, ()):
                    self._compare(number, device, serial)
        # No key holds a line break.
        together = "\n".join([serial for _, serial in rows])
        for number in [number for number in self._contained if self._keys[number] in together]:
            for device, serial in rows:
                if self._keys[number] in serial:
                    self._compare(number, device, serial)
            if self.found[number].count > ENOUGH:
                self._contained.discard(number)
        return rows[-1][0] if rows else None

    def _compare(self, number: int, device: int, serial: str) -> None:
        """Takes in a device whose serial number is like the identifier with this number."""
        key, found = self._keys[number], self.found[number]
        if self._bare[number] and _bare(serial) == self._bare[number]:
            zeros = _letters_and_digits(serial) != _letters_and_digits(key)
            found.add(int(zeros), device, "leading zeros differ" if zeros else "punctuation differs")
        elif key in serial:
            found.add(2 + len(serial) - len(key), device, "serial number contains it")
        else:
            found.add(2 + len(key) - len(serial), device, "it contains the serial number")


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
