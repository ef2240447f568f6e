"""The commands `login`, `logout` and `status`: what they print is read out on the telephone."""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

from pc_mcp.answers.clean import cleaned_or_none, minute
from pc_mcp.auth import SignInError, Status, TokenProvider
from pc_mcp.commands.terminal import say, say_aside
from pc_mcp.protocol.token_providers import token_provider
from pc_mcp.runtime.waiting import run
from pc_mcp.settings import Settings

FAILED = 1
_NOT_KEPT = "This sign-in is not kept: it has ended with this command."
_REVOKES_NOTHING = (
    "Signed out: the sign-in was removed from this computer. That revokes nothing; an administrator can revoke the "
    "account's sessions in Entra."
)
_LEFT_ALONE = "{} may hold a sign-in, which could not be read and was not removed. To forget it, remove that file."
_HOW_TO = "Sign in with: pc-mcp login"


def login(settings: Settings, *, device_code: bool, keep_in_file: bool) -> int:
    """Signs in and waits for the person; the exit status says whether somebody is signed in, and that is kept.

    Where it could not be kept, although nobody asked for that, nobody is asked to sign in.
    """
    provider = token_provider(settings, "device_code" if device_code else None, tell=_tell, keep_in_file=keep_in_file)
    found = _run(provider, lambda tokens: tokens.sign_in())
    if found is None:
        return FAILED
    say(_as_text(found, settings, _NOT_KEPT if found.store == "memory" else None))
    return 0 if found.is_kept else FAILED


def logout(settings: Settings) -> int:
    """Forgets the sign-in on this computer."""
    removed = False

    async def sign_out(tokens: TokenProvider) -> Status:
        nonlocal removed
        removed = (await tokens.status()).signed_in
        return await tokens.sign_out()

    found = _run(token_provider(settings), sign_out)
    if found is None:
        return FAILED
    say(_as_text(found, settings, _REVOKES_NOTHING if removed and not found.signed_in else None))
    if found.left_alone:
        say_aside(f"pc-mcp: {_LEFT_ALONE.format(found.left_alone)}")
        return FAILED
    return 0


def status(settings: Settings, *, as_json: bool) -> int:
    """Says who is signed in; the exit status is 1 when nobody is.

    Nobody is asked to sign in for that; an application (`auth.mode = "app"`) tries to.
    """
    app = settings.auth.mode == "app"
    found = _run(token_provider(settings), lambda tokens: tokens.sign_in() if app else tokens.status())
    if found is None:
        return FAILED
    remark = None if found.signed_in or found.store is None else _HOW_TO
    say(_as_json(found, settings) if as_json else _as_text(found, settings, remark))
    return 0 if found.signed_in else FAILED


def _tell(instruction: str) -> None:
    say_aside(instruction)


def _run(provider: TokenProvider, work: Callable[[TokenProvider], Awaitable[Status]]) -> Status | None:
    """What `work` found out; None where it could not, which is said."""

    async def in_loop() -> Status:
        async with provider as tokens:
            return await work(tokens)

    try:
        return run(in_loop)
    except SignInError as error:
        say_aside(f"pc-mcp: {error}")
        return None


def _as_text(found: Status, settings: Settings, remark: str | None = None) -> str:
    return "\n".join(_lines(found, settings, remark))


def _lines(found: Status, settings: Settings, remark: str | None) -> Iterator[str]:
    who = f" as {cleaned_or_none(found.username)}" if found.username else ""
    yield f"Signed in{who}." if found.signed_in else "Nobody is signed in to Partner Center."
    facts = {
        "Tenant": cleaned_or_none(found.tenant),
        "Cloud": str(settings.partner_center.cloud),
        "Token store": found.kept,
        # Of what is in memory alone nothing is left when this is read.
        "Access token": f"good until {minute(_moment(found.expires_at))}, renewed by itself"
        if found.expires_at and found.store != "memory"
        else None,
    }
    yield from (f"  {name + ':':<14}{fact}" for name, fact in facts.items() if fact)
    yield from (f"\n{text}" for text in (remark, found.note) if text)


def _as_json(found: Status, settings: Settings) -> str:
    """The names are an interface of scripts: they stay as they are."""
    facts = {
        "signed_in": found.signed_in,
        "mode": found.mode,
        "account": cleaned_or_none(found.username),
        "tenant": cleaned_or_none(found.tenant),
        "cloud": str(settings.partner_center.cloud),
        "store": found.store,
        "path": found.path,
        "expires_at": _moment(found.expires_at).isoformat(timespec="seconds") if found.expires_at else None,
        "note": found.note,
    }
    return json.dumps(facts, indent=2)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
