"""Text from the service: what of it is visible, and when two texts are the same.

Device names come from uploaded files, so they may hold anything: control, bidirectional, zero-width
and tag characters, which a person never sees but a model reads. Lists keep visible text only.
"""

import re
import unicodedata

# Letters and marks that show nothing, besides the categories below (Unicode, Default_Ignorable).
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_WHITE_SPACE = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

PIPE, SHOWN_PIPE = "|", "¦"


def visible(text: str) -> str:
    """`text` without what cannot be seen; a line break becomes a space."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = (
        " " if char in _WHITE_SPACE else char
        for char in _IGNORABLE.sub("", text)
        if char in _WHITE_SPACE or unicodedata.category(char) not in _HIDDEN
    )
    return "".join(kept).strip()


def visible_or_none(text: str | None) -> str | None:
    """`visible`, and None where nothing remains."""
    return (visible(text) or None) if text else None


def match_key(text: str) -> str:
    """Two texts match when their keys are equal: case, hidden characters and escapes do not count.

    Answers show a pipe as a broken bar and escape Markdown with backslashes, so a value copied from
    an answer finds its device.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text.strip().lower()
    return visible(text).casefold().replace(SHOWN_PIPE, PIPE).replace("\\", "")


def shown_and_key(text: str | None) -> tuple[str | None, str | None]:
    """`visible_or_none` and the `match_key` of that, which is what a table keeps of each device."""
    if text and text.isascii() and text.isprintable() and "\\" not in text:
        shown = text.strip()
        return (shown, shown.lower()) if shown else (None, None)
    visible_text = visible_or_none(text)
    return visible_text, None if visible_text is None else match_key(visible_text)


def quoted(text: str, length: int = 80) -> str:
    """Text of the service or of a question as it may stand in a sentence of an error."""
    shown = visible(text).replace(PIPE, SHOWN_PIPE)
    return f'"{shown if len(shown) <= length else shown[: length - 1] + "…"}"'
