"""Which tokens the simulated Partner Center accepts ("Partner Center REST error codes")."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from pc_mcp.sandbox import errors
from pc_mcp.sandbox.entra.accounts import PARTNER_CENTER, RESOURCES, Directory
from pc_mcp.sandbox.entra.tokens import STEP_UP, Issuer
from pc_mcp.sandbox.errors import ServiceError

if TYPE_CHECKING:
    from pc_mcp.sandbox.entra.switches import EntraSwitches

_ROLES = ("Admin agent", "Sales agent")

CHALLENGE = json.dumps({"access_token": {"acrs": {"essential": True, "value": STEP_UP}}})
"""The claims that a challenge asks for ("Developer guide to Conditional Access authentication
context")."""


@dataclass(frozen=True)
class Admission:
    """Partner Center's look at an access token."""

    base_url: str
    directory: Directory
    issuer: Issuer
    switches: EntraSwitches

    def admit(self, token: str) -> None:
        """Raise `ServiceError` unless the bearer may read the partner's data.

        A token of an application itself needs no scope, no MFA and no role.
        """
        claims = self._read(token)
        if claims["tid"] != self.directory.partner_tenant_id:
            raise ServiceError(errors.NO_ROLE)
        if claims.get("idtyp") == "app":
            return
        if RESOURCES[PARTNER_CENTER] not in claims.get("scp", "").split():
            raise ServiceError(errors.TOKEN_REFUSED)
        self._challenge(claims)
        if "mfa" not in claims["amr"]:
            raise ServiceError(errors.NO_MFA, {"isMfaCompliant": "false"})
        account = self.directory.by_object_id(claims["oid"])
        if account is None or account.role not in _ROLES:
            raise ServiceError(errors.NO_ROLE)

    def _read(self, token: str) -> dict[str, Any]:
        try:
            # Id tokens lack some of what is required, and are for the application alone.
            if jwt.decode(token, options={"verify_signature": False}).get("aud") != PARTNER_CENTER:
                raise ServiceError(errors.WRONG_AUDIENCE)
            return self.issuer.read(token)
        except jwt.InvalidTokenError:
            raise ServiceError(errors.TOKEN_REFUSED) from None

    def _challenge(self, claims: dict[str, Any]) -> None:
        """See "Claims challenges, claims requests, and client capabilities"."""
        wanted = self.switches.claims_challenge
        met = STEP_UP in claims.get("acrs", ())
        if wanted == "off" or (wanted == "until_met" and met):
            return
        encoded = base64.b64encode(CHALLENGE.encode()).decode()
        challenge = (
            f'Bearer realm="", authorization_uri="{self.base_url}/common/oauth2/authorize",'
            f' error="insufficient_claims", claims="{encoded}"'
        )
        raise ServiceError(errors.TOKEN_REFUSED, {"WWW-Authenticate": challenge})
