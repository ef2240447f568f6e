"""What happens in the person's browser: the authorization request, the device's code, sign-out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from starlette.responses import RedirectResponse

from pc_mcp.sandbox.entra import pages
from pc_mcp.sandbox.entra.accounts import Account, Directory
from pc_mcp.sandbox.entra.clients import check_client_id, check_redirect_uri
from pc_mcp.sandbox.entra.grants import Asked, DeviceSignIn, Grant, Ledger, claims_of, scope_of
from pc_mcp.sandbox.entra.refusals import BLOCKED, DECLINED, NO_CONSENT, Refusal
from pc_mcp.sandbox.entra.tokens import client_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from pc_mcp.sandbox.entra.switches import EntraSwitches

_UNKNOWN_CODE = "That code did not work. Check the code and try again."


@dataclass(frozen=True)
class Browser:
    """The pages, and what they lead to. Raises `Refusal` for what ends on an error page."""

    base_url: str
    directory: Directory
    ledger: Ledger
    switches: EntraSwitches

    def authorize(self, tenant: str, query: Mapping[str, str]) -> Response:
        """The authorization request ("OAuth 2.0 authorization code flow").

        An error goes to the application's redirect URI, unless that URI or the application itself
        is not known. There is no session: every request asks the person.
        """
        client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
        check_client_id(client_id)
        check_redirect_uri(redirect_uri, client_id)
        try:
            asked = _asked(tenant, query)
        except Refusal as refusal:
            mode = "form_post" if query.get("response_mode") == "form_post" else "query"
            return self._return(redirect_uri, mode, query.get("state", ""), refusal)
        accounts = self.directory.accounts_of(tenant)
        # Whom the application hints at comes first.
        accounts.sort(key=lambda account: account.username != asked.login_hint.lower())
        hidden = {"request": self.ledger.open_page(asked)}
        return pages.pick_page(accounts, f"/{tenant}/login", hidden, redirect_uri)

    def pick(self, form: Mapping[str, str]) -> Response:
        """An account was picked, or none, on the page of an authorization request."""
        asked = self.ledger.pages.get(form.get("request", ""))
        if asked is None:
            raise Refusal(9002313)
        username = form.get("account", "")
        account = self.directory.account(username, asked.tenant) if username else None
        number = self._refused(account)
        if account is None or number:
            refusal = Refusal(number or DECLINED, asked.client_id)
            return self._return(asked.redirect_uri, asked.response_mode, asked.state, refusal)
        code = self.ledger.add_code(self._grant(asked, account))
        fields = {"code": code, "client_info": client_info(account), "session_state": str(uuid4())}
        return _answer(asked.redirect_uri, asked.response_mode, asked.state, fields)

    def enter_code(self, form: Mapping[str, str]) -> Response:
        """The page of the device code flow: first the code, then an account."""
        if "user_code" not in form:
            return pages.code_page("/devicelogin")
        flow = self.ledger.by_user_code(form["user_code"])
        if flow is None or self.switches.device_code_expired or flow.ends <= time.monotonic():
            return pages.code_page("/devicelogin", _UNKNOWN_CODE)
        if "account" not in form:
            accounts = self.directory.accounts_of(flow.asked.tenant)
            return pages.pick_page(accounts, "/devicelogin", {"user_code": flow.user_code})
        return self._complete(flow, form["account"])

    def sign_out(self, query: Mapping[str, str]) -> Response:
        """See "OpenID Connect on the Microsoft identity platform", "Send a sign-out request"."""
        target = query.get("post_logout_redirect_uri", "")
        if urlsplit(target).hostname == "localhost":
            state = {"state": query["state"]} if "state" in query else {}
            return _redirect(target, state)
        return pages.message_page("You signed out of your account", "You may close this window.")

    def _complete(self, flow: DeviceSignIn, username: str) -> Response:
        account = self.directory.account(username, flow.asked.tenant) if username else None
        number = self._refused(account)
        if not number and self.switches.device_code_blocked:
            number = BLOCKED
        if account is None or number:
            flow.refused = number or DECLINED
            raise Refusal(flow.refused, flow.asked.client_id)
        flow.grant = self._grant(flow.asked, account)
        return pages.message_page("You have signed in", "You may close this window.")

    def _refused(self, account: Account | None) -> int:
        if account is None or self.switches.declined:
            return DECLINED
        return NO_CONSENT if self.switches.no_consent else 0

    def _grant(self, asked: Asked, account: Account) -> Grant:
        no_mfa = self.switches.no_mfa
        mfa = no_mfa == "off" or (no_mfa == "until_login" and asked.prompt == "login")
        return Grant(asked, account, mfa, stepped_up=bool(asked.claims))

    def _return(self, redirect_uri: str, mode: str, state: str, refusal: Refusal) -> Response:
        body = refusal.body(self.base_url, str(uuid4()))
        # At this endpoint only few kinds of error exist, and lack of consent is none of them.
        error = "access_denied" if refusal.error == "invalid_grant" else refusal.error
        fields = {
            "error": error,
            "error_description": body["error_description"],
            "error_uri": body["error_uri"],
        }
        return _answer(redirect_uri, mode, state, fields)


def _asked(tenant: str, query: Mapping[str, str]) -> Asked:
    client_id, mode = query["client_id"], query.get("response_mode", "query")
    if query.get("response_type") != "code":
        raise Refusal(70005, query.get("response_type", ""))
    if mode not in ("query", "form_post"):
        raise Refusal(70007, mode)
    if "code_challenge" in query and query.get("code_challenge_method") != "S256":
        raise Refusal(9002313)
    return Asked(
        client_id=client_id,
        tenant=tenant,
        scope=scope_of(query.get("scope", ""), client_id),
        claims=claims_of(query),
        nonce=query.get("nonce", ""),
        redirect_uri=query["redirect_uri"],
        response_mode=mode,
        state=query.get("state", ""),
        code_challenge=query.get("code_challenge", ""),
        prompt=query.get("prompt", ""),
        login_hint=query.get("login_hint", ""),
    )


def _answer(redirect_uri: str, mode: str, state: str, fields: dict[str, str]) -> Response:
    if state:
        fields["state"] = state
    if mode == "form_post":
        return pages.post_page(redirect_uri, fields)
    return _redirect(redirect_uri, fields)


def _redirect(uri: str, fields: Mapping[str, str]) -> Response:
    joint = "&" if urlsplit(uri).query else "?"
    return RedirectResponse(f"{uri}{joint}{urlencode(fields)}" if fields else uri, 302)
