"""What the outermost object of an answer says of itself, however its names are written.

A missing item is noticed by nobody, so an answer is an error, or goes on, wherever it looks like it: names are
compared by what is in them, not with a list of those that were seen, since each gateway has its own.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from pc_mcp.partner_center.models import count

TOKEN_HEADER = "MS-ContinuationToken"

OF_A_PAGE = frozenset({"items", "totalcount", "continuationtoken", "links", "attributes"})
"""What a page has as documented. One without items that has anything else may be none."""

_TOKENS = frozenset({"continuationtoken", "mscontinuationtoken"})
_ERRORS = frozenset({"code", "statuscode", "message"})
_ERROR_WITHIN = re.compile("error|exception|(?<!de)fault|fail")
_GOOD_WHERE_TRUE = re.compile("success|succeeded")
_OF_MORE = re.compile("next|more|continuation|skiptoken|cursor|truncated|partial|incomplete")
_END_WHERE_TRUE = re.compile("last|complete|final|^end")
_RELATION = "rel"
_MOST_OF_A_NAME = 100
_MOST_LOOKED_AT = 1000
"""Members and entries of a page besides its items; what has more is no page that ends."""


def members(value: object, name: str) -> list[object]:
    """What an object holds under `name`, which is in lower case; nothing where it is no object."""
    if not isinstance(value, dict):
        return []
    return [member for key, member in value.items() if _plain(key) == name]


def says_error(value: dict[str, object], *others: str) -> bool:
    """Whether an object is, or also is, an error: one that comes with 200 must not end a list early.

    others: more names in lower case that no object of this kind has.
    """
    for key, member in value.items():
        name = _letters(key)
        if member is False and _GOOD_WHERE_TRUE.search(name):
            return True
        if member and (name in _ERRORS or name in others or _ERROR_WITHIN.search(name)):
            return True
    return False


def says_empty(value: dict[str, object]) -> bool:
    """Whether an object without items says that it is a collection which has none."""
    totals = [total for total in members(value, "totalcount") if total is not None]
    types = [kind for attributes in members(value, "attributes") for kind in members(attributes, "objecttype")]
    if any(isinstance(member, list) and member for member in value.values()):
        return False
    return all(count(total) == 0 for total in totals) and (bool(totals) or "Collection" in types)


def is_bare(value: dict[str, object]) -> bool:
    """Whether there is nothing in an object but what a page has."""
    return not any(member and _plain(key) not in OF_A_PAGE for key, member in value.items())


def total(value: dict[str, object]) -> int:
    """How many items the collection says that it has; 0 where it does not say."""
    return max((count(said) or 0 for said in members(value, "totalcount")), default=0)


def tokens(value: dict[str, object]) -> list[object]:
    """Whatever stands where a continuation token may be, the preferred place first, but for what says that
    there is none."""
    exact_first = sorted(value.items(), key=lambda member: member[0] != "continuationToken")
    given = [member for key, member in exact_first if _letters(key) in _TOKENS]
    for following in _next_links(value):
        for headers in members(following, "headers"):
            for header in headers if isinstance(headers, list) else []:
                if TOKEN_HEADER.casefold() in map(_plain, members(header, "key")):
                    given += members(header, "value")
    return [token for token in given if token not in (None, "")]


def goes_on(value: dict[str, object]) -> bool:
    """Whether a page, given without its items, says anywhere in any other way than with a token that another
    one follows."""
    waiting: list[object] = [value]
    # What is looked at is added to the end, so that no nesting is too deep.
    for looked_at in waiting:
        if isinstance(looked_at, dict):
            if any(_is_of_more(key, member) for key, member in looked_at.items()):
                return True
            waiting += looked_at.values()
        elif isinstance(looked_at, list):
            waiting += looked_at
        if len(waiting) > _MOST_LOOKED_AT:
            return True
    return False


def _is_of_more(key: str, member: object) -> bool:
    name = _letters(key)
    if name == _RELATION:
        relations = member if isinstance(member, list) else [member]
        return any(isinstance(relation, str) and "next" in _letters(relation) for relation in relations)
    if _END_WHERE_TRUE.search(name) and member is False:
        return True
    return bool(member) and _OF_MORE.search(name) is not None


def _next_links(value: dict[str, object]) -> Iterator[object]:
    for links in members(value, "links"):
        yield from members(links, "next")
        for link in links if isinstance(links, list) else []:
            if "next" in map(_plain, members(link, "rel")):
                yield link


def _plain(name: object) -> str | None:
    return name.strip().casefold() if isinstance(name, str) else None


def _letters(name: str) -> str:
    """A name without what is written between its words: `Continuation-Token` is `continuationToken`."""
    return _letters_of(name[:_MOST_OF_A_NAME])


@lru_cache(maxsize=256)  # every page has the same few names
def _letters_of(name: str) -> str:
    return "".join(filter(str.isalpha, name.casefold()))
