"""The sign-in service over HTTP: its paths, its faults, and the log of what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from pc_mcp.sandbox import errors
from pc_mcp.sandbox.entra import pages, tokens
from pc_mcp.sandbox.entra.accounts import ANY_ORGANIZATION, Directory
from pc_mcp.sandbox.entra.browser import Browser
from pc_mcp.sandbox.entra.refusals import Refusal
from pc_mcp.sandbox.entra.token_endpoint import TokenEndpoint
from pc_mcp.sandbox.wire import client_left

if TYPE_CHECKING:
    from collections.abc import MutableSequence

    from starlette.types import Receive, Scope, Send

    from pc_mcp.sandbox.entra.switches import EntraSwitches
    from pc_mcp.sandbox.seeded import JsonObject


@dataclass
class EntraRequest:
    """A request as it came, codes and secrets included: this is a simulation.

    `path` is percent-encoded, with its query; `headers` are by lower-case name; `form` are the
    fields of a POST. `status` is the answer's, once there is one.
    """

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str] = field(default_factory=dict)
    status: int = 0


@dataclass(frozen=True)
class SignInApp:
    """The service as an ASGI application that appends every request to `log`."""

    base_url: str
    directory: Directory
    browser: Browser
    endpoint: TokenEndpoint
    switches: EntraSwitches
    log: MutableSequence[EntraRequest]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        form = dict(parse_qsl((await request.body()).decode("ascii", "replace"), keep_blank_values=True))
        target = scope["raw_path"].decode("ascii")
        if request.url.query:
            target = f"{target}?{request.url.query}"
        recorded = EntraRequest(request.method, target, dict(request.headers), form)
        self.log.append(recorded)

        wait = None if self._hit(self.switches.hang, request) else self.switches.latency_seconds
        if wait != 0 and await client_left(receive, wait):
            return
        answer = self._answer(request, form)
        recorded.status = answer.status_code
        await answer(scope, receive, send)

    def _hit(self, where: str, request: Request) -> bool:
        return where == "everywhere" or (where == "token" and request.url.path.endswith("/oauth2/v2.0/token"))

    def _answer(self, request: Request, form: dict[str, str]) -> Response:
        if self._hit(self.switches.outage, request):
            return HTMLResponse(errors.UNAVAILABLE_PAGE, 503)
        try:
            body = self._json(request, form)
        except Refusal as refusal:
            asked = request.headers.get("client-request-id") or str(uuid4())
            return JSONResponse(refusal.body(self.base_url, asked), refusal.status)
        if body is not None:
            return JSONResponse(body, headers={"Cache-Control": "no-store"})
        try:
            return self._page(request, form)
        except Refusal as refusal:
            return pages.message_page("Sorry, but we are having trouble signing you in", refusal.text, 400)

    def _json(self, request: Request, form: dict[str, str]) -> JsonObject | None:
        """What an application asks for; None when it is not that."""
        match [request.method, *request.url.path.split("/")[1:]]:
            case ["GET", tenant, "v2.0", ".well-known", "openid-configuration"]:
                return self._configuration(self.directory.tenant(tenant)) | self.switches.configuration_says
            case ["GET", tenant, "discovery", "v2.0", "keys"]:
                self.directory.tenant(tenant)
                return tokens.key_set()
            case ["POST", tenant, "oauth2", "v2.0", "devicecode"]:
                return self.endpoint.device_code(self.directory.tenant(tenant), form) | self.switches.device_code_says
            case ["POST", tenant, "oauth2", "v2.0", "token"]:
                return self.endpoint.tokens(self.directory.tenant(tenant), tenant, form)
        return None

    def _page(self, request: Request, form: dict[str, str]) -> Response:
        """What a person sees."""
        query = dict(request.query_params)
        match [request.method, *request.url.path.split("/")[1:]]:
            case ["GET", tenant, "oauth2", "v2.0", "authorize"]:
                return self.browser.authorize(self.directory.tenant(tenant), query)
            case ["POST", tenant, "login"]:
                return self.browser.pick(form)
            case ["GET" | "POST", "devicelogin"]:
                return self.browser.enter_code(form)
            case ["GET", tenant, "oauth2", "v2.0", "logout"]:
                return self.browser.sign_out(query)
        return pages.message_page("Not found", "There is no such page.", 404)

    def _configuration(self, tenant: str) -> JsonObject:
        """See "OpenID Connect on the Microsoft identity platform", "configuration document"."""
        authority = f"{self.base_url}/{tenant}"
        issuer = "{tenantid}" if tenant == ANY_ORGANIZATION else tenant
        return {
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
            ],
            "jwks_uri": f"{authority}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{self.base_url}/{issuer}/v2.0",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{authority}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{authority}/oauth2/v2.0/logout",
        }
