"""When devices were uploaded: a store has moments as microseconds since 1970, UTC."""

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


def first_moment(day: int) -> int:
    """The first moment of such a day, in microseconds since 1970."""
    return (day - EPOCH.toordinal()) * MICROSECONDS_A_DAY
