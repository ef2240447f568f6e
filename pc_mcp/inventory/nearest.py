"""The names that are most like one that nobody has: hints, which are offered and never taken.

What a hint costs is bounded whatever the names are, since they come from outside, and it is found in
a thread: beyond the bounds there are fewer hints, never a wait.
"""

import heapq
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import islice

import anyio.to_thread

NAMES_LOOKED_AT = 100_000
CHARACTERS_LOOKED_AT = 48
_COMPARED = 40
_WORDS_COMPARED = 5
_ALIKE = 0.62


async def nearest(wanted: str, names: Sequence[str], limit: int) -> list[int]:
    """Which of `names` are like `wanted`, the most alike first; all of them are `match_key`s."""
    return await anyio.to_thread.run_sync(nearest_of, wanted, names, limit)


def nearest_of(wanted: str, names: Sequence[str], limit: int) -> list[int]:
    """`nearest` in the calling thread: the names that share the most pairs of letters are compared closely."""
    wanted = wanted[:CHARACTERS_LOOKED_AT]
    pairs = _pairs(wanted)
    if not pairs:
        return []
    looked_at = enumerate(islice(names, NAMES_LOOKED_AT))
    shared = ((_overlap(pairs, name[:CHARACTERS_LOOKED_AT]), -number) for number, name in looked_at if name)
    candidates = [-number for score, number in heapq.nlargest(_COMPARED, shared) if score > 0]
    scored = [(_likeness(wanted, names[number][:CHARACTERS_LOOKED_AT]), number) for number in candidates]
    alike = sorted((-score, number) for score, number in scored if score >= _ALIKE)
    return [number for _, number in alike[:limit]]


def _pairs(text: str) -> set[str]:
    """The pairs of letters that follow each other, the first one with a space before it."""
    padded = f" {text}"
    return {padded[at : at + 2] for at in range(len(text))}


def _overlap(pairs: set[str], name: str) -> float:
    """How much of `pairs` a name has; of two that have as much, the shorter one has a little more."""
    return len(pairs & _pairs(name)) / len(pairs) - len(name) / 10_000


def _likeness(wanted: str, name: str) -> float:
    """From 0 to 1: how like `wanted` a name is, or its start, or one of its words."""
    if wanted in name:
        return 1.0
    words = name.split()[:_WORDS_COMPARED]
    # A start or a word counts a little less than the whole.
    whole = _ratio(wanted, name)
    part = max((_ratio(wanted, some) for some in {name[: len(wanted)], *words}), default=0.0)
    return max(whole, part - 0.1)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
