"""`auth.mode = "delegated"`: the agent's own account, silently where possible.

Without a usable sign-in a person is asked to sign in; that goes on in the background when a call has
waited long enough, and the next call finds the token.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.abc

from pc_mcp.auth.accounts import WantedAccount, listed
from pc_mcp.auth.by_person import Manner, SignInByPerson
from pc_mcp.auth.errors import AccountChanged, SignInNeeded, SignInRefused
from pc_mcp.auth.msal_calls import in_thread
from pc_mcp.auth.silent import SIGNED_OUT, HeldToken, SilentTokens
from pc_mcp.auth.tokens import Account, Refusal, Status

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Entra

_LOOK_SECONDS = 0.25
"""How long a call goes on at most after another process signed its account out."""

ANOTHER_ACCOUNT = (
    "Another account signed in than the one that this was asked as, so it was not answered: what one account may see "
    "is not mixed with what another may. Ask again to ask as the account that is signed in now."
)


class DelegatedTokens:
    """A `TokenProvider` for a person's own account.

    make_entra: makes the sign-in service when it is first needed; account: the user name that must
    be signed in, or None for the only one; manner: how a person is asked to.
    """

    def __init__(self, make_entra: "Callable[[], Entra]", *, account: str | None, manner: Manner) -> None:
        self._make_entra = make_entra
        self._made: Entra | None = None
        self._wanted = WantedAccount(account)
        self._manner = manner
        self._refused_token: str | None = None

    async def __aenter__(self) -> Self:
        self._making = anyio.Lock()
        self._silent = SilentTokens(self._entra, self._wanted)
        self._tasks = await anyio.create_task_group().__aenter__()
        self._person = SignInByPerson(self._entra, self._wanted.check, self._manner, self._tasks)
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        if self._made:
            self._made.close()

    async def account(self) -> Account:
        await self._silent.look()
        held = await self._current()
        return _SignedIn(held.home_account_id, self._silent.sign_outs, self)

    async def token_of(self, account: "_SignedIn") -> str:
        """See `Account.token`."""
        self._still(account)
        await self._silent.look(_LOOK_SECONDS)
        self._still(account)
        held = await self._current(account.id)
        self._still(account, held)
        return held.token

    async def renewed_of(self, account: "_SignedIn", refusal: Refusal) -> str | None:
        """See `Account.renewed`."""
        self._still(account)
        held = await self._renewed(refusal, account.id)
        self._still(account, held)
        return held.token if held else None

    def waiting(self) -> SignInNeeded | None:
        return self._person.waiting()

    def call_off(self) -> None:
        self._person.call_off()

    async def sign_in(self) -> Status:
        await self._silent.look()
        await self._take_over()
        if self._person.under_way:
            await self._by_a_person({})
        held = await self._current()
        if held.token == self._refused_token:
            await self._by_a_person({"prompt": "login"})
        return await self.status()

    async def sign_out(self) -> Status:
        self.call_off()
        await self._silent.sign_out()
        return await self.status()

    async def status(self) -> Status:
        """Looks into the store; asks the sign-in service for nothing."""
        return await _status(await self._entra(), self._wanted, self._silent.held)

    async def _entra(self) -> "Entra":
        """The sign-in service, made in a thread on the first use: importing MSAL takes a while."""
        async with self._making:
            if self._made is None:
                self._made = await in_thread(self._make_entra)
            return self._made

    def _still(self, account: "_SignedIn", held: HeldToken | None = None) -> None:
        """Raises `AccountChanged` unless `account` is signed in since the call began, and `held` is its token."""
        if account.sign_outs != self._silent.sign_outs:
            raise AccountChanged(SIGNED_OUT)
        if held and held.home_account_id != account.id:
            raise AccountChanged(ANOTHER_ACCOUNT)

    async def _current(self, account_id: str | None = None) -> HeldToken:
        await self._take_over()
        return await self._silent.token(account_id) or await self._by_a_person({"prompt": "select_account"})

    async def _renewed(self, refusal: Refusal, account_id: str) -> HeldToken | None:
        """A better token: by a refresh, with the claims asked for, or after signing in with MFA.

        None where the refused token was brought by a sign-in that was asked for the same already:
        never a loop.
        """
        await self._take_over()
        held = self._silent.held or await self._silent.token(account_id)
        if held and held.token != refusal.token:
            return held  # another request has renewed it
        how: dict[str, Any] = {}
        if refusal.mfa_missing:
            how = {"prompt": "login"}
        elif refusal.claims:
            how = {"claims_challenge": refusal.claims}
        if how and held and how.items() <= held.asked.items():
            self._refused_token = refusal.token
            return None
        if not refusal.mfa_missing:
            renewed = await self._silent.token(
                account_id, refused_token=refusal.token, **(how or {"force_refresh": True})
            )
            if renewed:
                return renewed
        return await self._by_a_person(how)

    async def _by_a_person(self, how: Mapping[str, Any]) -> HeldToken:
        """The token of a person who signs in, or has just signed in; asks for `how` where a sign-in begins."""
        if claims := self._silent.claims_for_a_person:
            how = {"claims_challenge": claims, **how}
        await self._person.wait(how)
        await self._take_over()
        held = await self._silent.token()
        if held is None:
            raise SignInRefused("The sign-in ended without a token. Ask again to sign in anew.")
        return held

    async def _take_over(self) -> None:
        """Takes what a sign-in brought that ended since the last call, or tells once why it failed."""
        how = self._person.taken()
        if how is not None:
            await self._silent.brought_by(how)


@dataclass(frozen=True, slots=True)
class _SignedIn:
    """An account that was signed in when a call began. sign_outs: how often somebody had been signed out by then."""

    id: str
    sign_outs: int
    tokens: DelegatedTokens

    async def token(self) -> str:
        return await self.tokens.token_of(self)

    async def renewed(self, refusal: Refusal) -> str | None:
        return await self.tokens.renewed_of(self, refusal)


async def _status(entra: "Entra", wanted: WantedAccount, held: HeldToken | None) -> Status:
    """Who is signed in: by the token that is held, or by what the store has."""
    accounts = [account for account in await entra.accounts() if wanted.is_it(account.username)]
    store = entra.store
    several = (
        f"Several accounts are signed in: {listed(account.username for account in accounts)}. Set auth.account to the "
        "one to use."
    )
    only = held or (accounts[0] if len(accounts) == 1 else None)
    expires_at = only.expires_at if only else None
    return Status(
        signed_in=bool(held or accounts),
        mode="delegated",
        username=only.username if only else None,
        tenant=only.tenant if only else None,
        expires_at=expires_at if expires_at and expires_at > time.time() else None,
        store=store.place if store.is_kept else "memory",
        path=str(store.path) if store.path and store.is_kept else None,
        note=store.notice or (several if len(accounts) > 1 else None),
        is_kept=store.is_kept,
        left_alone=str(store.left_alone) if store.left_alone else None,
    )
