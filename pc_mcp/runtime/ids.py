"""Ids of applications and tenants, and other GUIDs, as people paste them: in braces, without dashes, in any case, or
somewhere in an address."""

import re

from pc_mcp.runtime.text import QUOTES, match_key, visible

_GUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_WHOLE = re.compile(rf"[\s'({{\[<]*({_GUID})[\s')}}\]>,;.]*")
_WITHIN = re.compile(rf"(?<![0-9a-z-]){_GUID}(?![0-9a-z-])")
_IN_URN = re.compile(r"urn:uuid:")
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""One as it is written."""
_DOMAIN = re.compile(
    r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])", re.IGNORECASE
)
_EXAMPLE = "1b6f0ad9-3c8e-4b57-9a31-5d2f8c7e6041"
ARE_ONE = "are the same, and only one of them can be right"
"""What is wrong with an application and a tenant of one id."""


def guid_of(text: str) -> str | None:
    """The GUID that `text` is, in lower case and with dashes, or None."""
    found = _WHOLE.fullmatch(_IN_URN.sub("", match_key(text)))
    return with_dashes(found[1]) if found else None


def id_key(text: str) -> str:
    """What two writings of one id have in common: GUIDs come in braces, in either case, without dashes."""
    return guid_of(text) or match_key(text)


def guids_in(text: str) -> list[str]:
    """Each GUID that stands somewhere in `text`, once, in the order in which they stand there."""
    return list(dict.fromkeys(map(with_dashes, _WITHIN.findall(match_key(text)))))


def with_dashes(guid: str) -> str:
    """A GUID as it is written, of one that may be without its dashes."""
    digits = guid.replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def pasted_id(text: str) -> str:
    """The id of an application or a tenant that a person means: the one GUID that stands in `text`, such as
    "Application (client) ID: …" or an address of the portal, or `text` without what it is wrapped in."""
    found = guids_in(text)
    if len(found) == 1:
        return found[0]
    return visible(text).strip(f" {{}}<>{QUOTES}").removeprefix("https://").rstrip("/")


def id_fault(value: str, *, may_be_domain: bool) -> str | None:
    """Why this is no id of an application, or, where it may be a domain, none of a tenant; as a phrase."""
    plain = value.replace("-", "").casefold()
    if GUID.fullmatch(value):
        return "is an example, not yours" if len(set(plain)) == 1 or value.casefold() == _EXAMPLE else None
    if may_be_domain and "." in value:
        return None if _DOMAIN.fullmatch(value) else "is no domain, such as contoso.onmicrosoft.com"
    domain = " or a domain, such as contoso.onmicrosoft.com" if may_be_domain else ""
    if value and not plain.strip("0123456789abcdef"):
        what = f"has {len(plain)} digits; an id has 32" if len(plain) != 32 else "has its dashes in the wrong places"
        return f"{what}, such as {_EXAMPLE}{domain}"
    return f"is no id, which looks like {_EXAMPLE}{domain}"
