"""Identifiers as people paste them: wrapped in quotation marks, formulas, brackets and labels, several in a cell.

Nothing is unwrapped that exists as it stands: a cell is looked up whole first, then in each of its
`forms`, from the most literal one on, and only then as the several that it may hold.
"""

import html
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pc_mcp.inventory.errors import UnusableIdentifiers
from pc_mcp.inventory.formulas import unguarded
from pc_mcp.inventory.product_keys import MASK
from pc_mcp.runtime.ids import guid_of, guids_in
from pc_mcp.runtime.text import DASHES, QUOTES, match_key, visible

_MAX_LAYERS = 8
_SHORTEST_OF_SEVERAL = 6
MOST_IDENTIFIERS = 200

# Within a cell; a comma may be the decimal mark of a number that Excel has shortened.
_SEPARATORS = re.compile(
    r"[\t\n\v\f\r\x85\u2028\u2029;|¦\uff1b\uff0c\u3001]+|,(?!\d+E\+?\d+(?![^\W_]))|\s(?:[/&]|and)\s|\s{0,3}(?:[→⇒➔]|[-=]>)\s{0,3}"
    r"|</?(?:td|th|tr|br|li|p|div|span|b|i|code)\s?/?>",
    re.IGNORECASE,
)
# Spreadsheets show long numbers so, and write them so into a CSV file.
_SHORTENED = re.compile(r"\d+[.,]\d+E\+?\d+|\d+E\+\d+", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"(\d+)[.,]0+")
_BULLET = re.compile(r"(?:[-*+•·\u2013\u2014☐☑☒✓✔✗✘]|\(?\d{1,3}[.)]|\[[ xX✓✔]?\])\s+")
_LABEL = re.compile(r"[^\W\d_][^\d:=#;,|\uff1a\uff1d]{0,40}[:=#\uff1a\uff1d](?!//)\s*")
_LINK = rf"[\s{re.escape(DASHES)}]?"
_LABEL_WORDS = re.compile(
    rf"(?:s\s?/?\s?n|ser(?:ial|\.)?(?:{_LINK}(?:numbers?|no|nr|num))?|service{_LINK}tag|asset(?:{_LINK}tag)?"
    rf"|product{_LINK}keys?(?:\s?id)?|pkid|seri(?:en)?e?{_LINK}(?:nummer|nr)|n[uú]m[eé]ro\s(?:de|di)\ss[eé]rie"
    rf"|device{_LINK}id|id|guid|no|nr|n[°º]|№|#)[\s.:#=]*(?<=[\s.:#=№#])",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s:/]+://\S+")
_ADDRESS_PARTS = re.compile(r"[/?&=#()\[\]<>]+")
_SPACED_DASH = re.compile(rf"\s{{0,3}}[{re.escape(DASHES)}]\s{{0,3}}")
# As an answer shows a product key. Fewer asterisks make letters bold.
_MASKED_KEY = re.compile(rf"(?:\\?\*){{4,}}{_LINK}([^\W_]{{5}})\**")
_EDGES = " ,;:.!?|¦*•·_~>→"
_EDGES_OF_MASKED = _EDGES.replace("*", "")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">", "\uff08": "\uff09", "\u3010": "\u3011", "\u3014": "\u3015"}
_BRACKETS |= {"\u27e8": "\u27e9", "\u3008": "\u3009", "\ufe59": "\ufe5a"}
SAID_OF_THE_ABSENT = frozenset({"n/a", "#n/a", "null", "nan", "none", "undefined"})
"""What spreadsheets and programs write where there is nothing, as keys."""

_NOTHING = frozenset(f"{_EDGES}{QUOTES}{DASHES}=/\\_" + "".join(_BRACKETS) + "".join(_BRACKETS.values()))


@dataclass(frozen=True, slots=True)
class Cell:
    """What was given as one identifier.

    forms: what may be meant by the whole of it, by `match_key`, from what stands there to what is left
    without wrapping; core, key: what is left without wrapping, as it may be shown, and the `match_key` of
    that; parts: the several that it may hold; shortened: a spreadsheet has cut off its digits; blank: it
    holds punctuation only.
    """

    forms: Mapping[str, str]
    core: str
    key: str
    parts: tuple["Cell", ...]
    shortened: bool
    blank: bool

    def leaves(self) -> int:
        """How many identifiers it may hold."""
        return sum(part.leaves() for part in self.parts) or 1

    def all_keys(self) -> Iterator[str]:
        """Those of the forms of the whole and of each part."""
        yield from self.forms
        for part in self.parts:
            yield from part.all_keys()


def cells_of(given: Sequence[str]) -> list[Cell]:
    """The cells that hold anything that can be seen. Raises `UnusableIdentifiers`: it looks no further than to where
    there are more than may be asked for."""
    cells, number = [], 0
    for cell in filter(lambda cell: cell.forms, map(_cell, given)):
        cells.append(cell)
        number += cell.leaves()
        if number > MOST_IDENTIFIERS:
            raise UnusableIdentifiers(
                f"These are more than {MOST_IDENTIFIERS} identifiers. Give up to {MOST_IDENTIFIERS} at once, and the "
                "others in further calls."
            )
    if not cells:
        raise UnusableIdentifiers("There is no identifier: every cell is empty. Give whole serial numbers or ids.")
    return cells


def forms_of(text: str) -> Sequence[str]:
    """What may be meant by a part of a name or number as it was pasted, what stands there first."""
    return list(_cell(text).forms.values())


def _cell(text: str) -> Cell:
    text = html.unescape(text) if "&" in text else text
    seen = visible(text)
    keys, core = _forms(seen)
    forms: dict[str, str] = {}
    for form, key in keys.items():
        if key:
            forms.setdefault(key, form)
    shortened = bool(_SHORTENED.fullmatch(core))
    parts: tuple[Cell, ...] = ()
    if not shortened:
        several = _several(text, core)
        parts = tuple(map(_cell, several[: MOST_IDENTIFIERS + 1])) if several != [text] else ()
    return Cell(
        forms,
        core,
        keys[core],
        parts,
        shortened,
        blank=_NOTHING.issuperset(seen) or match_key(seen) in SAID_OF_THE_ABSENT,
    )


def _several(text: str, core: str) -> list[str]:
    """The texts of the several identifiers that a cell may hold, or none where it holds one."""
    pieces = [piece for piece in _SEPARATORS.split(text) if not _NOTHING.issuperset(visible(piece))]
    if len(pieces) > 1 or (pieces and "<" in text and len(pieces[0]) < len(text)):
        return pieces
    words = core.split()
    # "VMware-56 4d 2e" is one serial number, and "Surface Pro 9" none at all.
    return words if len(words) > 1 and all(map(_may_be_one, words)) else []


def _may_be_one(word: str) -> bool:
    """Whether a word among others looks like an identifier."""
    return len(word) >= _SHORTEST_OF_SEVERAL and any(map(str.isdigit, word))


def _forms(seen: str) -> tuple[dict[str, str], str]:
    """What may be meant by a text, with the `match_key` of each, and what is left of the text without wrapping."""
    keys: dict[str, str] = {}

    def take(*forms: str) -> None:
        for form in forms:
            if form not in keys:
                keys[form] = match_key(form)

    take(seen, unguarded(seen))
    if seen[:1] == seen[-1:] == '"':  # a cell as it stands in a CSV file
        take(seen[1:-1].replace('""', '"'), unguarded(seen[1:-1].replace('""', '"')))
    core = seen
    for _ in range(_MAX_LAYERS):
        inner = _without_a_layer(core)
        take(inner)
        if inner == core or not keys[inner]:
            break
        core = inner
        take(unguarded(core))
    if number := _WHOLE_NUMBER.fullmatch(core):
        take(number[1])
    if _ADDRESS.fullmatch(core):
        take(*_held_by_address(core))
    take(_SPACED_DASH.sub("-", core))
    if guid := guid_of(keys[core]):
        take(guid, guid.replace("-", ""))
    return keys, core


def _held_by_address(address: str) -> Iterator[str]:
    """What an address may be that of, the last first: a GUID in it, or a part that may be an identifier."""
    for guid in reversed(guids_in(address)):
        yield from (guid, guid.replace("-", ""))
    parts = _ADDRESS_PARTS.split(urllib.parse.unquote(address))
    yield from filter(_may_be_one, reversed(parts))


def _without_a_layer(text: str) -> str:
    if masked := _MASKED_KEY.fullmatch(text.strip(_EDGES_OF_MASKED)):
        return MASK + masked[1]
    text = text.strip(_EDGES)
    text = _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
    text = text.removeprefix("=").strip()
    text = text.strip(f"{QUOTES} ")
    text = _without_brackets(text)
    for label in (_LABEL, _LABEL_WORDS):
        found = label.match(text)
        if found and any(char.isdigit() or char == "*" for char in text[found.end() :]):
            return text[found.end() :]
    return text


def _without_brackets(text: str) -> str:
    """Without the pair around all of it, or one that the text has half of."""
    for opening, closing in _BRACKETS.items():
        opened, closed = text.startswith(opening), text.endswith(closing)
        if opened and (closed or closing not in text):
            text = text[1:]
        if text and closed and (opened or opening not in text):
            text = text[:-1]
    return text
