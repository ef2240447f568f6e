"""What the outermost object of an answer says of itself, in whatever case its names are written.

A missing item is noticed by nobody, so an answer is an error, or goes on, wherever it looks like it.
"""

from collections.abc import Iterator

from pc_mcp.partner_center.models import count

TOKEN_HEADER = "MS-ContinuationToken"

_ERRORS = frozenset({"code", "statuscode", "error", "errors", "errorcode", "errormessage", "message"})
_MORE = frozenset({"next", "nextlink", "@odata.nextlink", "nextpage", "nextpagelink", "nextpagetoken", "hasmore"})


def members(value: object, name: str) -> list[object]:
    """What an object holds under `name`, which is in lower case; nothing where it is no object."""
    if not isinstance(value, dict):
        return []
    return [member for key, member in value.items() if _plain(key) == name]


def says_error(value: dict[str, object], *others: str) -> bool:
    """Whether an object is, or also is, an error: one that comes with 200 must not end a list early.

    others: more names in lower case that no object of this kind has.
    """
    names = _ERRORS.union(others)
    return any(_plain(key) in names and member for key, member in value.items())


def says_empty(value: dict[str, object]) -> bool:
    """Whether an object without items says that it is a collection which has none."""
    totals = [total for total in members(value, "totalcount") if total is not None]
    types = [kind for attributes in members(value, "attributes") for kind in members(attributes, "objecttype")]
    if any(isinstance(member, list) and member for member in value.values()):
        return False
    return all(count(total) == 0 for total in totals) and (bool(totals) or "Collection" in types)


def total(value: dict[str, object]) -> int:
    """How many items the collection says that it has; 0 where it does not say."""
    return max((count(said) or 0 for said in members(value, "totalcount")), default=0)


def tokens(value: dict[str, object]) -> list[object]:
    """Whatever stands where a continuation token may be, the preferred place first, but for what says that
    there is none."""
    exact_first = sorted(value.items(), key=lambda member: member[0] != "continuationToken")
    given = [member for key, member in exact_first if _plain(key) == "continuationtoken"]
    for following in _next_links(value):
        for headers in members(following, "headers"):
            for header in headers if isinstance(headers, list) else []:
                if TOKEN_HEADER.casefold() in map(_plain, members(header, "key")):
                    given += members(header, "value")
    return [token for token in given if token not in (None, "")]


def goes_on(value: dict[str, object]) -> bool:
    """Whether a page says, in any other way than with a token, that another one follows."""
    return any(_next_links(value)) or any(_plain(key) in _MORE and member for key, member in value.items())


def _next_links(value: dict[str, object]) -> Iterator[object]:
    for links in members(value, "links"):
        yield from members(links, "next")
        for link in links if isinstance(links, list) else []:
            if "next" in map(_plain, members(link, "rel")):
                yield link


def _plain(name: object) -> str | None:
    return name.strip().casefold() if isinstance(name, str) else None
