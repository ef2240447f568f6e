"""The tokens themselves: RS256 JWTs, and the keys that verify them."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import jwt
from jwt.algorithms import RSAAlgorithm

from pc_mcp.sandbox.entra.certificates import rsa_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from pc_mcp.sandbox.entra.accounts import Account
    from pc_mcp.sandbox.entra.grants import Grant
    from pc_mcp.sandbox.entra.switches import EntraSwitches
    from pc_mcp.sandbox.seeded import JsonObject

KEY_ID = "sandbox-signing-key"

STEP_UP = "c1"
"""The authentication context that a claims challenge asks for, and `acrs` of tokens that meet it."""

_ID_TOKEN_LIFE_SECONDS = 3600


def public_key() -> RSAPublicKey:
    """What verifies every token of this process's sign-in services."""
    return rsa_key("tokens").public_key()


def key_set() -> JsonObject:
    """The JSON Web Key Set of `jwks_uri`."""
    key: JsonObject = RSAAlgorithm.to_jwk(public_key(), as_dict=True)
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": key["n"], "e": key["e"]}]}


def client_info(account: Account) -> str:
    """`client_info` of token answers, by which MSAL tells accounts apart."""
    text = json.dumps({"uid": account.object_id, "utid": account.tenant_id})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class Issuer:
    """Signs tokens in the name of one sign-in service.

    `live` are the ids (`uti`) of its access tokens, unless they were made to expire early.
    """

    def __init__(self, base_url: str, switches: EntraSwitches) -> None:
        self._base_url = base_url
        self._switches = switches
        self.live: set[str] = set()

    def access_token(self, grant: Grant) -> str:
        """A token of a person ("Access token claims reference", version 1.0)."""
        account, scope = grant.account, grant.asked.scope
        claims: JsonObject = {
            "scp": " ".join(scope.permissions),
            "oid": account.object_id,
            "sub": account.object_id,
            "upn": account.username,
            "unique_name": account.username,
            "name": account.name,
            "amr": ["pwd", "mfa"] if grant.mfa else ["pwd"],
        }
        if "acrs" in grant.asked.claims:
            claims["acrs"] = [STEP_UP]
        return self._access_token(scope.resource, account.tenant_id, grant.asked.client_id, claims)

    def app_token(self, resource: str, tenant_id: str, client_id: str) -> str:
        """A token of an application itself: no scope, no person."""
        service_principal = {"oid": client_id, "sub": client_id, "idtyp": "app"}
        return self._access_token(resource, tenant_id, client_id, service_principal)

    def id_token(self, grant: Grant) -> str:
        """See "ID token claims reference", version 2.0."""
        account, asked = grant.account, grant.asked
        claims: JsonObject = {
            "iss": f"{self._base_url}/{account.tenant_id}/v2.0",
            "aud": asked.client_id,
            "sub": account.object_id,
            "oid": account.object_id,
            "tid": account.tenant_id,
            "preferred_username": account.username,
            "name": account.name,
            "ver": "2.0",
        }
        if asked.nonce:
            claims["nonce"] = "another-nonce" if self._switches.wrong_nonce else asked.nonce
        return self._signed(claims, _ID_TOKEN_LIFE_SECONDS)

    def read(self, token: str) -> dict[str, Any]:
        """The claims of an access token; `jwt.InvalidTokenError` unless it is one of ours and alive.

        The audience is the reader's to check.
        """
        required = ["exp", "iss", "aud", "tid", "uti"]
        options: Any = {"verify_aud": False, "require": required}
        claims: dict[str, Any] = jwt.decode(token, public_key(), ["RS256"], options)
        if claims["iss"] != self._issuer(claims["tid"]):
            raise jwt.InvalidIssuerError(claims["iss"])
        if claims["uti"] not in self.live:
            raise jwt.ExpiredSignatureError
        return claims

    def _access_token(self, resource: str, tenant_id: str, client_id: str, claims: JsonObject) -> str:
        id_ = secrets.token_urlsafe(16)
        self.live.add(id_)
        common = {
            "iss": self._issuer(tenant_id),
            "aud": resource,
            "tid": tenant_id,
            "appid": client_id,
            "uti": id_,
            "ver": "1.0",
        }
        return self._signed(common | claims, self._switches.token_life_seconds)

    def _issuer(self, tenant_id: str) -> str:
        return f"{self._base_url}/{tenant_id}/"

    def _signed(self, claims: JsonObject, life_seconds: int) -> str:
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + life_seconds}
        return jwt.encode(claims | times, rsa_key("tokens"), "RS256", {"kid": KEY_ID})
