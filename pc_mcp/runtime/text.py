"""Text from outside: what of it is visible, and when two texts are the same.

Device names come from uploaded files, so they may hold anything: control, bidirectional, zero-width
and tag characters, which a person never sees but a model reads. Lists keep visible text only.

People and programs write one name in many ways: another dash, another quotation mark, a no-break
space, letters without their marks. `match_key` is the one rule that says which texts are the same;
whatever compares text compares keys. What is shown is never a key.
"""

import re
import unicodedata
from functools import cache

# Letters and marks that show nothing, besides the categories below (Unicode, Default_Ignorable).
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_WHITE_SPACE = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

PIPE, SHOWN_PIPE = "|", "¦"

# Unicode's Dash_Punctuation, and what else people take for a hyphen.
DASHES = (
    "-\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030"
    "\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead\u02d7\u2043\u2212"
)
# Quotation marks, apostrophes, primes, and the accents that stand for them on keyboards.
QUOTES = (
    "'\"`\u00ab\u00bb\u00b4\u02b9\u02ba\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u02ee\u055a\u05f3\u05f4\u1fbd\u1fbf\u1fef"
    "\u1ffd\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2034\u2035\u2036\u2037\u2039\u203a\u275b"
    "\u275c\u275d\u275e\u300c\u300d\u300e\u300f\u301d\u301e\u301f\ua78b\ua78c\uff02\uff07\uff40\uff62\uff63"
)
# The marks that Latin, Greek and Cyrillic letters carry. Those of other scripts make other letters.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\ufe20-\ufe2f]+")
# Letters that Unicode does not take apart, and whose names do not say which letter they are a form of.
_LETTERS = {"æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0131": "i", "ȷ": "j", "ŋ": "n", "ə": "e", "ĸ": "k"}
_LATIN = ((0x00C0, 0x0250), (0x2C60, 0x2C80), (0xA720, 0xA7D0))
_FORM_OF_A_LETTER = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")

LONGEST_NAME = 2000
"""What is behind so many characters is not compared: to take it apart might cost time that grows with its square."""

LONGEST_KEY = 1000
"""A character may stand for eighteen; what is behind so many is not compared."""


def visible(text: str) -> str:
    """`text` without what cannot be seen; a line break becomes a space."""
    if text.isascii() and text.isprintable():
        return text.strip()
    if text.isprintable() and not _IGNORABLE.search(text):
        return text.strip()
    kept = (
        " " if char in _WHITE_SPACE else char
        for char in _IGNORABLE.sub("", text)
        if char in _WHITE_SPACE or unicodedata.category(char) not in _HIDDEN
    )
    return "".join(kept).strip()


def on_a_terminal(text: str) -> str:
    """`text` with nothing in its lines that a terminal would obey, or that would show them otherwise than they are."""
    return "\n".join(line[: len(line) - len(line.lstrip(" "))] + visible(line) for line in text.split("\n"))


def visible_or_none(text: str | None) -> str | None:
    """`visible`, and None where nothing remains."""
    return (visible(text) or None) if text else None


def match_key(text: str) -> str:
    """Two texts match when their keys are equal.

    Compatibility forms (NFKC), case, marks of letters, hidden characters, which dash, which quotation
    mark and which or how much white space do not count; nor do the escapes with which answers show
    a text, so that a value copied from an answer finds its device: a pipe is shown as a broken bar,
    and Markdown is escaped with backslashes.
    """
    if text.isascii() and text.isprintable() and not ("  " in text or "\\" in text or '"' in text or "`" in text):
        return text.strip().lower()
    seen = visible(text[:LONGEST_NAME]).translate(_folds())
    # Twice, since to fold case may give marks, and to take off marks may give letters to fold.
    for _ in range(2):
        seen = _MARKS.sub("", unicodedata.normalize("NFKD", seen)[:LONGEST_KEY]).casefold()
    seen = visible(unicodedata.normalize("NFC", seen))
    return " ".join(seen.casefold().translate(_folds()).split())[:LONGEST_KEY].rstrip()


def shown_and_key(text: str | None) -> tuple[str | None, str | None]:
    """`visible_or_none` and the `match_key` of that, which is what a table keeps of each device."""
    if text and text.isascii():
        if text.isalnum() or text.replace("-", "").isalnum():  # as nearly all identifiers are
            return text, text.lower()
        if text.isprintable() and not ("  " in text or "\\" in text or '"' in text or "`" in text):
            shown = text.strip()
            return (shown, shown.lower()) if shown else (None, None)
    visible_text = visible_or_none(text)
    return visible_text, (match_key(visible_text) or None) if visible_text else None


def compact(key: str) -> str:
    """A key without its dashes and white space, as product keys are compared."""
    return key.replace("-", "").replace(" ", "")


@cache
def _folds() -> dict[int, str]:
    """What single characters are folded to. Most Latin letters with a stroke or a hook have names such
    as LATIN SMALL LETTER O WITH STROKE."""
    folds = {
        ord(SHOWN_PIPE): PIPE,
        ord("\\"): "",
        **dict.fromkeys(map(ord, DASHES), "-"),
        **dict.fromkeys(map(ord, QUOTES), "'"),
        **{ord(letter): base for letter, base in _LETTERS.items()},
    }
    for first, end in _LATIN:
        for code in range(first, end):
            form = _FORM_OF_A_LETTER.match(unicodedata.name(chr(code), ""))
            if form and not unicodedata.decomposition(chr(code)):
                folds[code] = form[1].lower()
    return folds
