"""The question which devices have the given serial numbers, product keys or device ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from pc_mcp.inventory.questions.coverage import Coverage, coverage_of
from pc_mcp.inventory.questions.devices import ListedDevice, listed
from pc_mcp.inventory.questions.identifiers import Cell, cells_of
from pc_mcp.inventory.questions.near import NearOnes, Why, near_ones
from pc_mcp.inventory.questions.opened import devices_read
from pc_mcp.inventory.questions.paging import Continuation, Paging
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.store import DeviceRow
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.text import visible


@dataclass(frozen=True, slots=True)
class IdentifierMatch:
    """An identifier, as it was given or as what is left of that without its wrapping, and a device that has it."""

    identifier: str
    device: ListedDevice


@dataclass(frozen=True, slots=True)
class Possible:
    """An identifier that no device has, and a device that is near it."""

    identifier: str
    device: ListedDevice
    why: Why


@dataclass(frozen=True, slots=True)
class IdentifierMatches:
    """What became of each identifier, in the order in which they were given.

    found counts identifiers, matched (identifier, device) pairs; `matches` is a page of these. missing: every
    identifier that no device has that was read; shortened: those of them that a spreadsheet has cut.
    possible_omitted: how many more devices are near; all_compared: all devices were looked at for that.
    repeated: how many identifiers were given before already; empty: how many cells hold none.
    """

    customer: Customer
    coverage: Coverage
    found: int
    matched: int
    matches: Sequence[IdentifierMatch]
    page: Continuation
    missing: Sequence[str]
    shortened: Sequence[str]
    possible: Sequence[Possible]
    possible_omitted: int
    all_compared: bool
    repeated: int
    empty: int

    @property
    def not_found(self) -> int:
        return len(self.missing)


async def find_devices(
    call: Call,
    customer: Customer,
    identifiers: Sequence[str],
    *,
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> IdentifierMatches:
    """Reads what is missing of every batch, within the call's time, and looks each identifier up.

    Raises `UnusableIdentifiers`.
    """
    cells, seen = await call.off_the_loop(lambda: (cells_of(identifiers), [visible(text) for text in identifiers]))
    paging = Paging(call, ("find", customer.id, seen), cursor)
    async with devices_read(call, customer, None, paging, refresh=refresh) as part:
        snapshot = part.snapshot
        keys = dict.fromkeys(key for cell in cells for key in cell.all_keys())
        look_up = partial(snapshot.store.find, part.scope, keys)
        begun, devices = await snapshot.in_time(call.answer_by, lambda: (paging.begin(part.generation), look_up()))
        # Before anything else may be read: it is of this moment that something is not found.
        coverage = coverage_of(part)
        sought = _Sought(devices)
        for cell in cells:
            sought.take(cell)
        near = NearOnes()
        if not paging.goes_on:
            near = await near_ones(snapshot, part.scope, list(sought.missing), call.deadline)
            if part.generation != begun.generation:  # what is at a place now may be another device
                near = NearOnes(complete=not sought.missing)
        missing = list(sought.missing.values())
        pairs = [(identifier, row) for identifier, rows in sought.found.values() for row in rows]
        given = list(enumerate(pairs))[begun.after + 1 :][:limit]
        return IdentifierMatches(
            customer=customer,
            coverage=coverage,
            found=len(sought.found),
            matched=len(pairs),
            matches=[IdentifierMatch(identifier, listed(snapshot, row)) for _, (identifier, row) in given],
            page=paging.page(begun, [index for index, _ in given], len(pairs)),
            missing=missing,
            shortened=sought.shortened,
            possible=[Possible(missing[n.identifier], listed(snapshot, n.device), n.why) for n in near.near],
            possible_omitted=near.omitted,
            all_compared=near.complete,
            repeated=sought.repeated,
            empty=len(identifiers) - len(cells) + sought.blank,
        )


@dataclass
class _Sought:
    """Sorts cells into what was found and what was not, by the `match_key` of the form that counted.

    devices: those that have each key.
    """

    devices: Mapping[str, Sequence[DeviceRow]]
    found: dict[str, tuple[str, Sequence[DeviceRow]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    shortened: list[str] = field(default_factory=list)
    repeated: int = 0
    blank: int = 0

    def take(self, cell: Cell) -> None:
        """A cell is the first of its forms that a device has, else the several that it holds."""
        for key, form in cell.forms.items():
            if rows := self.devices[key]:
                self.repeated += key in self.found
                self.found.setdefault(key, (form, rows))
                return
        for part in cell.parts:
            self.take(part)
        if not cell.parts:
            self._miss(cell)

    def _miss(self, cell: Cell) -> None:
        if cell.blank:
            self.blank += 1
        elif cell.key in self.missing:
            self.repeated += 1
        else:
            self.missing[cell.key] = cell.core
            self.shortened += [cell.core] if cell.shortened else []
