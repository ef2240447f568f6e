"""How many devices match a question, by what they have in common."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache

from pc_mcp.inventory.store.filters import OF_KINDS, DeviceFilter, Finding, GroupBy, Grouping
from pc_mcp.inventory.store.kinds import Kind
from pc_mcp.inventory.store.times import day_of
from pc_mcp.inventory.store.totals import Totals, days_of

BY_TIME = frozenset[GroupBy]({"uploaded_day", "uploaded_month", "uploaded_year"})

_TIME_CHARACTERS = {"uploaded_year": 4, "uploaded_month": 7, "uploaded_day": 10}

Label = str | int | None
"""What devices are grouped by: a name, a time, the number of a batch; None: they have none."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of devices by the number of their kind, and where that is asked for by that of their batch, by the UTC day
    of their upload (as `date.toordinal` counts; None: not known), and by all three (`combined`)."""

    kinds: Sequence[Kind]
    combines: bool = False
    by_kind: Counter[int] = field(default_factory=Counter)
    by_batch: Counter[int] = field(default_factory=Counter)
    by_day: Counter[int | None] = field(default_factory=Counter)
    combined: Counter[tuple[int, int, int | None]] = field(default_factory=Counter)
    undated_by_kind: Counter[int] = field(default_factory=Counter)

    def add(self, batch: int, kind: int, day: int | None, devices: int, undated: int) -> None:
        """Counts `devices` more, of which so many have no date that is known."""
        if undated:
            self.undated_by_kind[kind] += undated
        self.by_kind[kind] += devices
        self.by_batch[batch] += devices
        self.by_day[day] += devices
        if self.combines:
            self.combined[batch, kind, day] += devices

    def add_kinds(self, day: int | None, counts: Mapping[int, int], kinds: frozenset[int]) -> None:
        """Counts the devices of a day, or of a month by its first one, that are of any of these kinds."""
        matching = {kind: devices for kind, devices in counts.items() if kind in kinds}
        if not matching:
            return
        self.by_kind.update(matching)
        self.by_day[day] += sum(matching.values())
        if day is None:
            self.undated_by_kind.update(matching)

    @property
    def matched(self) -> int:
        return self.by_kind.total()

    def found(self, finding: Finding) -> int:
        """How many devices have one of the `OF_KINDS`, or no date."""
        if finding == "without_upload_date":
            return self.undated_by_kind.total()
        has = OF_KINDS[finding]
        return sum(devices for kind, devices in self.by_kind.items() if has(self.kinds[kind]))

    def groups(self, grouping: Grouping) -> list[tuple[tuple[Label, ...], int]]:
        """What devices have of each fact, and how many have it: in the order of time where one is a time, and the most
        frequent first."""
        counts: Counter[tuple[Label, ...]] = Counter()
        if len(grouping) > 1:
            for (batch, kind, day), devices in self.combined.items():
                labels = (self._label(by, batch, kind, day) for by in grouping)
                counts[tuple(labels)] += devices
        elif (by := grouping[0]) == "batch":
            counts.update({(batch,): devices for batch, devices in self.by_batch.items()})
        elif by in BY_TIME:
            for day, devices in self.by_day.items():
                counts[day_text(day, by),] += devices
        else:
            for kind, devices in self.by_kind.items():
                counts[getattr(self.kinds[kind], by),] += devices
        return sorted(counts.items(), key=lambda item: _place(grouping, *item))

    def _label(self, by: GroupBy, batch: int, kind: int, day: int | None) -> Label:
        if by == "batch":
            return batch
        return day_text(day, by) if by in BY_TIME else getattr(self.kinds[kind], by)


class Counts:
    """How many devices of each kind every batch got on each day: what can be counted without looking at a device."""

    def __init__(self) -> None:
        self._by_day: defaultdict[int, defaultdict[int | None, Counter[int]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        self._known_totals: Totals | None = None

    def add(self, batch: int, kinds: Sequence[int], uploaded: Sequence[int | None]) -> None:
        """Takes in devices, given by the numbers of their kinds and when they were uploaded, in microseconds."""
        self._known_totals = None
        days = self._by_day[batch]
        if None not in uploaded and day_of(min(uploaded)) == (day := day_of(max(uploaded))):  # type: ignore[type-var]
            days[day].update(kinds)
            return
        for kind, moment in zip(kinds, uploaded, strict=True):
            days[day_of(moment)][kind] += 1

    def undated(self, batches: range, where: DeviceFilter, kinds: Sequence[Kind]) -> tuple[int, list[int]]:
        """How many devices that match have no date that is known, and the batches whose devices have to be looked at
        for it."""
        if where.has_period:
            return 0, []
        concerned = [batch for batch in batches if None in self._by_day.get(batch, ())]
        if where.looks_at_devices:
            return 0, concerned
        _, matching = where.countable_kinds(kinds)
        counts = (self._by_day[batch][None].items() for batch in concerned)
        return sum(devices for items in counts for kind, devices in items if kind in matching), []

    def remove(self, batch: int) -> None:
        """Forgets a batch."""
        self._by_day.pop(batch, None)
        self._known_totals = None

    def clear(self) -> None:
        """Forgets all of them."""
        self._by_day.clear()
        self._known_totals = None

    def tally(
        self, batches: range, where: DeviceFilter, kinds: Sequence[Kind], group_by: Sequence[Grouping]
    ) -> tuple[Tally, list[int]]:
        """What is known of the devices that match, and the batches whose devices have to be looked at for it.

        kinds: all of them, in the order of their numbers.
        """
        if (tally := self._of_all(batches, where, kinds, group_by)) is not None:
            return tally, []
        combines = any(len(grouping) > 1 for grouping in group_by)
        tally, uncounted = Tally(kinds, combines=combines), []
        dated, undated = where.countable_kinds(kinds)
        covers = cache(where.covers)
        for batch in batches:
            days: Mapping[int | None, Counter[int]] = self._by_day.get(batch, {})
            covered = {day: covers(day) for day in days}
            if None in covered.values() or (where.looks_at_devices and True in covered.values()):
                uncounted.append(batch)
                continue
            for day, counts in days.items():
                matching = undated if day is None else dated
                for kind, devices in counts.items() if covered[day] else ():
                    if kind in matching:
                        tally.add(batch, kind, day, devices, devices if day is None else 0)
        return tally, uncounted if where.kinds(kinds) else []

    def _of_all(
        self, batches: range, where: DeviceFilter, kinds: Sequence[Kind], group_by: Sequence[Grouping]
    ) -> Tally | None:
        """The same for a whole customer, without a look at each batch; None where that does not do."""
        needs_batches = ("batch",) in group_by
        each = any(len(grouping) > 1 or grouping == ("uploaded_day",) for grouping in group_by)
        if each or where.looks_at_devices or (needs_batches and (where.has_period or where.only)):
            return None
        if any(batch not in batches for batch in self._by_day):
            return None
        tally = Tally(kinds)
        dated, undated = where.countable_kinds(kinds)
        for month, counts in self._totals.by_month.items():
            covered = self._covered(month, counts, where)
            if covered is None:
                return None
            tally.add_kinds(month, covered, undated if month is None else dated)
        if needs_batches:
            tally.by_batch.update(self._totals.batches_with(dated))
        return tally

    @property
    def _totals(self) -> Totals:
        if self._known_totals is None:
            self._known_totals = Totals(self._by_day)
        return self._known_totals

    def _covered(self, month: int | None, counts: Counter[int], where: DeviceFilter) -> Counter[int] | None:
        """What of a month is of the period; None where a part of a day is."""
        if month is None or not where.has_period:
            return counts if where.covers(month) else Counter()
        days = days_of(month)
        covered = {day: where.covers(day) for day in days}
        if None in covered.values():
            return None
        if all(covered.values()):
            return counts
        found: Counter[int] = Counter()
        for of_batch in self._by_day.values() if any(covered.values()) else ():
            for day in of_batch.keys() & {day for day, is_covered in covered.items() if is_covered}:
                found.update(of_batch[day])
        return found


@lru_cache(maxsize=2**15)
def day_text(day: int | None, by: GroupBy) -> str | None:
    """The ISO date of a day, or its month or year, whichever devices are grouped by."""
    if day is None:
        return None
    text = date.fromordinal(day).isoformat()
    return text[: _TIME_CHARACTERS[by]]


def _place(grouping: Grouping, labels: tuple[Label, ...], devices: int) -> tuple[object, ...]:
    """By what groups are sorted; what is not known comes last."""
    places = [(label is None, label) for label in labels]
    times = [place for by, place in zip(grouping, places, strict=True) if by in BY_TIME]
    return (*times, -devices, places)
