"""How far one batch has been read: a state machine, which the walk moves on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from operator import attrgetter

import anyio

from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.generations import new_generation
from pc_mcp.partner_center import NextToken, Page
from pc_mcp.partner_center.errors import BrokenPaging, Forbidden, NotFound, RequestRefused
from pc_mcp.partner_center.models import Device, DeviceBatch
from pc_mcp.runtime.text import match_key

MOST_OVERLAP = 1000
"""So many devices at the end of a page may come again on the next one."""


class State(Enum):
    """Where the reading of a batch stands.

        UNASKED ── set_out ──> WANTED ── begin ──> READING ── took the last page ──> WHOLE
                                                   │    ^
                                              stop v    │ begin
                                                 STOPPED

    `begin_again`, and `begin` where the pages led nowhere, lead to REPLACING, which is READING but for its next
    page: that is the first one, and takes the place of all that was read. A walk that is cancelled, or out of time,
    leaves the state as it is, and the next one goes on there.
    """

    UNASKED = auto()
    WANTED = auto()
    READING = auto()
    REPLACING = auto()
    STOPPED = auto()
    WHOLE = auto()


@dataclass(eq=False)
class BatchReading:
    """A batch, and how far it has been read. `devices` were kept, `unreadable` could not be.

    problem: what stopped it, until it is gone on with; begun: when its first page was read; restarted: it was begun
    again since the service no longer took a continuation token; generation: changes with its devices. Who reads it
    holds `lock`. key: by which the batch's id is compared. held: its next page, which has come and of which
    `held_kept` devices are kept: the time of a call may end before all are.
    """

    batch: DeviceBatch
    number: int
    state: State = State.UNASKED
    problem: Problem | None = None
    next_token: NextToken | None = None
    pages: int = 0
    devices: int = 0
    unreadable: int = 0
    begun: datetime | None = None
    restarted: bool = False
    generation: int = field(default_factory=new_generation)
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    key: str = field(init=False)
    held: Page[Device] | None = None
    held_kept: int = 0
    _before: Sequence[Device] = ()
    _ids_before: frozenset[str | None] = frozenset()

    def __post_init__(self) -> None:
        self.key = match_key(self.batch.id)

    @property
    def complete(self) -> bool:
        return self.state is State.WHOLE

    @property
    def is_empty(self) -> bool:
        """Whether it was read to its end, and holds nothing."""
        return self.complete and not self.devices and not self.unreadable

    @property
    def under_way(self) -> bool:
        """Whether a question set out to read it, and it is neither at its end nor stopped by a problem."""
        return self.state in {State.WANTED, State.READING, State.REPLACING}

    @property
    def is_replaced(self) -> bool:
        """Whether its next page takes the place of all that was read."""
        return self.state is State.REPLACING

    def set_out(self) -> None:
        """A question wants it, though its time may end before the first page."""
        if self.state is State.UNASKED:
            self.state = State.WANTED

    def begin(self) -> NextToken | None:
        """It is read on from here: the token of the next page, None for the first one."""
        # The token that came twice would give a page that is kept already.
        if self.state is not State.REPLACING:
            led_nowhere = self.problem is not None and self.problem.is_a(BrokenPaging)
            self.state = State.REPLACING if led_nowhere else State.READING
        self.problem = None
        return None if self.is_replaced else self.next_token

    def begin_again(self) -> None:
        """It is read from the first page; until that is there, what was read is better than nothing."""
        self.state = State.REPLACING

    def new_of(self, page: Page[Device]) -> Sequence[Device]:
        """The devices of the next page, but for those that the page before it had: a service whose list grows while
        it is read gives the end of one page again as the beginning of the next."""
        # One call for very many devices would keep other threads from running.
        if not any(device.id in self._ids_before for device in page.items):
            return page.items
        before = set(map(_identity, self._before))
        return [device for device in page.items if not device.id or _identity(device) not in before]

    def hold(self, page: Page[Device], kept: int = 0) -> None:
        """So many more devices of its next page are kept; others of it may not be yet."""
        self.begun = self.begun or datetime.now(UTC)
        self.devices += kept
        self.held, self.held_kept = page, self.held_kept + kept
        self.generation = new_generation()

    def took(self, page: Page[Device]) -> None:
        """All devices of a page are kept, and counted."""
        self.pages += 1
        self._before = page.items[-MOST_OVERLAP:] if page.next_token else ()
        self._ids_before = frozenset(filter(None, map(_id_of, self._before)))
        self.unreadable += page.unreadable
        self.next_token = page.next_token
        self.held, self.held_kept = None, 0
        if page.next_token is None:
            self.state = State.WHOLE

    def forget(self) -> None:
        """Nothing of it is kept any more; its first page comes next."""
        self.pages = self.devices = self.unreadable = 0
        self.next_token = self.begun = self.held = None
        self.held_kept = 0
        self._before, self._ids_before = (), frozenset()
        self.restarted = True
        self.generation = new_generation()
        self.state = State.READING

    def stop(self, problem: Problem) -> None:
        """It cannot be read on."""
        self.problem = problem
        self.state = State.STOPPED


_id_of = attrgetter("id")


def _identity(device: Device) -> tuple[str | None, ...]:
    """What tells a device that has an id from another one of its batch."""
    return device.id, device.serial_number, device.product_key


def is_token_refused(problem: Problem, *, at_once: bool) -> bool:
    """Whether a list that was read on from a token may be read if it is begun without it: how long one lives is not
    documented. at_once: no page came."""
    return problem.is_a(BrokenPaging) or (at_once and problem.is_a(RequestRefused, NotFound, Forbidden))
