"""The access token that is held in memory, and how it is renewed without a person.

A token is used until shortly before it expires; then one refresh, under a lock, serves everybody who waits.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import anyio

from pc_mcp.auth.accounts import WantedAccount
from pc_mcp.auth.errors import AccountChanged, SignInUnavailable
from pc_mcp.auth.refusals import person_needed, refused, service_failed

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Entra

_EARLY_SECONDS = 300.0
_RETRY_SECONDS = 30.0

SIGNED_OUT = (
    "The account that this was asked as was signed out before the answer was there, so it was not answered. Ask again "
    "to be asked to sign in, or to ask as whoever is signed in now."
)


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token and who it speaks for. Times are seconds since 1970.

    asked: what the sign-in service was asked for besides, for this token (`prompt`, claims).
    """

    token: str = field(repr=False)
    home_account_id: str
    username: str
    tenant: str
    expires_at: float
    renew_at: float
    asked: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Mapping[str, Any], account: Mapping[str, Any]) -> "HeldToken":
        """What MSAL's `result` brings for one of its accounts."""
        life = float(result.get("expires_in", 0))
        now = time.time()
        home_account_id = str(account.get("home_account_id", ""))
        return cls(
            token=str(result["access_token"]),
            home_account_id=home_account_id,
            username=str(account.get("username", "")),
            tenant=str(account.get("realm") or home_account_id.partition(".")[2]),
            expires_at=now + life,
            renew_at=now + max(life - _EARLY_SECONDS, life / 2),
        )


class SilentTokens:
    """Tokens of the account that is signed in, as long as no person is needed for one.

    entra: gives the sign-in service. held: the token in memory; sign_outs: how often somebody was signed out, here or
    in another process; claims_for_a_person: what the service wants of the next sign-in, as it said.
    """

    def __init__(self, entra: "Callable[[], Awaitable[Entra]]", wanted: WantedAccount) -> None:
        self._entra = entra
        self._wanted = wanted
        self._lock = anyio.Lock()
        self._looked_at = -math.inf
        self.held: HeldToken | None = None
        self.sign_outs = 0
        self.claims_for_a_person: str | None = None

    async def token(
        self, account_id: str | None = None, *, refused_token: str | None = None, **how: Any
    ) -> HeldToken | None:
        """A token without a person, or None where only a person can help. One refresh at a time.

        account_id: of whom; None: of the only one that is wanted. refused_token: another one than that. how: what the
        service is asked for besides, `force_refresh` or `claims_challenge`.
        Raises a `SignInError`: `AccountChanged` where that account is gone.
        """
        if held := self._usable(refused_token):
            return held
        async with self._lock:
            if held := self._usable(refused_token):
                return held
            try:
                result, account = await (await self._entra()).silent(self._choice(account_id), **how)
                if result and service_failed(result):
                    raise refused(result)
            except SignInUnavailable:
                if not how and (held := self._still_good(refused_token)):
                    return held
                raise
            if account is None and account_id is not None:
                self.forget()
                raise AccountChanged(SIGNED_OUT)
            if result is None or account is None:
                return None
            if "access_token" not in result:
                if not person_needed(result):
                    raise refused(result)
                self.claims_for_a_person = result.get("claims")
                return None
            asked = {name: value for name, value in how.items() if name == "claims_challenge"}
            self.held = replace(HeldToken.of(result, account), asked=asked)
            return self.held

    async def brought_by(self, how: Mapping[str, Any]) -> HeldToken | None:
        """The token that a sign-in by a person has just brought, which asked for `how`."""
        self.held = self.claims_for_a_person = None
        if held := await self.token():
            self.held = held = replace(held, asked=how)
        return held

    async def look(self, seconds: float = 0.0) -> None:
        """Looks whether another process has signed the account out, unless that was looked for so recently."""
        now, held = time.monotonic(), self.held
        if held is None or now < self._looked_at + seconds:
            return
        self._looked_at = now
        entra = await self._entra()
        with suppress(SignInUnavailable):  # a store that is busy says nothing
            if not await entra.keeps(held.home_account_id) and self.held is held:
                self.forget()

    async def sign_out(self) -> None:
        """Forgets whoever is wanted, here and in the store."""
        entra = await self._entra()
        async with self._lock:
            self.forget()
            await entra.sign_out(self._wanted.is_it)

    def forget(self) -> None:
        """Ends the calls of whoever was signed in."""
        self.held = self.claims_for_a_person = None
        self.sign_outs += 1

    def _choice(self, account_id: str | None) -> Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any] | None]:
        if account_id is None:
            return self._wanted.among
        return lambda accounts: next((each for each in accounts if each.get("home_account_id") == account_id), None)

    def _usable(self, refused_token: str | None) -> HeldToken | None:
        held = self.held
        usable = held and held.token != refused_token and time.time() < held.renew_at
        return held if usable else None

    def _still_good(self, refused_token: str | None) -> HeldToken | None:
        """The token in memory although it is time to renew it; that is put off for a while."""
        held = self.held
        if held is None or held.token == refused_token or time.time() >= held.expires_at:
            return None
        self.held = replace(held, renew_at=min(held.expires_at, time.time() + _RETRY_SECONDS))
        return self.held
