"""When devices were uploaded: a store has moments as microseconds since 1970, UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS_A_DAY = 86_400_000_000


def microseconds(moment: datetime) -> int:
    """A moment as a store has it."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment_of(microseconds: int) -> datetime:
    """The moment that these microseconds are."""
    return EPOCH + timedelta(microseconds=microseconds)


def day_of(microseconds: int | None) -> int | None:
    """The UTC day of a moment, as `date.toordinal` counts; None: the moment is not known."""
    return None if microseconds is None else microseconds // MICROSECONDS_A_DAY + EPOCH.toordinal()


@dataclass(slots=True)
class Span:
    """When the devices of a batch were uploaded: from `first` to `last`.

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
