"""What applications ask for without a browser: tokens, and device codes."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pc_mcp.sandbox.entra.accounts import ANY_ORGANIZATION, RESOURCES
from pc_mcp.sandbox.entra.clients import Clients, check_client_id
from pc_mcp.sandbox.entra.grants import (
    DEVICE_CODE_LIFE_SECONDS,
    Asked,
    Grant,
    Ledger,
    claims_of,
    scope_of,
)
from pc_mcp.sandbox.entra.refusals import DECLINED, Refusal
from pc_mcp.sandbox.entra.tokens import Issuer, client_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pc_mcp.sandbox.entra.switches import EntraSwitches
    from pc_mcp.sandbox.seeded import JsonObject

_POLICY = json.dumps(
    {"access_token": {"polids": {"essential": True, "values": ["9ab03e19-ed42-4168-b6b7-7001fb3e933a"]}}}
)
"""`claims` of a refusal that wants interaction, as documented ("Claims challenges, claims requests,
and client capabilities")."""


@dataclass(frozen=True)
class TokenEndpoint:
    """Answers with the JSON to send, or raises `Refusal`."""

    base_url: str
    ledger: Ledger
    clients: Clients
    issuer: Issuer
    switches: EntraSwitches

    def device_code(self, tenant: str, form: Mapping[str, str]) -> JsonObject:
        """Begin a device code flow ("OAuth 2.0 device authorization grant flow")."""
        client_id = form.get("client_id", "")
        check_client_id(client_id)
        asked = Asked(client_id, tenant, scope_of(form.get("scope", ""), client_id), claims_of(form))
        device_code, user_code = self.ledger.add_device_code(asked)
        url = f"{self.base_url}/devicelogin"
        return {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": url,
            "expires_in": DEVICE_CODE_LIFE_SECONDS,
            "interval": self.switches.device_code_interval,
            "message": f"To sign in, use a web browser to open the page {url} and enter the code"
            f" {user_code} to authenticate.",
        }

    def tokens(self, tenant: str, path_tenant: str, form: Mapping[str, str]) -> JsonObject:
        """Exchange a grant for tokens; `path_tenant` is the tenant as the request's path spells it."""
        endpoint = f"{self.base_url}/{path_tenant}/oauth2/v2.0/token"
        client_id = self.clients.authenticate(form, endpoint)
        match form.get("grant_type", ""):
            case "authorization_code":
                grant = self._by_code(form, client_id)
            case "refresh_token":
                grant = self._by_refresh_token(form, client_id)
            case "urn:ietf:params:oauth:grant-type:device_code":
                grant = self._by_device_code(form, client_id)
            case "client_credentials":
                return self._for_application(tenant, form, client_id)
            case other:
                raise Refusal(70003, other)
        if tenant not in (ANY_ORGANIZATION, grant.account.tenant_id):
            raise Refusal(50020, grant.account.username)
        return self._answer(grant.for_claims(claims_of(form)), asks_client_info="client_info" in form)

    def _by_code(self, form: Mapping[str, str], client_id: str) -> Grant:
        grant = self.ledger.redeem(form.get("code", ""))
        asked = grant.asked
        if asked.client_id != client_id:
            raise Refusal(70000)
        if asked.redirect_uri != form.get("redirect_uri"):
            raise Refusal(50011, form.get("redirect_uri", ""), client_id)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        if asked.code_challenge and asked.code_challenge != challenge:
            raise Refusal(501481)
        return grant

    def _by_refresh_token(self, form: Mapping[str, str], client_id: str) -> Grant:
        switches = self.switches
        kept = self.ledger.refresh_tokens.get(form.get("refresh_token", ""))
        if kept is None or kept.grant.asked.client_id != client_id:
            raise Refusal(70000)
        if switches.refresh_revoked:
            raise Refusal(switches.refresh_revoked)
        if switches.refresh_token_uses is not None and kept.uses >= switches.refresh_token_uses:
            raise Refusal(70008)
        if switches.no_consent:
            raise Refusal(65001, client_id)
        asked = kept.grant.asked
        if switches.interaction_required and not kept.grant.stepped_up:
            raise Refusal(switches.interaction_required, asked.scope.resource, claims=_POLICY)
        kept.uses += 1
        scope = scope_of(form["scope"], client_id) if "scope" in form else asked.scope
        return kept.grant.for_scope(scope)

    def _by_device_code(self, form: Mapping[str, str], client_id: str) -> Grant:
        device_code = form.get("device_code", "")
        flow = self.ledger.device_codes.get(device_code)
        if flow is None or flow.asked.client_id != client_id:
            raise Refusal(70018)
        if self.switches.device_code_expired or flow.ends <= time.monotonic():
            raise Refusal(70019)
        if flow.refused:
            declined = "authorization_declined" if flow.refused == DECLINED else ""
            raise Refusal(flow.refused, client_id, error=declined)
        if flow.grant is None:
            raise Refusal(70016)
        del self.ledger.device_codes[device_code]
        return flow.grant

    def _for_application(self, tenant: str, form: Mapping[str, str], client_id: str) -> JsonObject:
        """See "OAuth 2.0 client credentials flow"."""
        if tenant == ANY_ORGANIZATION:
            raise Refusal(50059)
        scope = form.get("scope", "")
        resource, _, name = scope.rpartition("/")
        if name != ".default":
            raise Refusal(1002012, scope)
        if resource not in RESOURCES:
            raise Refusal(500011, resource)
        return self._bearer(self.issuer.app_token(resource, tenant, client_id))

    def _answer(self, grant: Grant, *, asks_client_info: bool) -> JsonObject:
        scope = grant.asked.scope
        body = self._bearer(self.issuer.access_token(grant)) | {"scope": scope.text}
        if scope.refresh_token:
            body["refresh_token"] = self.ledger.add_refresh_token(grant)
        if scope.id_token:
            body["id_token"] = self.issuer.id_token(grant)
        if asks_client_info:
            body["client_info"] = client_info(grant.account)
        return body

    def _bearer(self, token: str) -> JsonObject:
        life = self.switches.token_life_seconds
        body = {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}
        if self.switches.refresh_in is not None:
            body["refresh_in"] = self.switches.refresh_in
        return body
