"""What an agent would want to be told of a list, asked or not."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from pc_mcp.answers.clean import plural
from pc_mcp.answers.parts import names, short
from pc_mcp.inventory import DeviceFilter, DeviceList
from pc_mcp.inventory.questions.coverage import Disagreement


class AttentionRow(TypedDict):
    kind: str
    devices: int
    note: str


def attention_rows(result: DeviceList, where: DeviceFilter) -> list[AttentionRow]:
    """Findings over the devices that match, but for what only repeats the conditions, and the batches whose count is
    not what was read: these are no matter of devices of which none matches.

    For `batch_count_differs`, `devices` is the sum of the differences.
    """
    odd = result.irregularities
    rows: list[AttentionRow] = []
    if odd.duplicates:
        examples = ", ".join(map(short, odd.duplicate_serial_numbers))
        rows.append(
            {
                "kind": "duplicate_serial_number",
                "devices": odd.duplicates,
                "note": f"{plural(odd.duplicates, 'device')} with a serial number that occurs more than "
                f"once, such as {examples}.",
            }
        )
    if odd.without_policy and "policy" not in where.absent:
        note = f"{plural(odd.without_policy, 'device')} without a policy."
        rows.append({"kind": "no_policy", "devices": odd.without_policy, "note": note})
    if odd.without_serial_number:
        note = f"{plural(odd.without_serial_number, 'device')} without a serial number."
        rows.append({"kind": "no_serial_number", "devices": odd.without_serial_number, "note": note})
    if result.disagreements and (result.matched or where.is_empty):
        note = disagreement_note(result.disagreements)
        rows.append({"kind": "batch_count_differs", "devices": _difference(result.disagreements), "note": note})
    return rows


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
