"""The ways in which a person signs in: through the browser, or with a code on any device."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio

from pc_mcp.auth.accounts import printable
from pc_mcp.auth.browser import can_open_browser, open_browser
from pc_mcp.auth.errors import SignInError, SignInRefused, SignInUnavailable
from pc_mcp.auth.refusals import refused

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Check, Entra

N = TypeVar("N", int, float)

_SECONDS_TO_ENTER = (60, 3600)
_SECONDS_BETWEEN_POLLS = (1, 60)
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


class Tell(Protocol):
    """Is told, once, what a person has to do and where; opened: whether a browser was opened for that."""

    def __call__(self, instruction: str, url: str, *, opened: bool = False) -> None: ...


async def by_browser(entra: "Entra", how: Mapping[str, Any], check: "Check", tell: Tell) -> None:
    """Signs in through a browser on this computer. how: `prompt`, `claims_challenge`; check: sees the claims of who
    signed in and raises a `SignInError` for who may not. Raises a `SignInError`."""
    from pc_mcp.auth.listener import LoopbackListener, Outcome  # noqa: PLC0415 - its HTTP costs time

    failed: SignInError | None = None
    async with LoopbackListener() as listener:
        begun = await entra.begin_browser(listener.redirect_uri, **how)
        url = _checked(_PAGE, begun["auth_uri"])

        async def finish(answer: Mapping[str, str]) -> Outcome:
            nonlocal failed
            try:
                result = await entra.end_browser(begun, answer, check)
                _judge(result)
            except SignInError as error:
                failed = error
                return Outcome(False, str(error))
            lasts = "" if entra.store.is_kept else " This sign-in is not kept: it ends with pc-mcp."
            return Outcome(True, f"{_who(result)} pc-mcp can now ask Partner Center in your name.{lasts}")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_open_browser, url, tell)
            await listener.answer_once(str(begun["state"]), finish)
            tasks.cancel_scope.cancel()
    if failed:
        raise failed


async def _open_browser(url: str, tell: Tell) -> None:
    """The listener waits already: a quick browser may answer before this knows that it opened."""
    if can_open_browser() and await open_browser(url):
        tell(
            "You are not signed in to Partner Center. A browser window was opened: sign in there. "
            f"If no window appeared, open this address: {url}",
            url,
            opened=True,
        )
    else:
        tell(
            "You are not signed in to Partner Center. Open this address in a browser on this computer and sign "
            f"in: {url}",
            url,
        )


async def by_device_code(entra: "Entra", how: Mapping[str, Any], check: "Check", tell: Tell) -> None:
    """Signs in with a code on any device. Its arguments are those of `by_browser`. Raises a `SignInError`."""
    claims = {key: value for key, value in how.items() if key == "claims_challenge"}
    begun = await entra.begin_device(**claims)
    _judge(begun, wanted="user_code")
    minutes, interval = _checked_times(begun)
    url = _checked(_PAGE, begun.get("verification_uri"))
    tell(
        f"You are not signed in to Partner Center. Open {url} in any browser, enter the code "
        f"{_checked(_USER_CODE, begun['user_code'])} and sign in. The code is good for {minutes} minutes.",
        url,
    )
    while True:
        await anyio.sleep(interval)
        try:
            result = await entra.poll_device(begun, check, **claims)
        except SignInUnavailable:
            continue  # the person may be typing the code, which stays good
        if result.get("error") not in {"authorization_pending", "slow_down"}:
            _judge(result)
            return
        if result["error"] == "slow_down":
            interval += 5  # RFC 8628, section 3.5


def _judge(result: Mapping[str, Any], wanted: str = "access_token") -> None:
    """Raises what a refusal means."""
    if wanted in result:
        return
    if result.get("error") == "invalid_response":
        raise SignInRefused("The answer to the sign-in was not the expected one. Ask again to sign in anew.")
    raise refused(result)


def _checked(pattern: re.Pattern[str], value: object) -> str:
    """What a person is told to open or to type, which a terminal shows too. Raises `SignInUnavailable`."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise SignInUnavailable(_UNREADABLE)
    return value


def _checked_times(begun: Mapping[str, Any]) -> tuple[int, float]:
    """The minutes that a device code is good for, and the seconds between two polls, within reason."""
    try:
        life, interval = int(begun.get("expires_in", 900)), float(begun.get("interval", 5))
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
    name, tenant = (printable(claims.get(claim)) for claim in ("preferred_username", "tid"))
    return f"Signed in as {name or 'an account without a name'}{f', tenant {tenant}' if tenant else ''}."
