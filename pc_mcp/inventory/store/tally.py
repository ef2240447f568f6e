"""How many devices match a question, by what they have in common."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from pc_mcp.inventory.store.filters import GroupBy
from pc_mcp.inventory.store.kinds import Kind


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of devices by the number of their kind and of their batch, and where that is asked for by
    the UTC day of their upload (as `date.toordinal` counts; None: not known)."""

    kinds: Sequence[Kind]
    by_kind: Counter[int] = field(default_factory=Counter)
    by_batch: Counter[int] = field(default_factory=Counter)
    by_day: Counter[int | None] = field(default_factory=Counter)

    def add(self, batch: int, kind: int, day: int | None, devices: int) -> None:
        """Counts `devices` more."""
        self.by_kind[kind] += devices
        self.by_batch[batch] += devices
        self.by_day[day] += devices

    @property
    def matched(self) -> int:
        return self.by_batch.total()

    @property
    def without_policy(self) -> int:
        return sum(devices for kind, devices in self.by_kind.items() if self.kinds[kind].policy is None)

    @property
    def without_serial_number(self) -> int:
        return sum(devices for kind, devices in self.by_kind.items() if not self.kinds[kind].has_serial_number)

    def groups(self, by: GroupBy) -> list[tuple[str | int | None, int]]:
        """(value, devices) pairs, the most frequent first; for `batch` a value is a batch number."""
        counts: Counter[str | int | None] = Counter()
        if by == "batch":
            counts.update(self.by_batch)
        elif by in ("uploaded_day", "uploaded_month"):
            for day, devices in self.by_day.items():
                counts[day_text(day, by)] += devices
        else:
            for kind, devices in self.by_kind.items():
                counts[_label(self.kinds[kind], by)] += devices
        return sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0]))


def day_text(day: int | None, by: GroupBy) -> str | None:
    """The ISO date of a day, or its month for `uploaded_month`."""
    if day is None:
        return None
    text = date.fromordinal(day).isoformat()
    return text[:7] if by == "uploaded_month" else text


def _label(kind: Kind, by: GroupBy) -> str | None:
    if by == "manufacturer":
        return kind.manufacturer
    return kind.model if by == "model" else kind.policy
