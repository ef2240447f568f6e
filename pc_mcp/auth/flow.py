"""One sign-in by a person: through the browser, or with a code on any device."""

import logging
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from pc_mcp.auth.browser import can_open_browser, open_browser
from pc_mcp.auth.errors import SignInError, SignInRefused, SignInUnavailable
from pc_mcp.auth.refusals import service_failed, words_for

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Entra

logger = logging.getLogger(__name__)

N = TypeVar("N", int, float)

FLOW_SECONDS = 900.0
_SECONDS_TO_ENTER = (60, 3600)
_SECONDS_BETWEEN_POLLS = (1, 60)
_MOST_SHOWN = 120  # characters of a name
_PAGE = re.compile(r"https://[!-~]{1,4000}")
_USER_CODE = re.compile(r"[A-Za-z0-9-]{4,40}")
_UNREADABLE = "The sign-in service gave an answer that cannot be used. Check auth.authority, and ask again in a minute."


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
            self.url = _checked(_PAGE, begun["auth_uri"])
            self.instruction = (
                "You are not signed in to Partner Center. Open this address in a browser on this computer and sign "
                f"in: {self.url}"
            )

            async def finish(answer: Mapping[str, str]) -> Outcome:
                try:
                    result = await self._entra.end_browser(begun, answer, self._check)
                    self._judge(result)
                except SignInError as error:
                    self.error = error
                    return Outcome(False, str(error))
                lasts = "" if self._entra.store.is_kept else " This sign-in is not kept: it ends with pc-mcp."
                return Outcome(True, f"{_who(result)} pc-mcp can now ask Partner Center in your name.{lasts}")

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
        minutes, interval = _checked_times(begun)
        self.url = _checked(_PAGE, begun.get("verification_uri"))
        self.instruction = (
            f"You are not signed in to Partner Center. Open {self.url} in any browser, enter the code "
            f"{_checked(_USER_CODE, begun['user_code'])} and sign in. The code is good for {minutes} minutes."
        )
        self._prepared.set()
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


def _checked(pattern: re.Pattern[str], value: object) -> str:
    """What a person is told to open or to type, which a terminal shows too. Raises `SignInUnavailable`."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise SignInUnavailable(_UNREADABLE)
    return value


def _checked_times(begun: Mapping[str, Any]) -> tuple[int, float]:
    """The minutes that a device code is good for, and the seconds between two polls, within reason."""
    try:
        life, interval = int(begun.get("expires_in", FLOW_SECONDS)), float(begun.get("interval", 5))
    except (TypeError, ValueError, OverflowError):
        raise SignInUnavailable(_UNREADABLE) from None
    return _within(_SECONDS_TO_ENTER, life) // 60, _within(_SECONDS_BETWEEN_POLLS, interval)


def _within(limits: tuple[int, int], value: N) -> N | int:
    """The nearest value that is within; the lowest for what is not a number."""
    lowest, highest = limits
    return min(max(lowest, value), highest)


def _who(result: Mapping[str, Any]) -> str:
    """As whom, and in which tenant, a person has signed in."""
    claims = result.get("id_token_claims") or {}
    name, tenant = (_printable(claims.get(claim)) for claim in ("preferred_username", "tid"))
    return f"Signed in as {name or 'an account without a name'}{f', tenant {tenant}' if tenant else ''}."


def _printable(value: object) -> str:
    """What of a text can be seen, and not too much of it."""
    return "".join(char for char in str(value or "") if char.isprintable())[:_MOST_SHOWN]
