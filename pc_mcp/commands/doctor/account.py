"""Who is signed in, where that is kept, and what they may do; nobody is asked to sign in."""

import uuid

from pydantic import SecretStr

from pc_mcp.answers.clean import cleaned_or_none
from pc_mcp.auth import SignInError, SignInNeeded, StaticToken, TokenProvider, quietly
from pc_mcp.commands.doctor.report import CheckResult
from pc_mcp.partner_center import PartnerCenterError, Transport
from pc_mcp.settings import Settings

TOKEN_STORE = "token store"
SIGNED_IN = "signed in"
ROLE = "role"
_AGAIN_SECONDS = 0.2


async def token_store(tokens: TokenProvider, settings: Settings) -> CheckResult:
    """Where the sign-in is kept, and whether that works."""
    if settings.auth.mode != "delegated":
        return CheckResult(TOKEN_STORE, "ok", f"not used (auth.mode = {settings.auth.mode})")
    try:
        status = await tokens.status()
    except SignInError as error:
        return CheckResult(TOKEN_STORE, "wrong", str(error))
    if status.path is None:
        return _in_memory(settings.auth.token_store, status.note or "the sign-in ends with each process")
    if status.note:
        return CheckResult(TOKEN_STORE, "warning", status.note)
    return CheckResult(TOKEN_STORE, "ok", status.kept or "")


def _in_memory(wanted: str, note: str) -> CheckResult:
    if wanted == "memory":
        return CheckResult(TOKEN_STORE, "warning", f"memory: {note}", 'Set auth.token_store to "auto" to keep it.')
    return CheckResult(TOKEN_STORE, "warning" if wanted == "auto" else "wrong", note)


async def signed_in(tokens: TokenProvider, settings: Settings, login: str) -> tuple[CheckResult, str | None]:
    """Who is signed in, and a token of theirs that is good now. login: the command that signs in."""
    try:
        with quietly():
            token = await (await tokens.account()).token()
        status = await tokens.status()
    except SignInNeeded:
        return CheckResult(SIGNED_IN, "wrong", "nobody, or a sign-in that has ended", f"Run: {login}"), None
    except SignInError as error:
        return CheckResult(SIGNED_IN, "wrong", str(error)), None
    if settings.auth.mode == "token":
        return CheckResult(SIGNED_IN, "ok", "as whoever auth.access_token is for"), token
    tenant = f", tenant {cleaned_or_none(status.tenant)}" if status.tenant else ""
    kind = "the application " if settings.auth.mode == "app" else ""
    return CheckResult(
        SIGNED_IN, "ok", f"as {kind}{cleaned_or_none(status.username) or 'somebody without a name'}{tenant}"
    ), token


async def role(token: str, settings: Settings, seconds: float) -> CheckResult:
    """Whether a harmless request is permitted ("Get a list of customers")."""
    partner_center = settings.partner_center
    transport = Transport(
        partner_center.api_root,
        locale=partner_center.locale,
        timeout_seconds=min(seconds, partner_center.timeout_seconds),
        backoff=lambda _: _AGAIN_SECONDS,
    )
    account = await StaticToken(SecretStr(token)).account()
    async with transport:
        try:
            await transport.get("/customers?size=1", len, account=account, correlation_id=str(uuid.uuid4()))
        except PartnerCenterError as error:
            return CheckResult(ROLE, "wrong", _told(error), error.advice)
    return CheckResult(ROLE, "ok", "may read customers and their devices")


def _told(error: PartnerCenterError) -> str:
    facts = [f"HTTP {error.status}" if error.status else "", f"code {error.code}" if error.code else ""]
    told = ", ".join([*filter(None, facts), f"correlation id {error.correlation_id}"])
    return f"{error.summary} ({told})"
