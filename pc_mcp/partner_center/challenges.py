"""Claims challenges: what else a sign-in must bring ("Claims challenges, claims requests")."""

import base64
import json
import re
from collections.abc import Sequence

_CLAIMS = re.compile(r'claims="([A-Za-z0-9_/+=-]{1,8192})"')


def claims_asked(challenges: Sequence[str]) -> str | None:
    """The JSON of a claims challenge among the values of `WWW-Authenticate`, or None.

    The header may come from anybody, so only the Base64 of a JSON object counts.
    """
    for challenge in challenges:
        found = _CLAIMS.search(challenge)
        if found and "insufficient_claims" in challenge and (claims := _json_object(found[1])):
            return claims
    return None


def _json_object(encoded: str) -> str | None:
    """The text of the JSON object that `encoded` is the Base64 of, in either of its forms, or None."""
    encoded = encoded.replace("+", "-").replace("/", "_").rstrip("=")
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        return text if isinstance(json.loads(text), dict) else None
    except (ValueError, RecursionError):
        return None
