"""Keeps what was read for a while, and no more of it than memory should hold."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

import anyio


class Kept(Protocol):
    """Something that was read. `touched` is when last, on anyio's clock; `weight` counts devices."""

    touched: float

    @property
    def weight(self) -> int: ...

    @property
    def busy(self) -> bool: ...

    def drop(self) -> None: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Kept)


class Shelf(Generic[K, V]):
    """A cache by key: entries live `life_seconds` from their last reading.

    When the weights add up to more than `max_weight`, the least recently used go first; one that is
    being read, or is the only one, stays.
    """

    def __init__(self, life_seconds: float, max_weight: int) -> None:
        self._life = life_seconds
        self._max_weight = max_weight
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The live entry, which counts as used now."""
        self._drop(lambda entry: anyio.current_time() - entry.touched >= self._life and not entry.busy)
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: K, entry: V) -> None:
        """Keeps `entry` in the place of what `key` had."""
        if key in self._entries:
            self._entries.pop(key).drop()
        self._entries[key] = entry

    def trim(self) -> None:
        """Lets go of the least recently used until what is left may stay."""
        weight = sum(entry.weight for entry in self._entries.values())
        for key, entry in list(self._entries.items())[:-1]:
            if weight <= self._max_weight:
                return
            if not entry.busy:
                weight -= entry.weight
                self._entries.pop(key).drop()

    def clear(self) -> None:
        """Lets go of everything."""
        self._drop(lambda _: True)

    def _drop(self, gone: Callable[[V], bool]) -> None:
        for key in [key for key, entry in self._entries.items() if gone(entry)]:
            self._entries.pop(key).drop()
