"""The answer to which configuration policies a customer has."""

from typing_extensions import TypedDict

from pc_mcp.answers.clean import cleaned, cleaned_or_none, minute, plural, timestamp
from pc_mcp.answers.lists import LeftOut, Rows, counted_summary, list_answer
from pc_mcp.answers.parts import (
    Answer,
    CompletenessFields,
    CustomerFields,
    SummaryFields,
    called,
    completeness_fields,
    completeness_notes,
    customer_fields,
    few,
    problem_note,
    short,
    unreadable,
)
from pc_mcp.inventory import PolicyList
from pc_mcp.partner_center.models import ConfigurationPolicy
from pc_mcp.runtime.text import match_key

_COLUMNS = {
    "policy": "name",
    "devices assigned": "devices_assigned",
    "settings": "settings",
    "description": "description",
    "category": "category",
    "created": "created",
    "modified": "modified",
    "id": "id",
}
_SETTINGS = 6


class PolicyFields(TypedDict):
    id: str | None
    name: str | None
    category: str | None
    description: str | None
    devices_assigned: int | None
    settings: list[str]
    created: str | None
    modified: str | None


class PolicyListAnswer(SummaryFields, CompletenessFields):
    customer: CustomerFields
    as_of: str
    policies_total: int
    policies: list[PolicyFields]
    shown: int
    omitted: int
    notes: list[str]


def policy_list_answer(result: PolicyList, max_chars: int) -> Answer:
    """Writes the answer: its fixed parts, then the rows that fit."""
    total = len(result.policies)
    facts = {
        "customer": customer_fields(result.customer),
        "as_of": timestamp(result.as_of),
        **completeness_fields(result.next_step),
        "policies_total": total,
    }
    rows = Rows("policies", _COLUMNS, list(map(_fields, result.policies)))
    rest = LeftOut(total, "policy", "policies", " for length")
    head = ["Policies in the order of the service:"] if total > 1 else []
    return list_answer(max_chars, _summary(result), facts, rows, rest, _notes(result), head=head)


def _fields(policy: ConfigurationPolicy) -> PolicyFields:
    return {
        "id": cleaned_or_none(policy.id),
        "name": cleaned_or_none(policy.name),
        "category": cleaned_or_none(policy.category),
        "description": cleaned_or_none(policy.description),
        "devices_assigned": policy.devices_assigned,
        "settings": [text for text in map(cleaned, policy.settings[:_SETTINGS]) if text],
        "created": timestamp(policy.created),
        "modified": timestamp(policy.modified),
    }


def _summary(result: PolicyList) -> str:
    counted = plural(len(result.policies), "policy (Autopilot profile)", "policies (Autopilot profiles)")
    return counted_summary(counted, f" of {called(result.customer)}", result.as_of, complete=result.next_step is None)


def _notes(result: PolicyList) -> list[str]:
    notes = completeness_notes(result.next_step)
    if result.problem:
        notes.append(problem_note(result.problem, "The list of policies"))
    if result.unreadable:
        notes.append(unreadable(result.unreadable, "policy", "policies"))
    if any(policy.devices_assigned is not None for policy in result.policies):
        notes.append(_assigned_note(result))
    return notes


def _assigned_note(result: PolicyList) -> str:
    """What is known of the service's own counts: whether they are those of the devices."""
    counted = result.counted.devices if result.counted else {}
    compared = [
        (policy.name, counted[match_key(policy.name)], policy.devices_assigned)
        for policy in result.policies
        if policy.name and policy.devices_assigned is not None and match_key(policy.name) in counted
    ]
    if result.counted is None or not compared:
        return (
            "devices_assigned is the service's own count, and can be old and far off: to say how many devices have a "
            "policy, use list_devices with group_by policy."
        )
    differing = [f"{short(name)} {devices:,}" for name, devices, assigned in compared if devices != assigned]
    when = minute(result.counted.as_of)
    if differing:
        return f"devices_assigned may be old: the devices themselves, as of {when}, are others: {few(differing)}."
    of_which = "" if len(compared) == len(result.policies) else f", for {len(compared):,} of the policies"
    return f"devices_assigned is the service's own count; it is that of the devices as of {when}{of_which}."
