"""A whole list of devices as the text of a file, in pieces: CSV for Excel, JSON for programs.

Both hold what was read, uncut, but for the masking of product keys and for hidden characters.
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Literal

from pc_mcp.answers.attention import disagreement_note
from pc_mcp.answers.clean import timestamp
from pc_mcp.answers.parts import coverage_notes
from pc_mcp.inventory.formulas import guarded
from pc_mcp.inventory.product_keys import without_keys
from pc_mcp.inventory.questions.devices import ListedDevice
from pc_mcp.inventory.questions.export import WholeList
from pc_mcp.runtime.text import visible

Format = Literal["csv", "json"]
MIME_TYPES: dict[Format, str] = {"csv": "text/csv", "json": "application/json"}
COLUMNS = ("id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key")

# Excel takes UTF-8 for what it is only when the file begins with this.
SIGNATURE = "\ufeff"


class CsvText:
    """RFC 4180, every cell in quotation marks."""

    def head(self, whole: WholeList) -> str:  # noqa: ARG002 - both formats are called alike
        return SIGNATURE + _csv([COLUMNS])

    def rows(self, devices: Sequence[ListedDevice]) -> str:
        return _csv([[guarded(value or "") for value in _values(device)] for device in devices])

    def tail(self) -> str:
        return ""


class JsonText:
    """One object; `devices` comes last, a device a line."""

    def __init__(self) -> None:
        self._separator = "\n"

    def head(self, whole: WholeList) -> str:
        coverage, customer = whole.coverage, whole.customer
        facts = {
            "customer": {
                "id": _text(customer.id),
                "name": _text(customer.name),
                "domain": _text(customer.domain),
            },
            "batch": _text(whole.batch.id) if whole.batch else None,
            "as_of": timestamp(coverage.as_of),
            "complete": coverage.complete,
            "batches_read": coverage.batches_read,
            "batches_total": coverage.batches_total,
            "devices_total": whole.devices,
            "notes": file_notes(whole),
        }
        return json.dumps(facts, ensure_ascii=False)[:-1] + ', "devices": ['

    def rows(self, devices: Sequence[ListedDevice]) -> str:
        lines = [json.dumps(dict(zip(COLUMNS, _values(device), strict=True)), ensure_ascii=False) for device in devices]
        text = self._separator + ",\n".join(lines)
        self._separator = ",\n"
        return text

    def tail(self) -> str:
        return "\n]}\n"


def file_text(file_format: Format) -> CsvText | JsonText:
    """What writes a file of this format."""
    return CsvText() if file_format == "csv" else JsonText()


def file_notes(whole: WholeList) -> list[str]:
    """What a reader of the whole list has to know of it."""
    disagreements = [disagreement_note(whole.disagreements)] if whole.disagreements else []
    return [*coverage_notes(whole.coverage), *disagreements]


def _values(device: ListedDevice) -> Sequence[str | None]:
    """The values of `COLUMNS`."""
    row = device.row
    texts = (row.id, row.serial_number, row.manufacturer, row.model, row.policy, visible(device.batch))
    return (*(without_keys(text) if text else text for text in texts), timestamp(row.uploaded), row.product_key)


def _text(value: str | None) -> str | None:
    return without_keys(visible(value)) or None if value else None


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()
