"""One sign-in by a person, as a machine of named states.

    Preparing ──> Waiting ──> Done
        └────────────┴──────> Failed

No flow at all is the state in which nobody is asked to sign in.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from pc_mcp.auth.errors import SignInError, SignInRefused, SignInUnavailable
from pc_mcp.auth.ways import Tell

logger = logging.getLogger(__name__)

FLOW_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Preparing:
    """The sign-in service is asked where the person has to go."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person is waited for, who is to do what `instruction` says, at `url`; opened: in a browser that was opened."""

    instruction: str
    url: str
    opened: bool


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody signed in."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nobody signed in: `words` say why. A value, since an error holds frames, and with them codes and tokens."""

    error_type: type[SignInError]
    words: str

    def raised(self) -> SignInError:
        """The error, made anew."""
        return self.error_type(self.words)


State = Preparing | Waiting | Done | Failed


class SignInFlow:
    """A sign-in from its begin to its end; `run` does it.

    number: which one of the process it is; way: does the work, and tells what a person has to do; how: what the
    sign-in service is asked for besides (`prompt`, `claims_challenge`).
    """

    def __init__(self, number: int, way: Callable[[Tell], Awaitable[None]], how: Mapping[str, Any]) -> None:
        self.number = number
        self.how = dict(how)
        self._way = way
        self._state: State = Preparing()
        self._left = anyio.Event()
        self._scope = anyio.CancelScope()

    @property
    def state(self) -> State:
        return self._state

    async def after(self, state: type[Preparing] | type[Waiting]) -> State:
        """Its state as soon as it is none of `state`, nor one before it."""
        before = (Preparing, state)
        while isinstance(self._state, before):
            await self._left.wait()
        return self._state

    def cancel(self) -> None:
        """Ends it without success."""
        self._scope.cancel()

    async def run(self) -> None:
        """Never raises: its last state says what went wrong."""
        try:
            with self._scope, anyio.fail_after(FLOW_SECONDS):
                await self._way(self._wait_for_person)
            if self._scope.cancelled_caught:
                self._become(Failed(SignInRefused, "The sign-in was called off. Ask again to start a new one."))
            else:
                self._become(Done())
        except SignInError as error:
            self._become(Failed(type(error), str(error)))
        except TimeoutError:
            words = "Nobody signed in within 15 minutes. Ask again to start a new sign-in."
            self._become(Failed(SignInRefused, words))
        except OSError as error:
            self._become(Failed(SignInUnavailable, f"The sign-in could not be prepared: {error.strerror}."))
        except Exception as error:  # it must not end the server, whose task this is
            logger.warning("the sign-in failed because of a fault in pc-mcp: %s", type(error).__name__)
            words = "The sign-in failed because of a fault in pc-mcp. Ask again to start a new one."
            self._become(Failed(SignInRefused, words))
        except BaseException:
            self._become(Failed(SignInRefused, "The sign-in was called off. Ask again to start a new one."))
            raise

    def _wait_for_person(self, instruction: str, url: str, *, opened: bool = False) -> None:
        self._become(Waiting(instruction, url, opened))

    def _become(self, state: State) -> None:
        self._state = state
        self._left.set()
        self._left = anyio.Event()
