"""Which devices a question is about, and how they are grouped: conditions, whichever engine checks them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Literal

from pc_mcp.inventory.store.kinds import Kind, NamedFact
from pc_mcp.inventory.store.times import MICROSECONDS_A_DAY, first_moment, microseconds
from pc_mcp.inventory.text import ABSENT, NONE
from pc_mcp.runtime.text import match_key

GroupBy = Literal["manufacturer", "model", "policy", "batch", "uploaded_year", "uploaded_month", "uploaded_day"]
Grouping = tuple[GroupBy, ...]
"""What devices are counted by: one fact, or each combination of two."""

Finding = Literal[
    "without_policy",
    "without_serial_number",
    "without_model",
    "without_manufacturer",
    "without_upload_date",
    "duplicate_serial_number",
]
"""What an agent would want to be told of a device."""

OF_KINDS: Mapping[Finding, Callable[[Kind], bool]] = {
    "without_policy": lambda kind: kind.policy is None,
    "without_serial_number": lambda kind: not kind.has_serial_number,
    "without_model": lambda kind: kind.model is None,
    "without_manufacturer": lambda kind: kind.manufacturer is None,
}
"""The findings that all devices of a kind share."""

SHOWN_FOR_NONE = frozenset({ABSENT, NONE})
SAID_FOR_NO_POLICY = SHOWN_FOR_NONE | {"none"}

_SAID_FOR_NONE: Mapping[NamedFact, frozenset[str]] = {
    "policy": SAID_FOR_NO_POLICY,
    "model": SHOWN_FOR_NONE,
    "manufacturer": SHOWN_FOR_NONE,
}


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Conditions that a device must all meet; None: no condition. Texts match as their `match_key`s do.

    `serial_number`, `manufacturer`, `model` and `policy` are contained in the device's; `policy` =
    `none`, and what answers show for an absent value in the place of any of the last three: the
    device has none. In quotation marks these are names like any other: `"None"` is contained in
    the name of a policy that is really called so. `uploaded_after` includes its moment, `uploaded_before`
    does not. `only`: the device has any of these findings; a serial number is a duplicate within the batch or the
    customer that is asked about.
    """

    serial_number: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    policy: str | None = None
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None
    only: tuple[Finding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every device matches."""
        return self == DeviceFilter()

    def kinds(self, kinds: Iterable[Kind]) -> frozenset[int]:
        """The numbers of the kinds that may match. Looks at each kind, not at each device."""
        matches = [_matching(by, part) for by, part in self._parts]
        return frozenset(
            number
            for number, kind in enumerate(kinds)
            if (self.serial_number is None or kind.has_serial_number)
            and (self.is_of_single_devices or not self.only or self._has_finding(kind))
            and all(match(kind) for match in matches)
        )

    def kinds_with_finding(self, kinds: Iterable[Kind]) -> frozenset[int]:
        """The numbers of the kinds that have any of the findings in `only`."""
        return frozenset(number for number, kind in enumerate(kinds) if self._has_finding(kind))

    def countable_kinds(self, kinds: Sequence[Kind]) -> tuple[frozenset[int], frozenset[int]]:
        """The numbers of the kinds all of whose devices match, as far as they are of a day that matches: of those with
        a date, and of those without one. Of no use where `looks_at_devices`."""
        may = self.kinds(kinds)
        dated = may & self.kinds_with_finding(kinds) if self.only else may
        return dated, may if "without_upload_date" in self.only else dated

    @property
    def looks_at_devices(self) -> bool:
        """Whether counts of kinds and days do not tell what matches."""
        return self.serial_number is not None or self.compares_devices

    def _has_finding(self, kind: Kind) -> bool:
        return any(OF_KINDS[finding](kind) for finding in self.only if finding in OF_KINDS)

    @property
    def is_of_single_devices(self) -> bool:
        """Whether a finding in `only` is one that devices of one kind have or have not."""
        return any(finding not in OF_KINDS for finding in self.only)

    @property
    def compares_devices(self) -> bool:
        """Whether a device may match because of another."""
        return "duplicate_serial_number" in self.only

    @property
    def has_period(self) -> bool:
        """Whether devices must have been uploaded in a certain time."""
        return self.uploaded_after is not None or self.uploaded_before is not None

    def covers(self, day: int | None) -> bool | None:
        """Whether all (True), none (False) or some (None) of what was uploaded on a day was uploaded in time.

        day: as `date.toordinal` counts; None: it is not known.
        """
        if not self.has_period or day is None:
            return not self.has_period
        first, end = first_moment(day), first_moment(day) + MICROSECONDS_A_DAY
        begin = first if self.uploaded_after is None else microseconds(self.uploaded_after)
        before = end if self.uploaded_before is None else microseconds(self.uploaded_before)
        if before <= first or end <= begin:
            return False
        return True if begin <= first and end <= before else None

    @property
    def has_policy_name(self) -> bool:
        """Whether only devices whose policy has a certain name match."""
        return "policy" in self.names

    @property
    def absent(self) -> frozenset[NamedFact]:
        """Which of the names the devices must lack."""
        return frozenset(by for by, part in self._parts if part is None)

    @property
    def names(self) -> dict[NamedFact, str]:
        """What must be contained in each of the names, as keys."""
        return {by: part for by, part in self._parts if part}

    @property
    def _parts(self) -> list[tuple[NamedFact, str | None]]:
        """What each of the names that a condition is about must contain, as a key; None: there must be none."""
        return [
            (by, said_of_name(text, said_for_none))
            for by, said_for_none in _SAID_FOR_NONE.items()
            if (text := getattr(self, by)) is not None
        ]


def unquoted(key: str) -> str:
    """What stands in the quotation marks that a key begins and ends with, or the key."""
    inner = key[1:-1].strip()
    return inner if key[:1] == key[-1:] == "'" and inner else key


def said_of_name(text: str, said_for_none: frozenset[str] = SAID_FOR_NO_POLICY) -> str | None:
    """The key of a name, or of a part of it, that a condition is about; None: there must be no name."""
    key = match_key(text)
    return None if key in said_for_none else unquoted(key)


def _matching(by: NamedFact, part: str | None) -> Callable[[Kind], bool]:
    """Whether the devices of a kind have a name that contains `part`, or none where that is None."""
    name_of: Callable[[Kind], str | None] = attrgetter(by)

    @cache
    def matches(name: str | None) -> bool:
        return name is None if part is None else name is not None and part in match_key(name)

    return lambda kind: matches(name_of(kind))
