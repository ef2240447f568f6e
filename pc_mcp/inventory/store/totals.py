"""Counts over all batches of a customer together: a question about the whole customer looks at no single batch."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import lru_cache

ByDay = Mapping[int | None, Counter[int]]
"""Devices by the UTC day of their upload (as `date.toordinal` counts; None: not known) and the number of their kind."""


class Totals:
    """What batches hold together. by_month: as `ByDay`, a month is its first day; by_batch: all devices of each."""

    def __init__(self, batches: Mapping[int, ByDay]) -> None:
        self.by_month: defaultdict[int | None, Counter[int]] = defaultdict(Counter)
        self.by_batch: Counter[int] = Counter()
        self._batches_of: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
        self._devices_of: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
        for batch, days in batches.items():
            for day, counts in days.items():
                self.by_month[month_of(day)].update(counts)
                for kind, devices in counts.items():
                    self._batches_of[kind].append(batch)
                    self._devices_of[kind].append(devices)
                self.by_batch[batch] += counts.total()

    def batches_with(self, kinds: Collection[int]) -> Counter[int]:
        """How many devices of these kinds each batch holds that has any."""
        others = self._batches_of.keys() - kinds
        if len(others) < len(kinds):
            return self.by_batch - self._devices_by_batch(others)
        return self._devices_by_batch(kinds)

    def _devices_by_batch(self, kinds: Iterable[int]) -> Counter[int]:
        found: Counter[int] = Counter()
        for kind in kinds:
            for batch, devices in zip(self._batches_of.get(kind, ()), self._devices_of.get(kind, ()), strict=True):
                found[batch] += devices
        return found


@lru_cache(maxsize=2**15)
def month_of(day: int | None) -> int | None:
    """The first day of a day's month."""
    return None if day is None else date.fromordinal(day).replace(day=1).toordinal()


def days_of(month: int) -> range:
    """The days of the month that begins with this one."""
    begin = date.fromordinal(month)
    if (begin.year, begin.month) == (date.max.year, date.max.month):
        return range(month, date.max.toordinal() + 1)
    following = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return range(month, following.toordinal())
