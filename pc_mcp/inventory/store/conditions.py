"""What devices a statement of SQL is about."""

import json
from collections.abc import Sequence
from dataclasses import replace

from pc_mcp.inventory.store.filters import DeviceFilter
from pc_mcp.inventory.store.kinds import Kind
from pc_mcp.inventory.store.store import DeviceOrder, Scope
from pc_mcp.inventory.store.times import microseconds
from pc_mcp.runtime.text import match_key

TWINS = """SELECT key FROM duplicate WHERE serial_key IN (
    SELECT serial_key FROM duplicate WHERE key >= ? AND key < ? GROUP BY 1 HAVING count(*) > 1
)"""
"""The keys of devices whose serial number occurs more than once in the scope whose two keys are the values."""

ORDERS: dict[DeviceOrder, str] = {
    "batch": "key",
    "serial_number": "serial_key IS NULL, serial_key, key",
    "uploaded": "uploaded IS NULL, uploaded, key",
    "-uploaded": "uploaded IS NULL, uploaded DESC, key",
}

_AMONG_KINDS = "kind IN (SELECT value FROM json_each(?))"


def conditions(where: DeviceFilter, scope: Scope, kinds: Sequence[Kind]) -> tuple[str, list[object]]:
    """The `WHERE` of a statement about the devices of `scope` that match, and its values.

    kinds: all of them, in the order of their numbers. Where devices are compared `duplicate` is filled.
    """
    terms = ["key >= ?", "key < ?"]
    values: list[object] = [*scope.keys]
    # What has no serial number contains no part of one; to compare each row's kind for that takes a tenth of the time.
    matching = replace(where, serial_number=None).kinds(kinds)
    if len(matching) < len(kinds):
        terms.append(_AMONG_KINDS)
        values.append(json.dumps(sorted(matching)))
    if where.serial_number is not None:
        terms.append("instr(serial_key, ?)")
        values.append(match_key(where.serial_number))
    if where.uploaded_after is not None:
        terms.append("uploaded >= ?")
        values.append(microseconds(where.uploaded_after))
    if where.uploaded_before is not None:
        terms.append("uploaded < ?")
        values.append(microseconds(where.uploaded_before))
    if where.is_of_single_devices:
        any_of = [_AMONG_KINDS]
        values.append(json.dumps(sorted(where.kinds_with_finding(kinds))))
        if "without_upload_date" in where.only:
            any_of.append("uploaded IS NULL")
        if where.compares_devices:
            any_of.append(f"key IN ({TWINS})")
            values += scope.keys
        terms.append(f"({' OR '.join(any_of)})")
    return f" WHERE {' AND '.join(terms)}", values
