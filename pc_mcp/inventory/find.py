"""The question which devices have the given serial numbers, product keys or device ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from pc_mcp.inventory.coverage import Coverage, coverage_of
from pc_mcp.inventory.devices import ListedDevice, listed, walk
from pc_mcp.inventory.library import Call, Library
from pc_mcp.inventory.paging import Page, begin, gone, page
from pc_mcp.inventory.text import match_key
from pc_mcp.partner_center.models import Customer


@dataclass(frozen=True, slots=True)
class Finding:
    """An identifier and a device that has it, or None when no device was found."""

    identifier: str
    device: ListedDevice | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of each identifier, in the order in which they were given.

    found and not_found count identifiers, matched (identifier, device) pairs; repeated: how many
    identifiers were given before already. The page begins where the cursor says.
    """

    customer: Customer
    coverage: Coverage
    found: int
    not_found: int
    matched: int
    matched_before: int
    repeated: int
    findings: Sequence[Finding]
    page: Page


async def find_devices(
    library: Library,
    call: Call,
    customer: Customer,
    identifiers: Sequence[str],
    *,
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> Findings:
    """Reads what is missing of every batch, within the call's time, and looks each identifier up."""
    by_key: dict[str, str] = {}
    for identifier in identifiers:
        by_key.setdefault(match_key(identifier), identifier)
    unique = list(by_key.values())
    question = ("find", customer.id, unique)
    if cursor:
        library.cursors.read(cursor, question)
        snapshot = await library.kept_snapshot(call, customer)
        if snapshot is None:
            raise gone()
    else:
        snapshot = await library.snapshot(
            call, customer, anew=lambda kept: refresh and not any(r.under_way for r in kept.readings)
        )
    with snapshot:
        scope = snapshot.scope(None)
        if not cursor:
            await walk(library, call, snapshot, snapshot.in_scope(scope))
        begun = begin(library.cursors, cursor, question, snapshot.revision)
        devices = await snapshot.query(snapshot.table.find, scope, unique)
        found: list[Finding] = []
        for identifier in unique:
            rows = devices[match_key(identifier)]
            found += [Finding(identifier, listed(snapshot, row)) for row in rows]
            found += [] if rows else [Finding(identifier, None)]
        given = list(enumerate(found))[begun.after + 1 :][:limit]
        not_found = sum(finding.device is None for finding in found)
        return Findings(
            customer=customer,
            coverage=coverage_of(snapshot, None),
            found=len(unique) - not_found,
            not_found=not_found,
            matched=len(found) - not_found,
            matched_before=sum(f.device is not None for f in found[: begun.after + 1]),
            repeated=len(identifiers) - len(unique),
            findings=[finding for _, finding in given],
            page=page(library.cursors, begun, question, [index for index, _ in given], len(found)),
        )
