"""Asks a person to sign in: one flow at a time, which every call that needs it joins."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

from pc_mcp.auth.errors import SignInNeeded, SignInRefused, SignInUnavailable
from pc_mcp.auth.flow import Done, Failed, Preparing, SignInFlow, Waiting
from pc_mcp.auth.msal_calls import NO_ANSWER, answer_seconds
from pc_mcp.auth.quiet import is_quiet
from pc_mcp.auth.ways import Way, by_browser, by_device_code

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Check, Entra

PATIENCE_SECONDS = 40.0
"""How long a call waits for a person at most; then its answer says what to do."""
_SPARE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a person is asked.

    way: how they sign in; tell: tells them what to do, and they are then waited for as long as it takes (None:
    `SignInNeeded` says it); must_keep: nobody is asked where the sign-in could not be kept, although it is to be.
    """

    way: Callable[[], Way]
    tell: Callable[[str], None] | None = None
    must_keep: bool = False


class SignInByPerson:
    """The sign-in by a person that is under way, if one is. It goes on in the background, in `tasks`.

    check: sees the claims of who signed in, and raises a `SignInError` for who may not.
    """

    def __init__(
        self,
        entra: "Callable[[], Awaitable[Entra]]",
        check: "Check",
        manner: Manner,
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        self._entra = entra
        self._check = check
        self._manner = manner
        self._tasks = tasks
        self._flow: SignInFlow | None = None
        self._flows = self._told = 0  # the number of the last flow, and of the last one that a person was told of
        self._not_kept = ""

    @property
    def under_way(self) -> bool:
        return self._flow is not None

    def waiting(self) -> SignInNeeded | None:
        """What the person has to do who is waited for now."""
        flow = self._flow
        return self._needed(flow.state, flow.number) if flow and isinstance(flow.state, Waiting) else None

    def call_off(self) -> None:
        """Ends it without success."""
        if self._flow:
            self._flow.cancel()
            self._flow = None

    def taken(self) -> Mapping[str, Any] | None:
        """What the service was asked for by a sign-in that ended well since this was last called; None: by none.

        Raises, once, the `SignInError` of one that did not.
        """
        flow = self._flow
        if flow is None or is_quiet() or isinstance(flow.state, Preparing | Waiting):
            return None
        self._end(flow)
        if isinstance(flow.state, Failed):
            raise flow.state.raised()
        return flow.how

    async def wait(self, how: Mapping[str, Any]) -> None:
        """Begins a sign-in that asks for `how`, or joins the one under way, and waits as long as a call may.

        Raises a `SignInError`: `SignInNeeded` while the person has not come.
        """
        if is_quiet():
            raise SignInNeeded("Nobody is signed in. Ask a question to sign in.", "")
        entra = await self._entra()
        flow = self._flow or await self._begun(entra, how)
        with anyio.move_on_after(answer_seconds()):
            await flow.after(Preparing)
        state = flow.state
        if isinstance(state, Preparing):
            raise SignInUnavailable(NO_ANSWER)
        if isinstance(state, Waiting):
            self._not_kept = "" if entra.store.is_kept else f"{entra.store.notice} "
            state = await self._waited_for(flow, state)
        if isinstance(state, Failed):
            self._end(flow)
            raise state.raised()

    async def _waited_for(self, flow: SignInFlow, waiting: Waiting) -> Done | Failed:
        """What came of it. Raises `SignInNeeded` where the person has to be told first, or does not come in time."""
        left = anyio.current_effective_deadline() - anyio.current_time() - _SPARE_SECONDS
        seconds = max(0.0, min(PATIENCE_SECONDS, left))
        if self._manner.tell:
            self._manner.tell(waiting.instruction)
            seconds = float("inf")
        elif not waiting.opened and self._told != flow.number:
            self._told = flow.number
            seconds = 0.0  # nobody can have acted yet
        with anyio.move_on_after(seconds):
            state = await flow.after(Waiting)
            if isinstance(state, Done | Failed):
                return state
        raise self._needed(waiting, flow.number)

    def _needed(self, waiting: Waiting, number: int) -> SignInNeeded:
        """What the person has to do, and first why the sign-in will not be kept, where that is so."""
        return SignInNeeded(f"{self._not_kept}{waiting.instruction}", waiting.url, number)

    async def _begun(self, entra: "Entra", how: Mapping[str, Any]) -> SignInFlow:
        """A sign-in that has begun, once it is known whether it would be kept. Raises `SignInRefused`."""
        await entra.try_keeping()
        if self._manner.must_keep and not entra.store.is_kept:
            raise SignInRefused(f"{entra.store.notice} Nobody was signed in.")
        if self._flow is None:  # another call may have begun one meanwhile
            sign_in = by_browser if self._manner.way() is Way.BROWSER else by_device_code
            self._flows += 1
            self._flow = SignInFlow(self._flows, partial(sign_in, entra, how, self._check), how)
            self._tasks.start_soon(self._flow.run)
        return self._flow

    def _end(self, flow: SignInFlow) -> None:
        if self._flow is flow:
            self._flow = None
