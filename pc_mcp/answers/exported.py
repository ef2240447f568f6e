"""The answer to where a whole list was written, and the words for a list that is not whole."""

from pathlib import Path
from typing import Any

from pc_mcp.answers.budget import Room, notes_that_fit
from pc_mcp.answers.clean import cleaned, escaped, minute, plural, timestamp
from pc_mcp.answers.files import file_notes
from pc_mcp.answers.markdown import sections
from pc_mcp.answers.parts import (
    Answer,
    CompletenessFields,
    CustomerFields,
    SummaryFields,
    batches_read,
    completeness_fields,
    customer_fields,
    in_batches,
    notes_section,
    place,
)
from pc_mcp.inventory.questions.export import WholeList

_REASONS = 3


# Without a docstring, which would be part of the schema. path, bytes: null where the list is not
# complete and no file was written.
class ExportAnswer(SummaryFields, CompletenessFields):
    customer: CustomerFields
    batch: str | None
    as_of: str
    devices_total: int
    path: str | None
    bytes: int | None
    notes: list[str]


def export_answer(whole: WholeList, path: Path | None, size: int | None, max_chars: int) -> Answer:
    """path, size: of the file with the whole list, in bytes; None: there is none."""
    coverage = whole.coverage
    summary = f"{incomplete_line(whole)} No file was written."
    if path:
        batches = "" if whole.batch else in_batches(coverage)
        written = f"{plural(whole.devices, 'device')} of {place(whole.customer, whole.batch)}{batches} written"
        summary = f"{written}; complete as of {minute(coverage.as_of)}."
    file = f"File ({plural(size or 0, 'byte')}): {escaped(str(path))}" if path else ""
    data: dict[str, Any] = {
        "summary": summary,
        "customer": customer_fields(whole.customer),
        "batch": cleaned(whole.batch.id) if whole.batch else None,
        "as_of": timestamp(coverage.as_of),
        **completeness_fields(whole.coverage.next_step),
        "devices_total": whole.devices,
        "path": str(path) if path else None,
        "bytes": size,
        "notes": [],
    }
    room = Room.beside(max_chars, sections(escaped(summary), file, "Notes:"), data)
    data["notes"] = notes_that_fit(file_notes(whole), room)
    return Answer(sections(escaped(summary), file, notes_section(data["notes"])), data)


def incomplete_line(whole: WholeList) -> str:
    """How much of a list was read that is not complete."""
    coverage = whole.coverage
    return (
        f"INCOMPLETE: {plural(whole.devices, 'device')} read so far of {place(whole.customer, whole.batch)}. "
        f"{batches_read(coverage)}; as of {minute(coverage.as_of)}."
    )


def incomplete_words(whole: WholeList) -> str:
    """Why a list cannot be handed over yet, in a few sentences without Markdown."""
    reasons = " ".join(file_notes(whole)[:_REASONS])
    return f"{incomplete_line(whole)} {reasons}"
