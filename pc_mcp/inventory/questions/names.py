"""What a person means by a name: one rule for whatever has names, be it a customer or a batch."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pc_mcp.inventory.product_keys import MASK, without_keys
from pc_mcp.runtime.text import match_key, visible

T = TypeVar("T")

CUT = "…"
"""Where an answer or an error has cut a name."""

SHORTEST_PART = 3
"""A part of a name that is shorter says nothing, but in scripts where a character is a word."""

_SHORTEST_CUT = 40
_NUMBERED = re.compile(r"(.+?) #([1-9]\d{0,5})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """A thing, the names by which it is known, as they were sent, and the `match_key` of each."""

    thing: T
    names: Sequence[str]
    keys: Sequence[str]


def called(text: str, things: Sequence[Named[T]]) -> list[T]:
    """What has the name `text`: exactly, else by its key, in quotation marks, or as answers show the name.

    Of several whose names look the same `numbered` names each.
    """
    exact = [each.thing for each in things if text in each.names]
    if len(exact) == 1:
        return exact
    if found := _alike(text, things):
        return found
    if number := _NUMBERED.fullmatch(text.strip("\"' ")):
        several = _alike(number[1].strip("\"' "), things)
        return several[int(number[2]) - 1 :][:1] if len(several) > 1 else []
    return []


def with_part(text: str, things: Sequence[Named[T]]) -> list[T]:
    """What has a name that begins with `text`, or else one that has it somewhere.

    That only one has can be told from a whole list only.
    """
    key, start = match_key(text), match_key(text.removesuffix(CUT))
    tests: list[Callable[[str], bool]] = [lambda known: known.startswith(start)]
    if len(key) >= SHORTEST_PART or not key.isascii():
        tests.append(lambda known: key in known)
    for test in tests:
        if found := [each.thing for each in things if any(map(test, each.keys))]:
            return found
    return []


def numbered(shown: str, place: int) -> str:
    """What names the thing at that place, from 1, among those whose names are all shown so."""
    return f"{shown} #{place}"


def _alike(text: str, things: Sequence[Named[T]]) -> list[T]:
    """What has a name that is `text` to a person."""
    key = match_key(text)
    for wanted in dict.fromkeys((key, key.strip("' "))):
        if found := [each.thing for each in things if wanted in each.keys]:
            return found
    return _as_shown(text, things)


def _as_shown(text: str, things: Sequence[Named[T]]) -> list[T]:
    """What answers show so: with a product key masked, or cut."""
    bare = text.strip("\"' ")
    start = match_key(bare.removesuffix(CUT))
    is_cut = bare.endswith(CUT) and len(start) >= _SHORTEST_CUT
    if not is_cut and MASK not in text:
        return []
    test = str.startswith if is_cut else str.__eq__
    return [each.thing for each in things if any(test(_shown_key(name), start) for name in each.names)]


def _shown_key(name: str) -> str:
    return match_key(without_keys(visible(name)))
