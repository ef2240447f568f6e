"""What can be made to go wrong at the sign-in service, and with its tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Where: TypeAlias = Literal["nowhere", "everywhere", "token"]
"""Which requests a fault hits: none, all of them, or those to the token endpoint."""


@dataclass
class EntraSwitches:
    """Faults and variants of sign-in; all are off at first, and can be turned at any time."""

    no_mfa: Literal["off", "always", "until_login"] = "off"
    """Tokens without `mfa` in `amr`: of every sign-in, or of all but those with `prompt=login`."""

    claims_challenge: Literal["off", "until_met", "always"] = "off"
    """Partner Center answers 401 with a claims challenge: to tokens that were not asked for with
    these claims, or to every token of a person."""

    interaction_required: Literal[0, 50076, 50079] = 0
    """Refuse refresh tokens with this AADSTS number, but for those of a sign-in whose authorization
    request had `claims` (other than the client's capabilities)."""

    refresh_revoked: Literal[0, 50173, 700082] = 0
    """Refuse every refresh token with this AADSTS number."""

    refresh_token_uses: int | None = None
    """How often one refresh token may be used; each use gives a new one all the same. Without a
    limit the old one goes on working ("Refresh tokens in the Microsoft identity platform")."""

    no_consent: bool = False
    """Nobody has consented to the application (AADSTS65001)."""

    declined: bool = False
    """Whoever picks an account declines in the end (AADSTS65004)."""

    public_client_not_allowed: bool = False
    """The token endpoint wants a secret of the public client too (AADSTS7000218)."""

    device_code_blocked: bool = False
    """Conditional Access blocks the device code flow, once the person has signed in (AADSTS53003)."""

    device_code_expired: bool = False
    """Every device code has expired (AADSTS70019)."""

    device_code_interval: int = 5
    """Seconds that a client shall wait between two polls; at least 1."""

    device_code_says: dict[str, Any] = field(default_factory=dict)
    """Fields of the answer to a request for a device code, in place of the right ones."""

    configuration_says: dict[str, Any] = field(default_factory=dict)
    """Fields of the configuration document, in place of the right ones."""

    wrong_nonce: bool = False
    """Id tokens carry another nonce than the one that the client sent."""

    token_life_seconds: int = 3600
    """From issue to expiry of access tokens; 0 makes tokens that have expired already."""

    refresh_in: int | None = None
    """`refresh_in` of token answers: seconds after which a client should refresh ahead of time."""

    outage: Where = "nowhere"
    """Answer 503 with a gateway's HTML page."""

    hang: Where = "nowhere"
    """Do not answer at all, until the client leaves or the sandbox stops."""

    latency_seconds: float = 0.0
    """Wait before each answer."""
