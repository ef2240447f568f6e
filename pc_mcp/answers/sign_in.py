"""The answer to who is signed in."""

from datetime import UTC, datetime

from pc_mcp.answers.clean import cleaned, cleaned_or_none, escaped, minute, timestamp
from pc_mcp.answers.markdown import sections
from pc_mcp.answers.parts import Answer, SummaryFields, notes_section
from pc_mcp.auth import Status
from pc_mcp.runtime.text import PIPE, SHOWN_PIPE, visible

SIMULATED = "The customers are simulated, to try pc-mcp: yours were not asked about."


class SignInAnswer(SummaryFields):
    signed_in: bool
    mode: str
    username: str | None
    tenant: str | None
    cloud: str
    expires_at: str | None
    kept: str | None
    notes: list[str]


def sign_in_answer(status: Status, cloud: str, *, signed_out: bool = False, simulated: bool = False) -> Answer:
    """Writes the answer. signed_out: it follows a sign-out, which is local only; simulated: the customers are."""
    expires = datetime.fromtimestamp(status.expires_at, UTC) if status.expires_at else None
    notes = [SIMULATED] if simulated else []
    notes += [visible(status.note).replace(PIPE, SHOWN_PIPE)] if status.note else []
    if signed_out and status.mode == "delegated":
        notes.append(
            "Signing out removes what this program kept. It revokes nothing: an administrator can revoke the "
            "account's sessions in Entra."
        )
    summary = _summary(status, cloud, expires)
    data: dict[str, object] = {
        "summary": summary,
        "signed_in": status.signed_in,
        "mode": status.mode,
        "username": cleaned_or_none(status.username),
        "tenant": cleaned_or_none(status.tenant),
        "cloud": cloud,
        "expires_at": timestamp(expires),
        "kept": cleaned_or_none(status.kept),
        "notes": notes,
    }
    return Answer(sections(escaped(summary), notes_section(notes)), data)


def _summary(status: Status, cloud: str, expires: datetime | None) -> str:
    if not status.signed_in:
        return f"Nobody is signed in to Partner Center ({cloud} cloud)."
    who = f" as {cleaned(status.username)}" if status.username else ""
    tenant = f", tenant {cleaned(status.tenant)}" if status.tenant else ""
    until = f" The access token is good until {minute(expires)} and is renewed by itself." if expires else ""
    kept = f" The sign-in is kept in {cleaned(status.kept)}." if status.kept else ""
    return f"Signed in{who}{tenant}, {cloud} cloud.{until}{kept}"
