"""What several answers have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast, get_args

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from pc_mcp.answers.clean import CUT, cleaned, cleaned_or_none, escaped, plural, quoted
from pc_mcp.answers.markdown import bullets
from pc_mcp.inventory.questions.completeness import Missing, NextStep
from pc_mcp.inventory.questions.coverage import Coverage
from pc_mcp.inventory.text import in_quotes
from pc_mcp.partner_center.errors import Remedy
from pc_mcp.partner_center.models import Customer, DeviceBatch

NAMES_IN_A_NOTE = 4
REASON_CHARACTERS = 400

ONLY_OURS = "The list holds the devices that this partner uploaded, not all of the customer's devices."


@dataclass(frozen=True, slots=True)
class Answer:
    """Both halves of an answer; each says all of it and keeps the budget."""

    text: str
    data: dict[str, object]


# Written shorter than pydantic does: every answer's schema has them, and all schemas share a limit.
_Step = Annotated[Remedy | None, WithJsonSchema({"enum": [*get_args(Remedy), None]})]
_Seconds = Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})]
_Reason = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]


# The first line of the text, with which every answer begins. A docstring would be part of every schema.
class SummaryFields(TypedDict):
    summary: str


# Whether an answer counts all that was asked about, and if not, what to do next; next_step_* are null where it
# does, and the seconds where none are named.
class CompletenessFields(TypedDict):
    complete: bool
    next_step: _Step
    next_step_seconds: _Seconds
    next_step_reason: _Reason


def completeness_fields(step: NextStep | None) -> CompletenessFields:
    """What every answer says of its completeness; None: it is complete."""
    return {
        "complete": step is None,
        "next_step": step.remedy if step else None,
        "next_step_seconds": step.seconds if step else None,
        "next_step_reason": step.reason if step else None,
    }


def completeness_notes(step: NextStep | None) -> list[str]:
    """The same in words, for the notes; it comes first there."""
    return [step.reason] if step else []


class CustomerFields(TypedDict):
    id: str
    name: str | None
    domain: str | None


def customer_fields(customer: Customer) -> CustomerFields:
    """How every answer names its customer."""
    return {
        "id": cleaned(customer.id),
        "name": cleaned_or_none(customer.name),
        "domain": cleaned_or_none(customer.domain),
    }


def called(customer: Customer) -> str:
    """The customer in a sentence: its name, else its domain, else its id."""
    return quoted(cleaned_or_none(customer.name) or cleaned_or_none(customer.domain) or customer.id)


def place(customer: Customer, batch: DeviceBatch | None) -> str:
    """Where devices are, in a sentence: the customer, or one of its batches."""
    return f"batch {quoted(batch.id)} of {called(customer)}" if batch else called(customer)


def in_batches(coverage: Coverage) -> str:
    """In how many batches devices are."""
    return f" in {plural(coverage.batches_total, 'batch', 'batches')}"


def batches_read(coverage: Coverage) -> str:
    """How far a list was read that is not complete."""
    return f"{coverage.batches_read:,} of {plural(coverage.batches_total, 'batch', 'batches')} read to the end"


def names(values: tuple[str, ...]) -> str:
    """A few names in a sentence, the rest counted."""
    return few(list(map(short, values[:NAMES_IN_A_NOTE])), len(values))


def few(texts: Sequence[str], total: int | None = None) -> str:
    """The first of these in a sentence; the rest, of `total`, is counted."""
    more = (len(texts) if total is None else total) - NAMES_IN_A_NOTE
    first = ", ".join(texts[:NAMES_IN_A_NOTE])
    return f"{first} and {more:,} more" if more > 0 else first


def short(value: str) -> str:
    """A name that is one of several in a sentence."""
    clean = cleaned(value)
    return in_quotes(clean if len(clean) <= 40 else clean[:39] + CUT)


def taken_for(text: str, noun: str, name: str) -> str:
    """The note that a part of a name was taken for the one thing that has it."""
    return f"{short(text)} was taken for the {noun} {short(name)}."


def with_notes(answer: Answer, notes: Sequence[str]) -> Answer:
    """The answer with more notes, which come first."""
    if not notes:
        return answer
    lines = notes_section(notes)
    text, section, others = answer.text.rpartition("\n\nNotes:\n")
    text = f"{text}\n\n{lines}\n{others}" if section else f"{answer.text}\n\n{lines}"
    return Answer(text, answer.data | {"notes": [*notes, *cast("list[str]", answer.data["notes"])]})


def problem_note(problem: Missing, what: str) -> str:
    """Why something is missing, and the id that support asks for."""
    subject = f"{what} {names(problem.batches)}" if problem.batches else what
    correlation = f" (correlation id {problem.correlation_id})" if problem.correlation_id else ""
    return f"{subject} could not be read to the end: {problem.reason[:REASON_CHARACTERS]}{correlation}"


def coverage_notes(coverage: Coverage) -> list[str]:
    """What is missing from what was read, the most important first."""
    notes = completeness_notes(coverage.next_step)
    if not coverage.complete:
        unread = f"; {coverage.devices_unread:,} unread" if coverage.devices_unread else ""
        notes.append(
            f"{batches_read(coverage)}; {plural(coverage.pages_read, 'page')} read, "
            f"{coverage.devices_read:,} of {plural(coverage.devices_expected, 'device')}, by devicesCount{unread}."
        )
    for problem in coverage.problems:
        what = "The list of batches"
        if problem.batches:
            what = "Batch" if len(problem.batches) == 1 else f"{len(problem.batches):,} batches:"
        notes.append(problem_note(problem, what))
    if coverage.policy_problem:
        by_id = "Policies that devices name by id are shown and matched by the id."
        notes.append(f"{problem_note(coverage.policy_problem, 'The list of policies')} {by_id}")
    if coverage.unreadable_devices:
        notes.append(unreadable(coverage.unreadable_devices, "device", "devices"))
    if coverage.unreadable_batches:
        missing = unreadable(coverage.unreadable_batches, "batch", "batches")
        notes.append(f"{missing} Without a readable id its devices cannot be asked for.")
    if coverage.restarted:
        notes.append(
            f"Batch {names(coverage.restarted)} was read again from its first page: its continuation "
            "token no longer led on."
        )
    if coverage.unlisted:
        notes.append("The customer's list of batches does not name this batch (yet); it was asked for by its id.")
    return notes


def unreadable(number: int, noun: str, nouns: str) -> str:
    """The note for items that a list holds and nobody can read."""
    verb = "is" if number == 1 else "are"
    return f"{plural(number, noun, nouns)} of the service could not be read and {verb} in no count."


def notes_section(notes: Sequence[str]) -> str:
    """The notes at the end of an answer's text."""
    return "Notes:\n" + bullets(map(escaped, notes)) if notes else ""
