"""Which devices a question is about, and how they are grouped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pc_mcp.inventory.text import match_key

GroupBy = Literal["manufacturer", "model", "policy", "batch", "uploaded_month", "uploaded_day"]

NO_POLICY = "none"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS_A_DAY = 86_400_000_000
DAYS_BEFORE_EPOCH = (EPOCH - datetime(1, 1, 1, tzinfo=UTC)).days


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC)."""
    return (moment - EPOCH) // timedelta(microseconds=1)


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

    def where(self, texts: Mapping[str, int]) -> tuple[str, list[object]]:
        """The conditions as SQL over a `DeviceTable`, whose interned texts are `texts`."""
        terms: list[str] = []
        values: list[object] = []
        if self.serial_number is not None:
            terms.append("instr(coalesce(serial_key, lower(serial)), ?)")
            values.append(match_key(self.serial_number))
        for column, part in (("manufacturer", self.manufacturer), ("model", self.model)):
            if part is not None:
                terms.append(_contains(column, part, texts))
        if self.policy is not None:
            no_policy = match_key(self.policy) == NO_POLICY
            terms.append("policy IS NULL" if no_policy else _contains("policy", self.policy, texts))
        if self.uploaded_after is not None:
            terms.append("uploaded >= ?")
            values.append(microseconds(self.uploaded_after))
        if self.uploaded_before is not None:
            terms.append("uploaded < ?")
            values.append(microseconds(self.uploaded_before))
        return "".join(f" AND {term}" for term in terms), values


def _contains(column: str, part: str, texts: Mapping[str, int]) -> str:
    """The few texts that repeat over many devices are searched once, not once a device."""
    needle = match_key(part)
    found = (str(number) for text, number in texts.items() if needle in match_key(text))
    return f"{column} IN ({','.join(found)})"


def day_of(number: int) -> str:
    """The ISO date of a day number, counted from year 1."""
    return (datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=number)).date().isoformat()


# Integer division in SQL rounds towards zero, so days are counted from year 1, never below zero.
DAY = f"(uploaded + {DAYS_BEFORE_EPOCH * MICROSECONDS_A_DAY}) / {MICROSECONDS_A_DAY}"
