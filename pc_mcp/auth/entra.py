"""What this program asks of MSAL, each call in a worker thread: MSAL blocks, and its constructor too.

A result is MSAL's own dictionary: with `access_token`, or with `error`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msal

from pc_mcp.auth.account_cache import KeptAccount
from pc_mcp.auth.errors import SignInRefused
from pc_mcp.auth.msal_calls import MsalHttp, application_options, in_thread
from pc_mcp.auth.registration import Registration
from pc_mcp.auth.store import TokenStore
from pc_mcp.runtime.ids import GUID

T = TypeVar("T")
Result = dict[str, Any]
Check = Callable[[Mapping[str, Any]], None]

WRONG_TENANT = (
    "Somebody of another tenant signed in than the one that is configured, or that the first sign-in was made in. "
    "Nothing was kept. Sign in with an account of the partner's tenant, or change auth.tenant_id."
)
WRONG_ID_TOKEN = "The sign-in service's answer was not for pc-mcp. Nothing was kept: ask again to sign in anew."


class Entra:
    """The sign-in service of one registration, with the accounts of one `TokenStore`."""

    def __init__(self, registration: Registration, store: TokenStore) -> None:
        self._registration = registration
        self._store = store
        self._scopes = [registration.scope]
        self._http = MsalHttp()
        self._apps: dict[str, msal.PublicClientApplication] = {}

    @property
    def store(self) -> TokenStore:
        """Where the accounts are kept; what it says of itself is known once it was used."""
        return self._store

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    async def accounts(self) -> Sequence[KeptAccount]:
        """The signed-in accounts, without asking the sign-in service."""
        return await self._in_thread(lambda: self._store.with_cache(self._store.cache.accounts))

    async def keeps(self, home_account_id: str) -> bool:
        """Whether the account is still kept: another process may have signed it out."""

        def work() -> bool:
            if not self._store.changed:
                return True
            kept = self._store.with_cache(self._store.cache.accounts)
            return any(account.home_account_id == home_account_id for account in kept)

        return await self._in_thread(work)

    async def silent(
        self, choose: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any] | None], **how: Any
    ) -> tuple[Result | None, Mapping[str, Any] | None]:
        """A token without a person, from the cache or by a refresh, and the account that it is for.

        choose: picks the account, or raises. how: `force_refresh`, `claims_challenge`.
        """

        def work(app: msal.PublicClientApplication) -> tuple[Result | None, Mapping[str, Any] | None]:
            account = choose(app.get_accounts())
            if account is None:
                return None, None
            return app.acquire_token_silent_with_error(self._scopes, account, **how), account

        def within() -> tuple[Result | None, Mapping[str, Any] | None]:
            nobody = not any(self._store.cache.search("Account"))
            return (None, None) if nobody else work(self._app())  # to make it asks the sign-in service

        return await self._in_thread(lambda: self._store.with_cache(within))

    async def try_keeping(self) -> None:
        """Finds out whether a sign-in would be kept, before a person takes the trouble; the store says it."""
        await self._in_thread(lambda: self._store.with_cache(self._store.try_out))

    async def begin_browser(self, redirect_uri: str, **how: Any) -> Result:
        """Begins an authorization code flow with PKCE. how: `prompt`, `claims_challenge`."""
        return await self._apart(
            lambda app: app.initiate_auth_code_flow(
                self._scopes, redirect_uri=redirect_uri, response_mode="form_post", **how
            )
        )

    async def end_browser(self, flow: Result, answer: Mapping[str, str], check: Check) -> Result:
        """Redeems the code; `check` sees the claims of who signed in before anything is kept, and may raise."""

        def work(app: msal.PublicClientApplication) -> Result:
            try:
                return dict(app.acquire_token_by_auth_code_flow(flow, answer))
            except (ValueError, RuntimeError):  # wrong state, nonce or id token
                return {"error": "invalid_response"}

        return await self._kept_if(work, check)

    async def begin_device(self, **how: Any) -> Result:
        """Begins a device code flow."""
        return await self._apart(lambda app: app.initiate_device_flow(scopes=self._scopes, **how))

    async def poll_device(self, flow: Result, check: Check, **how: Any) -> Result:
        """Asks once whether the code was used; `check` as for `end_browser`."""
        return await self._kept_if(
            lambda app: dict(app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True, **how)),
            check,
        )

    async def sign_out(self, wanted: Callable[[str], bool]) -> None:
        """Forgets the accounts whose user name is `wanted`, without asking the sign-in service."""

        def work() -> None:
            accounts = self._store.cache.accounts()
            for account in accounts:
                if wanted(account.username):
                    self._store.cache.drop(account.home_account_id)
            if all(wanted(account.username) for account in accounts):
                self._store.forget()

        await self._in_thread(lambda: self._store.with_cache(work))

    async def _apart(self, work: Callable[[msal.PublicClientApplication], Result]) -> Result:
        """Work that reads and changes no account."""
        return await self._in_thread(lambda: work(self._new_app(self._tenant(), None)))

    async def _kept_if(self, work: Callable[[msal.PublicClientApplication], Result], check: Check) -> Result:
        """Signs in beside the store, checks who it is, and only then keeps it."""
        cache = msal.SerializableTokenCache()

        def sign_in() -> Result:
            expected = self._tenant()
            result = work(self._new_app(expected, cache))
            if "access_token" in result:
                claims = result.get("id_token_claims") or {}
                check(claims)
                tenant = _checked_tenant(claims, expected)
                self._store.with_cache(lambda: self._store.cache.keep(cache.serialize(), tenant))
            return result

        return await self._in_thread(sign_in)

    def _tenant(self) -> str:
        """The configured tenant, else the one of the first sign-in, else any organization's."""
        if self._registration.tenant:
            return self._registration.tenant
        return self._store.with_cache(lambda: self._store.cache.pinned_tenant) or "organizations"

    def _app(self) -> msal.PublicClientApplication:
        """The application that uses the store's cache. Within `with_cache`."""
        tenant = self._registration.tenant or self._store.cache.pinned_tenant or "organizations"
        if tenant not in self._apps:
            self._apps[tenant] = self._new_app(tenant, self._store.cache)
        return self._apps[tenant]

    def _new_app(self, tenant: str, cache: msal.TokenCache | None) -> msal.PublicClientApplication:
        options = application_options(self._registration, tenant, self._http)
        app = msal.PublicClientApplication(**options, token_cache=cache)
        found = app.authority
        self._registration.check(
            (found.token_endpoint, found.authorization_endpoint, found.device_authorization_endpoint)
        )
        return app

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await in_thread(work)
        except msal.IdTokenError:  # another issuer or audience; its text holds the claims
            raise SignInRefused(WRONG_ID_TOKEN) from None


def _checked_tenant(claims: Mapping[str, Any], expected: str) -> str:
    """The tenant of who signed in. Raises `SignInRefused` for another than the expected one."""
    tenant = str(claims.get("tid", ""))
    if GUID.fullmatch(expected) and tenant.lower() != expected.lower():
        raise SignInRefused(WRONG_TENANT)
    return tenant
