"""What was asked for and agreed to, and what stands for it: codes, refresh tokens, device codes."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pc_mcp.sandbox.entra.accounts import GRAPH, RESOURCES, Account
from pc_mcp.sandbox.entra.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABOUT_THE_PERSON = {"openid", "profile", "email", "offline_access"}
_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

DEVICE_CODE_LIFE_SECONDS = 900


@dataclass(frozen=True)
class Scope:
    """The scopes of one request: a resource, its permissions, and what else the client wants."""

    resource: str
    permissions: tuple[str, ...]
    id_token: bool
    refresh_token: bool

    @property
    def text(self) -> str:
        """`scope` of a token answer."""
        return " ".join(f"{self.resource}/{name}" for name in self.permissions)


def scope_of(text: str, client_id: str) -> Scope:
    """Read `scope` ("Scopes and permissions in the Microsoft identity platform").

    Without a resource it is Microsoft Graph. Raises `Refusal` for two resources, an unknown one
    (AADSTS500011), and a permission that the application does not have (AADSTS65001).
    """
    words = text.split()
    asked = [word.rpartition("/") for word in words if word not in _ABOUT_THE_PERSON]
    resources = {resource.rstrip("/") or GRAPH for resource, _, _ in asked} or {GRAPH}
    if len(resources) > 1:
        raise Refusal(28000)
    resource = resources.pop()
    if resource not in RESOURCES:
        raise Refusal(500011, resource)
    permission = RESOURCES[resource]
    if not {name for _, _, name in asked} <= {permission, ".default"}:
        raise Refusal(65001, client_id)
    return Scope(resource, (permission,), "openid" in words, "offline_access" in words)


def claims_of(form: Mapping[str, str]) -> frozenset[str]:
    """Names of the access token's claims that `claims` asks for, without the client's capabilities.

    See "Claims challenges, claims requests, and client capabilities".
    """
    if not form.get("claims"):
        return frozenset()
    try:
        asked = json.loads(form["claims"]).get("access_token", {})
        return frozenset(asked) - {"xms_cc"}
    except (ValueError, AttributeError, TypeError):
        raise Refusal(9002313) from None


@dataclass(frozen=True)
class Asked:
    """What an application asked for, before anybody signed in.

    `tenant` is a tenant id or `organizations`; `claims` are names, as `claims_of` gives them.
    """

    client_id: str
    tenant: str
    scope: Scope
    claims: frozenset[str]
    nonce: str = ""
    redirect_uri: str = ""
    response_mode: str = ""
    state: str = ""
    code_challenge: str = ""
    prompt: str = ""
    login_hint: str = ""


@dataclass(frozen=True)
class Grant:
    """What a person agreed to by signing in; `stepped_up` when that was asked for with claims."""

    asked: Asked
    account: Account
    mfa: bool
    stepped_up: bool

    def for_claims(self, claims: frozenset[str]) -> Grant:
        """The same with more claims asked for."""
        return replace(self, asked=replace(self.asked, claims=self.asked.claims | claims))

    def for_scope(self, scope: Scope) -> Grant:
        """The same for another scope."""
        return replace(self, asked=replace(self.asked, scope=scope))


@dataclass
class DeviceSignIn:
    """A device code flow: pending until it has a grant or was refused (an AADSTS number)."""

    asked: Asked
    user_code: str
    ends: float
    grant: Grant | None = None
    refused: int = 0


@dataclass
class RefreshToken:
    """What a refresh token is good for, and how often it was used."""

    grant: Grant
    uses: int = 0


@dataclass
class Ledger:
    """Everything outstanding, by the random text that stands for it."""

    pages: dict[str, Asked] = field(default_factory=dict)
    codes: dict[str, Grant] = field(default_factory=dict)
    redeemed: set[str] = field(default_factory=set)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    device_codes: dict[str, DeviceSignIn] = field(default_factory=dict)

    def open_page(self, asked: Asked) -> str:
        """A page is shown on which an account is to be picked."""
        handle = secrets.token_urlsafe(18)
        self.pages[handle] = asked
        return handle

    def add_code(self, grant: Grant) -> str:
        """A new authorization code."""
        code = f"1.{secrets.token_urlsafe(60)}"
        self.codes[code] = grant
        return code

    def redeem(self, code: str) -> Grant:
        """What a code stands for; works once."""
        if code in self.redeemed:
            raise Refusal(54005)
        grant = self.codes.pop(code, None)
        if grant is None:
            raise Refusal(70000)
        self.redeemed.add(code)
        return grant

    def add_refresh_token(self, grant: Grant) -> str:
        """A new refresh token."""
        token = f"1.{secrets.token_urlsafe(90)}"
        self.refresh_tokens[token] = RefreshToken(grant)
        return token

    def add_device_code(self, asked: Asked) -> tuple[str, str]:
        """The device code of a new flow, and the code that the person types in."""
        device_code = secrets.token_urlsafe(60)
        user_code = "".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(9))
        ends = time.monotonic() + DEVICE_CODE_LIFE_SECONDS
        self.device_codes[device_code] = DeviceSignIn(asked, user_code, ends)
        return device_code, user_code

    def by_user_code(self, typed: str) -> DeviceSignIn | None:
        """The pending flow of a code as a person types it."""
        code = typed.strip().upper()
        pending = (f for f in self.device_codes.values() if not f.grant and not f.refused)
        return next((f for f in pending if f.user_code == code), None)
