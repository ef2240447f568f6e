"""One sign-in by a person: through the browser, or with a code on any device."""

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import anyio

from pc_mcp.auth.browser import can_open_browser, open_browser
from pc_mcp.auth.errors import SignInError, SignInRefused, SignInUnavailable
from pc_mcp.auth.refusals import service_failed, words_for

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Entra

logger = logging.getLogger(__name__)

FLOW_SECONDS = 900.0


class Way(StrEnum):
    """How a person signs in."""

    BROWSER = "browser"
    DEVICE_CODE = "device_code"


def way_for(setting: str) -> Way:
    """The way that `auth.flow` asks for; `auto`: the browser where one can be opened, else a code."""
    if setting != "auto":
        return Way(setting)
    return Way.BROWSER if can_open_browser() else Way.DEVICE_CODE


class SignInFlow:
    """A sign-in from its begin to its end. `run` does it; `wait` waits for it.

    how: what the sign-in service is asked for besides (`prompt`, `claims_challenge`); check: sees
    the claims of who signed in and raises a `SignInError` for who may not.
    instruction, url: what a person has to do and where, once it is prepared; opened: whether a
    browser was opened for that; told: whether a call has passed the instruction on.
    error: why it failed, when it has `finished` without success.
    """

    def __init__(
        self, entra: "Entra", way: Way, how: Mapping[str, Any], check: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._entra = entra
        self._way = way
        self.how = dict(how)
        self._check = check
        self._scope = anyio.CancelScope()
        self._prepared = anyio.Event()
        self._done = anyio.Event()
        self.opened = False
        self.told = False
        self.instruction = "The sign-in is being prepared, which takes a moment."
        self.url = ""
        self.error: SignInError | None = None

    @property
    def finished(self) -> bool:
        return self._done.is_set()

    async def prepared(self) -> None:
        """Until a person can act, or it has failed before."""
        await self._prepared.wait()

    async def wait(self) -> None:
        """Until it is finished."""
        await self._done.wait()

    def cancel(self) -> None:
        """Ends it without success."""
        self._scope.cancel()

    async def run(self) -> None:
        """Never raises: `error` says what went wrong."""
        try:
            with self._scope, anyio.fail_after(FLOW_SECONDS):
                await (self._by_browser() if self._way is Way.BROWSER else self._by_device_code())
            if self._scope.cancelled_caught:
                self.error = SignInRefused("The sign-in was called off. Ask again to start a new one.")
        except SignInError as error:
            self.error = error
        except TimeoutError:
            self.error = SignInRefused("Nobody signed in within 15 minutes. Ask again to start a new sign-in.")
        except OSError as error:
            self.error = SignInUnavailable(f"The sign-in could not be prepared: {error.strerror}.")
        except Exception as error:  # it must not end the server, whose task this is
            logger.warning("the sign-in failed because of a fault in pc-mcp: %s", type(error).__name__)
            self.error = SignInRefused("The sign-in failed because of a fault in pc-mcp. Ask again to start a new one.")
        finally:
            self._prepared.set()
            self._done.set()

    async def _by_browser(self) -> None:
        from pc_mcp.auth.listener import LoopbackListener, Outcome  # noqa: PLC0415 - its HTTP costs time

        async with LoopbackListener() as listener:
            begun = await self._entra.begin_browser(listener.redirect_uri, **self.how)
            self.url = str(begun["auth_uri"])
            self.instruction = (
                "You are not signed in to Partner Center. Open this address in a browser on this computer and sign "
                f"in: {self.url}"
            )

            async def finish(answer: Mapping[str, str]) -> Outcome:
                try:
                    self._judge(await self._entra.end_browser(begun, answer, self._check))
                except SignInError as error:
                    self.error = error
                    return Outcome(False, str(error))
                return Outcome(True, "pc-mcp can now ask Partner Center in your name.")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._open_browser)
                await listener.answer_once(str(begun["state"]), finish)
                tasks.cancel_scope.cancel()

    async def _open_browser(self) -> None:
        """The listener waits already: a quick browser may answer before this knows that it opened."""
        if can_open_browser() and await open_browser(self.url):
            self.opened = True
            self.instruction = (
                "You are not signed in to Partner Center. A browser window was opened: sign in there. "
                f"If no window appeared, open this address: {self.url}"
            )
        self._prepared.set()

    async def _by_device_code(self) -> None:
        claims = {key: value for key, value in self.how.items() if key == "claims_challenge"}
        begun = await self._entra.begin_device(**claims)
        self._judge(begun, wanted="user_code")
        self.url = str(begun["verification_uri"])
        self.instruction = (
            f"You are not signed in to Partner Center. Open {self.url} in any browser, enter the code "
            f"{begun['user_code']} and sign in. The code is good for "
            f"{int(begun.get('expires_in', 900)) // 60} minutes."
        )
        self._prepared.set()
        interval = float(begun.get("interval", 5))
        while True:
            await anyio.sleep(interval)
            try:
                result = await self._entra.poll_device(begun, self._check, **claims)
            except SignInUnavailable:
                continue  # the person may be typing the code, which stays good
            if result.get("error") not in {"authorization_pending", "slow_down"}:
                self._judge(result)
                return
            if result["error"] == "slow_down":
                interval += 5  # RFC 8628, section 3.5

    @staticmethod
    def _judge(result: Mapping[str, Any], wanted: str = "access_token") -> None:
        """Raises what a refusal means."""
        if wanted in result:
            return
        if service_failed(result):
            raise SignInUnavailable("The sign-in service fails at the moment. Ask again in a minute.")
        if result.get("error") == "invalid_response":
            raise SignInRefused("The answer to the sign-in was not the expected one. Ask again to sign in anew.")
        raise SignInRefused(words_for(result))
