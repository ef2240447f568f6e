"""Keeps what was read for a while, and no more of it than memory should hold."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

import anyio


class Kept(Protocol):
    """Something that was read.

    touched: when last, on anyio's clock; kept_until: it is kept until then, however old; weight: in devices.
    """

    touched: float
    kept_until: float

    @property
    def weight(self) -> int: ...

    @property
    def is_full(self) -> bool: ...

    @property
    def busy(self) -> bool: ...

    def close(self) -> None: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Kept)


class Shelf(Generic[K, V]):
    """A cache by key: entries live `life_seconds` from their last reading, and until then at least that they
    are to be kept.

    When the weights add up to more than `max_weight`, the least recently used go first; one that is
    being read, or is the only one, stays. What has gone waits until nobody uses it, and is to be closed.
    """

    def __init__(self, life_seconds: float, max_weight: int) -> None:
        self._life = life_seconds
        self._max_weight = max_weight
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._gone: list[V] = []

    def get(self, key: K) -> V | None:
        """The live entry, which counts as used now."""
        entry = self._entries.get(key)
        if entry is None or self._is_over(entry):
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: K, entry: V) -> None:
        """Keeps `entry` in the place of what `key` had."""
        if key in self._entries:
            self._gone.append(self._entries.pop(key))
        self._entries[key] = entry

    def trim(self) -> None:
        """Takes off what is over, what is full and not in use, and the least recently used until the rest may stay."""
        self._take_off(lambda entry: self._is_over(entry) or (entry.is_full and not entry.busy))
        weight = sum(entry.weight for entry in self._entries.values())
        for key, entry in list(self._entries.items())[:-1]:
            if weight <= self._max_weight:
                return
            if not entry.busy:
                weight -= entry.weight
                self._gone.append(self._entries.pop(key))

    def clear(self) -> None:
        """Takes everything off."""
        self._take_off(lambda _: True)

    def to_close(self) -> list[V]:
        """What has gone and is used by nobody any more; it is told of once."""
        free = [entry for entry in self._gone if not entry.busy]
        self._gone = [entry for entry in self._gone if entry.busy]
        return free

    def _is_over(self, entry: V) -> bool:
        return anyio.current_time() >= max(entry.touched + self._life, entry.kept_until)

    def _take_off(self, unwanted: Callable[[V], bool]) -> None:
        for key in [key for key, entry in self._entries.items() if unwanted(entry)]:
            self._gone.append(self._entries.pop(key))
