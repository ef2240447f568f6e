"""`auth.mode = "delegated"`: the agent's own account, silently where possible.

A token in memory is used until shortly before it expires; then one refresh, under a lock, serves
everybody who waits. Without a usable sign-in one `SignInFlow` is begun, which everybody joins; it
goes on in the background when a call has waited long enough, and the next call finds the token.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.abc

from pc_mcp.auth.errors import (
    AccountChanged,
    AccountChoiceNeeded,
    SignInNeeded,
    SignInRefused,
    SignInUnavailable,
)
from pc_mcp.auth.flow import SignInFlow, Way
from pc_mcp.auth.quiet import is_quiet
from pc_mcp.auth.refusals import person_needed, service_failed, words_for
from pc_mcp.auth.threads import in_thread
from pc_mcp.auth.tokens import Account, Refusal, Status

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Entra

PATIENCE_SECONDS = 40.0
"""How long a call waits for a person at most; then its answer says what to do."""
_SPARE_SECONDS = 2.0
_EARLY_SECONDS = 300.0
_MOST_NAMES = 10
_MOST_SHOWN = 120  # characters of a name
_RETRY_SECONDS = 30.0
_LOOK_SECONDS = 0.25
"""How long a call goes on at most after another process signed its account out."""

SIGNED_OUT = (
    "The account that this was asked as was signed out before the answer was there, so it was not answered. Ask again "
    "to be asked to sign in, or to ask as whoever is signed in now."
)
ANOTHER_ACCOUNT = (
    "Another account signed in than the one that this was asked as, so it was not answered: what one account may see "
    "is not mixed with what another may. Ask again to ask as the account that is signed in now."
)


@dataclass(frozen=True, slots=True)
class _Held:
    """The token in memory and who it speaks for. Times are seconds since 1970.

    asked: what the sign-in service was asked for besides, for this token (`prompt`, claims).
    """

    token: str
    home_account_id: str
    username: str
    tenant: str
    expires_at: float
    renew_at: float
    asked: Mapping[str, Any] = field(default_factory=dict)


class DelegatedTokens:
    """A `TokenProvider` for a person's own account.

    make_entra: makes the sign-in service when it is first needed; account: the user name that must
    be signed in, or None for the only one; way: how a person signs in; tell: tells the person what
    to do, who is then waited for as long as it takes. Without it `SignInNeeded` says it. must_keep: nobody is
    asked to sign in where that could not be kept, although it is to be.
    """

    def __init__(
        self,
        make_entra: "Callable[[], Entra]",
        *,
        account: str | None,
        way: Callable[[], Way],
        tell: Callable[[str], None] | None = None,
        must_keep: bool = False,
    ) -> None:
        self._make_entra = make_entra
        self._made: Entra | None = None
        self._account = account
        self._way = way
        self._tell = tell
        self._must_keep = must_keep
        self._held: _Held | None = None
        self._flow: SignInFlow | None = None
        self._in_vain: str | None = None
        self._claims_for_a_person: str | None = None
        self._sign_outs = 0
        self._looked_at = -math.inf

    async def __aenter__(self) -> Self:
        self._lock = anyio.Lock()
        self._making = anyio.Lock()
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        if self._made:
            self._made.close()

    async def account(self) -> Account:
        await self._look(0.0)
        held = await self._current()
        return _SignedIn(held.home_account_id, self._sign_outs, self)

    async def token_of(self, account: "_SignedIn") -> str:
        """See `Account.token`."""
        self._still(account)
        await self._look(_LOOK_SECONDS)
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

    def _still(self, account: "_SignedIn", held: _Held | None = None) -> None:
        """Raises `AccountChanged` unless `account` is signed in since the call began, and `held` is its token."""
        if account.sign_outs != self._sign_outs:
            raise AccountChanged(SIGNED_OUT)
        if held and held.home_account_id != account.id:
            raise AccountChanged(ANOTHER_ACCOUNT)

    async def _look(self, seconds: float) -> None:
        """Looks whether another process has signed the account out, unless that was looked for so recently."""
        now, held = time.monotonic(), self._held
        if held is None or now < self._looked_at + seconds:
            return
        self._looked_at = now
        entra = await self._entra()
        with suppress(SignInUnavailable):  # a store that is busy says nothing
            if not await entra.keeps(held.home_account_id) and self._held is held:
                self._forget()

    def _forget(self) -> None:
        """Ends the calls of whoever was signed in."""
        self._held = self._in_vain = self._claims_for_a_person = None
        self._sign_outs += 1

    async def _renewed(self, refusal: Refusal, account_id: str) -> _Held | None:
        """A better token: by a refresh, with the claims asked for, or after signing in with MFA.

        None where the refused token was brought by a sign-in that was asked for the same already:
        never a loop.
        """
        await self._take_over()
        held = self._held or await self._silently(account_id)
        if held and held.token != refusal.token:
            return held  # another request has renewed it
        how: dict[str, Any] = {}
        if refusal.mfa_missing:
            how = {"prompt": "login"}
        elif refusal.claims:
            how = {"claims_challenge": refusal.claims}
        if how and held and how.items() <= held.asked.items():
            self._in_vain = refusal.token
            return None
        if not refusal.mfa_missing and (held := await self._refreshed(refusal.token, how, account_id)):
            return held
        return await self._by_a_person(how)

    def call_off(self) -> None:
        if self._flow:
            self._flow.cancel()
            self._flow = None

    async def sign_in(self) -> Status:
        await self._look(0.0)
        await self._take_over()
        if self._flow:
            await self._by_a_person({})
        await self._current()
        if self._held and self._held.token == self._in_vain:
            await self._by_a_person({"prompt": "login"})
        return await self.status()

    async def sign_out(self) -> Status:
        self.call_off()
        entra = await self._entra()
        async with self._lock:
            self._forget()
            await entra.sign_out(self._is_wanted)
        return await self.status()

    async def status(self) -> Status:
        """Looks into the store; asks the sign-in service for nothing."""
        held, entra = self._held, await self._entra()
        store = entra.store
        accounts = [a for a in await entra.accounts() if self._is_wanted(a.username)]
        names = _listed(a.username for a in accounts)
        several = f"Several accounts are signed in: {names}. Set auth.account to the one to use."
        only = held or (accounts[0] if len(accounts) == 1 else None)
        expires_at = only.expires_at if only else None
        return Status(
            signed_in=bool(held or accounts),
            mode="delegated",
            username=only.username if only else None,
            tenant=only.tenant if only else None,
            expires_at=expires_at if expires_at and expires_at > time.time() else None,
            store=store.kind if store.is_kept else "memory",
            path=str(store.path) if store.path and store.is_kept else None,
            note=store.notice or (several if len(accounts) > 1 else None),
            is_kept=store.is_kept,
            left_alone=str(store.left_alone) if store.left_alone else None,
        )

    async def _entra(self) -> "Entra":
        """The sign-in service, made in a thread on the first use: importing MSAL takes a while."""
        async with self._making:
            if self._made is None:
                self._made = await in_thread(self._make_entra)
            return self._made

    async def _current(self, account_id: str | None = None) -> _Held:
        await self._take_over()
        held = self._usable() or await self._silently(account_id)
        return held or await self._by_a_person({"prompt": "select_account"})

    def _usable(self, refused: str | None = None) -> _Held | None:
        held = self._held
        usable = held and held.token != refused and time.time() < held.renew_at
        return held if usable else None

    async def _refreshed(self, refused: str, how: Mapping[str, Any], account_id: str) -> _Held | None:
        """Another token than the refused one, without a person, with the claims that are asked for."""
        held = await self._silently(account_id, refused=refused, **(how or {"force_refresh": True}))
        if held and how:
            held = self._held = replace(held, asked=how)
        return held

    async def _silently(self, account_id: str | None = None, *, refused: str | None = None, **how: Any) -> _Held | None:
        """A token without a person, or None where only a person can help. One at a time.

        account_id: of whom; None: of the only one that is wanted. Raises `AccountChanged` where it is gone.
        """
        async with self._lock:
            if held := self._usable(refused):
                return held
            try:
                result, account = await (await self._entra()).silent(partial(self._chosen, account_id), **how)
                if result and service_failed(result):
                    raise SignInUnavailable("The sign-in service fails at the moment. Ask again in a minute.")
            except SignInUnavailable:
                if not how and (held := self._still_good(refused)):
                    return held
                raise
            if account is None and account_id is not None:
                self._forget()
                raise AccountChanged(SIGNED_OUT)
            if result is None or account is None:
                return None
            if "access_token" in result:
                return self._hold(result, account)
            if person_needed(result):
                self._claims_for_a_person = result.get("claims")
                return None
            raise SignInRefused(words_for(result))

    def _still_good(self, refused: str | None) -> _Held | None:
        """The token in memory although it is time to renew it; that is put off for a while."""
        held = self._held
        if held is None or held.token == refused or time.time() >= held.expires_at:
            return None
        self._held = replace(held, renew_at=min(held.expires_at, time.time() + _RETRY_SECONDS))
        return self._held

    async def _by_a_person(self, how: Mapping[str, Any]) -> _Held:
        """Begins a sign-in, or joins the one under way, and waits as long as a call may."""
        if is_quiet():
            raise SignInNeeded("Nobody is signed in. Ask a question to sign in.", "")
        entra = await self._entra()
        flow = self._flow or await self._begun(entra, how)
        await flow.prepared()
        if self._tell:
            if not flow.finished:
                self._tell(flow.instruction)
            await flow.wait()
        elif not flow.opened and not flow.told and not flow.finished:
            # Nobody can have acted yet: the person has to be told first.
            flow.told = True
            raise self._needed(flow, entra)
        left = anyio.current_effective_deadline() - anyio.current_time() - _SPARE_SECONDS
        with anyio.move_on_after(max(0.0, min(PATIENCE_SECONDS, left))):
            await flow.wait()
        if not flow.finished:
            raise self._needed(flow, entra)
        if flow.error:
            self._end(flow)
            raise flow.error
        await self._take_over()
        held = self._usable() or await self._silently()
        if held is None:
            raise SignInRefused("The sign-in ended without a token. Ask again to sign in anew.")
        return held

    async def _begun(self, entra: "Entra", how: Mapping[str, Any]) -> SignInFlow:
        """A sign-in that has begun, once it is known whether it would be kept. Raises `SignInRefused`."""
        await entra.try_keeping()
        if self._must_keep and not entra.store.is_kept:
            raise SignInRefused(f"{entra.store.notice} Nobody was signed in.")
        if self._flow is None:  # another call may have begun one meanwhile
            if self._claims_for_a_person:
                how = {"claims_challenge": self._claims_for_a_person, **how}
            self._flow = SignInFlow(entra, self._way(), how, self._checked)
            self._tasks.start_soon(self._flow.run)
        return self._flow

    @staticmethod
    def _needed(flow: SignInFlow, entra: "Entra") -> SignInNeeded:
        """What a person has to do, and why, where the keyring or the file is to blame."""
        why = f"{entra.store.notice} " if not entra.store.is_kept else ""
        return SignInNeeded(f"{why}{flow.instruction}", flow.url)

    async def _take_over(self) -> None:
        """Takes what a sign-in brought that ended since the last call, or tells once why it failed."""
        flow = self._flow
        if flow is None or not flow.finished or is_quiet():
            return
        self._end(flow)
        if flow.error:
            raise flow.error
        self._held = self._claims_for_a_person = None
        if held := await self._silently():
            self._held = replace(held, asked=flow.how)

    def _end(self, flow: SignInFlow) -> None:
        if self._flow is flow:
            self._flow = None

    def _checked(self, claims: Mapping[str, Any]) -> None:
        """Refuses an account other than the configured one, before it is kept."""
        if not self._is_wanted(str(claims.get("preferred_username", ""))):
            raise SignInRefused(
                "Another account signed in than the one that auth.account names. Nothing was kept: sign in with the "
                "configured account, or change auth.account."
            )

    def _is_wanted(self, username: str) -> bool:
        return not self._account or username.casefold() == self._account.casefold()

    def _chosen(self, account_id: str | None, accounts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        if account_id is not None:
            return next((account for account in accounts if account.get("home_account_id") == account_id), None)
        wanted = [account for account in accounts if self._is_wanted(str(account.get("username", "")))]
        if len(wanted) > 1:
            names = _listed(str(account.get("username", "")) for account in wanted)
            raise AccountChoiceNeeded(
                f"Several accounts are signed in: {names}. Set auth.account to the one to use, or sign the others "
                "out with: pc-mcp logout"
            )
        return wanted[0] if wanted else None

    def _hold(self, result: Mapping[str, Any], account: Mapping[str, Any]) -> _Held:
        life = float(result.get("expires_in", 0))
        now = time.time()
        self._held = _Held(
            token=str(result["access_token"]),
            home_account_id=str(account.get("home_account_id", "")),
            username=str(account.get("username", "")),
            tenant=str(account.get("realm") or str(account.get("home_account_id", "")).partition(".")[2]),
            expires_at=now + life,
            renew_at=now + max(life - _EARLY_SECONDS, life / 2),
        )
        return self._held


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


def _listed(usernames: Iterable[str]) -> str:
    """Names of accounts in a sentence: what of them can be seen, and not too many."""
    names = sorted("".join(char for char in name if char.isprintable())[:_MOST_SHOWN] for name in usernames)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
