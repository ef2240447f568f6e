"""GUIDs as people paste them: in braces, without dashes, in any case, or somewhere in an address."""

import re

from pc_mcp.runtime.text import match_key

_GUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_WHOLE = re.compile(rf"[\s'({{\[<]*({_GUID})[\s')}}\]>,;.]*")
_WITHIN = re.compile(rf"(?<![0-9a-z-]){_GUID}(?![0-9a-z-])")
_IN_URN = re.compile(r"urn:uuid:")


def guid_of(text: str) -> str | None:
    """The GUID that `text` is, in lower case and with dashes, or None."""
    found = _WHOLE.fullmatch(_IN_URN.sub("", match_key(text)))
    return _with_dashes(found[1]) if found else None


def id_key(text: str) -> str:
    """What two writings of one id have in common: GUIDs come in braces, in either case, without dashes."""
    return guid_of(text) or match_key(text)


def guids_in(text: str) -> list[str]:
    """Each GUID that stands somewhere in `text`, once, in the order in which they stand there."""
    return list(dict.fromkeys(map(_with_dashes, _WITHIN.findall(match_key(text)))))


def _with_dashes(guid: str) -> str:
    digits = guid.replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
