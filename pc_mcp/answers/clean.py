"""Text from the service, made fit to be shown: it is data, and must not pass for anything else."""

import json
import re
from datetime import datetime
from html.entities import html5
from typing import overload

from pc_mcp.inventory.product_keys import without_keys
from pc_mcp.inventory.store.filters import SAID_FOR_NO_POLICY
from pc_mcp.inventory.text import ABSENT, NONE, in_quotes
from pc_mcp.runtime.text import PIPE, SHOWN_PIPE, match_key, visible

MAX_FIELD_CHARACTERS = 120
CUT = "…"
OTHERS = "others"
"""What stands, where values are counted, for those that are left out."""

# An entity, such as &#x202E;, would become the character that it stands for.
_MARKDOWN = re.compile(r"[\\`\[\]<>]|&(?:#|(\w+;))")


def cleaned(text: str) -> str:
    """`text` on one line, without hidden characters, pipes and product keys, cut to a field's length."""
    return _cut(without_keys(visible(text[: 20 * MAX_FIELD_CHARACTERS])).replace(PIPE, SHOWN_PIPE))


def cleaned_or_none(text: str | None) -> str | None:
    """`cleaned`, for what may be absent; so is that of which nothing can be seen."""
    return (cleaned(text) or None) if text else None


@overload
def as_given(text: str) -> str: ...
@overload
def as_given(text: None) -> None: ...
def as_given(text: str | None) -> str | None:
    """`cleaned`, for a product key that is masked already or may be shown, and for what the question itself says."""
    return None if text is None else _cut(visible(text[: 20 * MAX_FIELD_CHARACTERS]).replace(PIPE, SHOWN_PIPE))


def _cut(clean: str) -> str:
    return clean if len(clean) <= MAX_FIELD_CHARACTERS else clean[: MAX_FIELD_CHARACTERS - 1] + CUT


def cell(text: str | None) -> str:
    """`text` in a Markdown sentence: cleaned, and with what Markdown would act on escaped."""
    return ABSENT if text is None else escaped(cleaned(text))


def value_cell(value: object) -> str:
    """A value of an answer's structured content, which is clean already, in a row of its text."""
    if value is None or value == []:
        return ABSENT
    if isinstance(value, int):
        return f"{value:,}"
    return escaped(", ".join(map(told_apart, value)) if isinstance(value, list) else told_apart(str(value)))


def counted_value(value: str | None) -> str:
    """A value that devices or batches are counted by, in both halves of an answer."""
    if value is None:
        return NONE
    return f'"{value}"' if match_key(value) == OTHERS else told_apart(value)


def in_sentence(value: str | None) -> str:
    """A value that is counted, in a sentence: in quotation marks, unless it is absent."""
    return NONE if value is None else escaped(quoted(value))


def quoted(text: str) -> str:
    """`text` in a sentence that is escaped as a whole, as summaries and notes are."""
    return in_quotes(cleaned(text))


def told_apart(text: str) -> str:
    """A value that reads like what stands for an absent one, in quotation marks: with these it can be asked for.
    So is one in quotation marks of its own."""
    return f'"{text}"' if match_key(text).strip("' ") in SAID_FOR_NO_POLICY else text


def escaped(text: str) -> str:
    """`text` with what Markdown would make a link, an image, code, HTML or a character of escaped."""
    return _MARKDOWN.sub(lambda found: found[0] if found[1] and found[1] not in html5 else f"\\{found[0]}", text)


def timestamp(when: datetime | None) -> str | None:
    """A moment in UTC to the second, such as 2025-03-04T10:11:12Z."""
    return None if when is None else when.strftime("%Y-%m-%dT%H:%M:%SZ")


def minute(when: datetime) -> str:
    """A moment in a sentence, such as 2025-03-04 10:11 UTC."""
    return when.strftime("%Y-%m-%d %H:%M UTC")


def plural(number: int, noun: str, plural_noun: str | None = None) -> str:
    """A number of things: `1 device`, `1,204 devices`."""
    return f"{number:,} {noun if number == 1 else plural_noun or noun + 's'}"


def json_length(value: object) -> int:
    """How many characters `value` has as JSON, as it is sent, where a letter of any script is one; and with spaces."""
    return len(json.dumps(value, ensure_ascii=False))
