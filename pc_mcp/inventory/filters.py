"""Which devices a question is about, and how they are grouped."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Literal

from pc_mcp.inventory.kinds import Kind
from pc_mcp.inventory.text import match_key

GroupBy = Literal["manufacturer", "model", "policy", "batch", "uploaded_month", "uploaded_day"]

NO_POLICY = "none"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC)."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass(slots=True)
class Span:
    """When the devices of a batch were uploaded, in microseconds since 1970: from `first` to `last`.

    unknown: of at least one device that is not known.
    """

    first: int | None = None
    last: int | None = None
    unknown: bool = False

    def add(self, uploaded: Sequence[int | None]) -> None:
        """Takes in more devices."""
        known = [moment for moment in (self.first, self.last, *uploaded) if moment is not None]
        self.first, self.last = min(known, default=None), max(known, default=None)
        self.unknown = self.unknown or None in uploaded


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Conditions that a device must all meet; None: no condition. Matching ignores case.

    `serial_number`, `manufacturer`, `model` and `policy` are contained in the device's;
    `policy` = `none`: the device has none. `uploaded_after` includes its moment, `uploaded_before`
    does not.
    """

    serial_number: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    policy: str | None = None
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every device matches."""
        return self == DeviceFilter()

    def kinds(self, kinds: Iterable[Kind]) -> frozenset[int]:
        """The numbers of the kinds that may match. Looks at each kind, not at each device."""
        matches = (
            _contained(self.manufacturer, lambda kind: kind.manufacturer),
            _contained(self.model, lambda kind: kind.model),
            self._policy_matches(),
        )
        return frozenset(
            number
            for number, kind in enumerate(kinds)
            if (self.serial_number is None or kind.has_serial_number) and all(match(kind) for match in matches)
        )

    def covers(self, span: Span) -> bool | None:
        """Whether all (True), none (False) or some (None) of the devices of a batch were uploaded in time."""
        if self.uploaded_after is None and self.uploaded_before is None:
            return True
        if span.first is None or span.last is None:
            return False
        begin = span.first if self.uploaded_after is None else microseconds(self.uploaded_after)
        end = span.last + 1 if self.uploaded_before is None else microseconds(self.uploaded_before)
        if span.last < begin or end <= span.first:
            return False
        return True if begin <= span.first and span.last < end and not span.unknown else None

    def of_one_device(self) -> tuple[str, list[object]]:
        """The conditions that devices of one kind and batch may meet or not, as SQL over a `DeviceTable`."""
        terms: list[str] = []
        values: list[object] = []
        if self.serial_number is not None:
            terms.append(" AND instr(serial_key, ?)")
            values.append(match_key(self.serial_number))
        if self.uploaded_after is not None:
            terms.append(" AND uploaded >= ?")
            values.append(microseconds(self.uploaded_after))
        if self.uploaded_before is not None:
            terms.append(" AND uploaded < ?")
            values.append(microseconds(self.uploaded_before))
        return "".join(terms), values

    @property
    def has_policy_name(self) -> bool:
        """Whether only devices whose policy has a certain name match."""
        return self.policy is not None and match_key(self.policy) != NO_POLICY

    def _policy_matches(self) -> Callable[[Kind], bool]:
        if self.policy is not None and not self.has_policy_name:
            return lambda kind: kind.policy is None
        return _contained(self.policy, lambda kind: kind.policy)


def _contained(part: str | None, text_of: Callable[[Kind], str | None]) -> Callable[[Kind], bool]:
    if part is None:
        return lambda _: True
    needle = match_key(part)

    @cache
    def contains(text: str | None) -> bool:
        return text is not None and needle in match_key(text)

    return lambda kind: contains(text_of(kind))
