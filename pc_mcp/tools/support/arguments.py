"""The arguments that tools have in common: their types, bounds and descriptions."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from pc_mcp.inventory import GroupBy, Grouping, QuestionError
from pc_mcp.runtime.nearest_name import did_you_mean
from pc_mcp.runtime.text import match_key

# Line breaks and the like are no part of any name; lone surrogates cannot even be written down.
_REFUSED = frozenset({"Cc", "Cs"})
# Of a cell of a spreadsheet, or a line; spaces may be part of a name.
_PASTED_ALONG = "\t\n\v\f\r\x85\u2028\u2029"


def _plain(text: str) -> str:
    text = text.strip(_PASTED_ALONG)
    if not match_key(text):
        raise ValueError("must not be empty; leave the argument out instead")
    if any(unicodedata.category(char) in _REFUSED for char in text):
        raise ValueError("must not contain control characters")
    return text


def _not_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic reports ValueError
    return value


def _moment(value: object) -> datetime:
    """A moment in UTC from ISO 8601 text; a date is its first moment."""
    try:
        text = value.strip() if isinstance(value, str) else ""
        if len(text) > 40 or text[4:5] != "-":
            raise ValueError
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date such as 2025-03-31, or a time such as 2025-03-31T14:00:00Z") from None


def grouping_of(text: str) -> Grouping:
    """What `model` or `batch+model` asks to count by. Raises `ValueError`."""
    facts = tuple(part.strip() for part in text.split("+"))
    for fact in facts:
        if fact not in get_args(GroupBy):
            near = did_you_mean(fact, get_args(GroupBy))
            raise ValueError(f"must be one of {', '.join(get_args(GroupBy))}, or two of them as batch+model.{near}")
    if not len(set(facts)) == len(facts) <= 2:
        raise ValueError("may join two different ones, such as batch+model")
    return cast("Grouping", facts)


def _grouped_by(text: str) -> str:
    return "+".join(grouping_of(text))


Text = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_plain)]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
NotBoolean = BeforeValidator(_not_boolean)

Customer = Annotated[Text, Field(description="Tenant id (or a link with it), domain, name, or a part of it.")]
# As it was pasted: perhaps wrapped, perhaps empty, perhaps several in one.
Identifier = Annotated[str, Field(max_length=8192)]
# A batch id is free text, and its length is not documented.
BatchId = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_plain)]
Cursor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        description="next_cursor of the answer before; other arguments unchanged.",
    ),
    AfterValidator(_plain),
]
GroupedBy = Annotated[str, Field(max_length=32), AfterValidator(_grouped_by)]
Limit = Annotated[int, Field(ge=0, le=100, description="Most rows; 0: none."), NotBoolean]
Refresh = Annotated[bool, Field(description="Read again instead of using what was read in the last minutes.")]


def check_period(after: datetime | None, before: datetime | None, names: tuple[str, str]) -> None:
    """Raises `QuestionError` for a period that nothing can lie in."""
    if after and before and after >= before:
        raise QuestionError(
            f"{names[0]} must be earlier than {names[1]}. {names[0]} includes its moment, {names[1]} not: "
            f"for a single day give the day after it as {names[1]}."
        )
