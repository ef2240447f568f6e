"""Product keys: only their last characters are shown, unless a setting reveals them."""

import re

from pc_mcp.runtime.ids import GUID
from pc_mcp.runtime.text import DASHES, visible_or_none

# What stands in the place of all but the last characters of a product key.
MASK = "*****"
SHOWN_CHARACTERS = 5
# Five groups of five characters, joined, with anything short or nothing between, or the four groups of a
# product id, which the service calls a key as well.
_ENTITY = r"&#?\w{1,8};"
_JOINT = rf"\s?(?:[{re.escape(DASHES)}_.]{{1,3}}|{_ENTITY})\s?"
_APART = rf"(?:[\W_]{{1,4}}|{_ENTITY})"
_FIVE = r"[^\W_]{5}"
_KEY = re.compile(
    rf"(?<![^\W_])(?:(?P<product_id>\d{{5}}(?:{_APART}?\d{{5}}){{2}}{_APART}?[A-Za-z]{{2}}[^\W_]{{3}})"
    rf"|(?P<joined>{_FIVE}(?:{_JOINT}{_FIVE}){{4}}"
    rf"|{_FIVE}{_JOINT}{_FIVE}{_JOINT}[^\W_]{{4,5}}{_JOINT}[^\W_]{{5,6}})"
    rf"|(?P<spaced>{_FIVE}(?:\s{{1,4}}{_FIVE}){{4}})|(?P<apart>{_FIVE}(?:{_APART}{_FIVE}){{4}})"
    rf"|(?P<run>[^\W_]{{25}}))(?![^\W_])"
)
_SHORTEST_KEY = 20
# Microsoft's keys use no others, and no word of a language is made of them.
_OF_KEYS = frozenset("BCDFGHJKMNPQRTVWXY2346789")


def tail(product_key: str) -> str:
    """The characters that may be shown; of a short key none, since the rest could be guessed."""
    return product_key[-SHOWN_CHARACTERS:] if len(product_key) > 2 * SHOWN_CHARACTERS else ""


def masked(product_key: str | None, *, reveal: bool) -> str | None:
    """A product key as it may be shown, such as `*****13579`."""
    key = visible_or_none(product_key)
    return key if key is None or reveal else MASK + tail(key)


def without_keys(text: str) -> str:
    """`text` with what has the shape of a product key masked, wherever in it."""
    if len(text) < _SHORTEST_KEY or (text[8:9] == "-" and GUID.fullmatch(text)):
        return text  # as nearly all texts are
    return _KEY.sub(_mask, text)


def without_key(text: str, product_key: str | None) -> str:
    """`text` with this key masked, of whatever shape and however it is split; a short one could be any word."""
    characters = [*filter(str.isalnum, product_key or "")]
    if product_key is None or len(characters) <= 2 * SHOWN_CHARACTERS:
        return text
    return re.sub(f"{_APART}?".join(characters), lambda _: MASK + tail(product_key), text, flags=re.IGNORECASE)


def _mask(found: re.Match[str]) -> str:
    """The text that was found, masked where it is more than words or numbers of five characters."""
    text = found[0]
    characters = "".join(filter(str.isalnum, re.sub(_ENTITY, "", text))).upper()
    of_keys = _OF_KEYS.issuperset(characters)
    has_digit = any(map(str.isdigit, characters))
    a_digit_in_each = all(any(map(str.isdigit, characters[at : at + 5])) for at in range(0, len(characters), 5))
    if found["product_id"]:
        is_key = True
    elif found["joined"]:
        is_key = of_keys or has_digit
    elif found["spaced"]:
        is_key = of_keys or a_digit_in_each
    elif found["apart"]:  # numbers are listed so
        is_key = (of_keys or a_digit_in_each) and not characters.isdigit()
    else:
        is_key = of_keys and has_digit and not characters.isdigit()
    return MASK + text[-SHOWN_CHARACTERS:] if is_key else text
