"""Draws that depend on nothing but the world's seed and the name of what is drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
"""The world's own present: no date is later, and no clock is read."""

UNKNOWN_DATE = "0001-01-01T00:00:00"
"""How .NET spells a date that nobody set."""

_LETTERS_AND_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTVWXY"


def source(*names: object) -> Random:
    """The source of randomness that belongs to `names`, for example seed, customer, batch, page."""
    return Random("\x1f".join(map(str, names)))


def guid(rng: Random) -> str:
    """A lower-case version 4 GUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def letters_and_digits(rng: Random, length: int) -> str:
    """`length` characters as makers use them in serial numbers."""
    bits = rng.getrandbits(5 * length)
    return "".join([_LETTERS_AND_DIGITS[bits >> at & 31] for at in range(0, 5 * length, 5)])


def date_text(moment: datetime, ticks: int, offset: timedelta | None) -> str:
    """A date with seven fractional digits, as the service writes it.

    `moment` has a zone and no microseconds, `ticks` are units of 100 ns (0 to 9,999,999). Without
    an `offset` the text has no zone and is UTC.
    """
    zone = ""
    if offset is not None:
        moment += offset
        minutes = int(offset.total_seconds()) // 60
        sign = "-" if minutes < 0 else "+"
        zone = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return f"{moment.isoformat()[:19]}.{ticks:07d}{zone}"
