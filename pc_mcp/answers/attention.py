"""What an agent would want to be told of a list, asked or not."""

from collections.abc import Mapping, Sequence
from typing import get_args

from typing_extensions import TypedDict

from pc_mcp.answers.clean import escaped, plural
from pc_mcp.answers.parts import names, short
from pc_mcp.inventory import DeviceFilter, DeviceList, Finding
from pc_mcp.inventory.questions.coverage import Disagreement


# kind: what `only` of list_devices takes, or batch_count_differs; scope: among which devices it was counted.
class AttentionRow(TypedDict):
    kind: str
    devices: int
    scope: str
    note: str


_LACKING: Mapping[Finding, str] = {
    "without_policy": "without a policy",
    "without_serial_number": "without a serial number",
    "without_model": "without a model",
    "without_manufacturer": "without a manufacturer",
    "without_upload_date": "without an upload date",
}


def attention_rows(result: DeviceList, where: DeviceFilter) -> list[AttentionRow]:
    """Findings over the devices that match, but for what only repeats the conditions; where there are none, also the
    batches whose count is not what was read.

    For `batch_count_differs`, `devices` is the sum of the differences.
    """
    scope = "batch" if result.batch else "customer"
    asked = {f"without_{name}" for name in where.absent} | ({*where.only} if len(where.only) == 1 else set())
    rows: list[AttentionRow] = [
        {"kind": finding, "devices": devices, "scope": scope, "note": _note(result, finding, devices)}
        for finding, devices in result.irregularities.devices.items()
        if finding not in asked
    ]
    if result.disagreements and where.is_empty:
        differ, note = _difference(result.disagreements), disagreement_note(result.disagreements)
        rows.append({"kind": "batch_count_differs", "devices": differ, "scope": scope, "note": note})
    return rows


def attention_head(rows: Sequence[AttentionRow], *, complete: bool) -> str:
    """What stands above the findings: how to list what they found, and of what they are where not all was read."""
    how = " (to list such devices pass only)" if any(map(_can_be_listed, rows)) else ""
    return f"**Attention**{how}{'' if complete else ', of the devices read so far'}:"


def attention_line(row: AttentionRow) -> str:
    """A finding in the text, with what lists its devices."""
    how = f" (only: {row['kind']})" if _can_be_listed(row) else ""
    return f"- {escaped(row['note'].removesuffix('.'))}{how}."


def _can_be_listed(row: AttentionRow) -> bool:
    return row["kind"] in get_args(Finding)


def lacking(findings: Sequence[Finding]) -> str:
    """Devices that have any of the findings, in a sentence."""
    return " or ".join(_LACKING.get(each, "with a serial number that occurs more than once") for each in findings)


def _note(result: DeviceList, finding: Finding, devices: int) -> str:
    counted = plural(devices, "device")
    if finding != "duplicate_serial_number":
        return f"{counted} {_LACKING[finding]}."
    examples = ", ".join(map(short, result.irregularities.duplicate_serial_numbers))
    among = "in the batch" if result.batch else "among the customer's devices"
    return f"{counted} with a serial number that occurs more than once {among}, such as {examples}."


def disagreement_note(disagreements: Sequence[Disagreement]) -> str:
    """Which batches, at least one, hold another number of devices than they are said to."""
    first = disagreements[0]
    batches = names(tuple(item.batch for item in disagreements))
    noun, which = ("batch", "it") if len(disagreements) == 1 else ("batches", "the first")
    return (
        f"devicesCount differs by {plural(_difference(disagreements), 'device')} from what was read: {noun} "
        f"{batches}; {which} says {first.expected:,} and holds {first.read:,}."
    )


def _difference(disagreements: Sequence[Disagreement]) -> int:
    return sum(abs(item.expected - item.read) for item in disagreements)
