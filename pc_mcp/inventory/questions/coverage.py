"""How much of what was asked about has been read, and what is missing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pc_mcp.inventory.questions.completeness import NextStep, Problem, next_step, problem_of
from pc_mcp.inventory.reading.inventory import Progress
from pc_mcp.inventory.reading.snapshot import BatchReading, Snapshot
from pc_mcp.partner_center import PartnerCenterError
from pc_mcp.partner_center.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much has been read; `as_of` is when the oldest part of it was.

    next_step: what to do about what is missing (None: nothing is); pages_read: pages of devices;
    devices_expected: the sum of the batches' `devicesCount`; unreadable_*: items that are in no count;
    restarted: batches that were begun again because the service no longer took a continuation token;
    unlisted: the customer's list lacks the batch; policy_problem: why policies that devices name by id are
    not known by name.
    """

    as_of: datetime
    next_step: NextStep | None
    batches_read: int
    batches_total: int
    pages_read: int
    devices_read: int
    devices_expected: int
    problems: tuple[Problem, ...]
    unreadable_batches: int
    unreadable_devices: int
    restarted: tuple[str, ...]
    unlisted: bool
    policy_problem: Problem | None

    @property
    def complete(self) -> bool:
        return self.next_step is None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A batch that was read to its end and holds another number of devices than it is said to."""

    batch: str
    expected: int
    read: int


def progress_of(readings: Sequence[BatchReading]) -> Progress:
    """How far these batches are read."""
    return Progress(
        devices_read=sum(reading.devices for reading in readings),
        devices_expected=sum(reading.batch.devices or 0 for reading in readings),
        batches_read=sum(reading.complete for reading in readings),
        batches_total=len(readings),
    )


def coverage_of(snapshot: Snapshot, batch: BatchReading | None, *, by_policy_name: bool = False) -> Coverage:
    """How much of one batch, or of all that the customer's list names, has been read.

    by_policy_name: only devices with a certain policy are asked for.
    """
    readings = snapshot.in_scope(snapshot.scope(batch))
    progress = progress_of(readings)
    list_problem = snapshot.list_problem if batch is None else None
    unreadable_batches = snapshot.unreadable_batches if batch is None else 0
    unreadable_devices = sum(reading.unreadable for reading in readings)
    problems = _problems(readings)
    if list_problem:
        problems.insert(0, problem_of(list_problem, on_refresh=True))
    policy_problem = None
    if snapshot.policy_problem and snapshot.table.has_policies_by_id:
        policy_problem = problem_of(snapshot.policy_problem, on_refresh=True)
    return Coverage(
        as_of=min([snapshot.read_at, *(reading.begun for reading in readings if reading.begun)]),
        next_step=next_step(
            [*problems, *([policy_problem] if by_policy_name and policy_problem else [])],
            # The devices of a batch whose id cannot be read cannot be asked for.
            unreadable=unreadable_batches + unreadable_devices,
            out_of_time=any(not reading.complete and not reading.problem for reading in readings),
        ),
        batches_read=progress.batches_read,
        batches_total=progress.batches_total,
        pages_read=sum(reading.pages for reading in readings),
        devices_read=progress.devices_read,
        devices_expected=progress.devices_expected,
        problems=tuple(problems),
        unreadable_batches=unreadable_batches,
        unreadable_devices=unreadable_devices,
        restarted=tuple(reading.batch.id for reading in readings if reading.restarted),
        unlisted=batch is not None and batch.number >= snapshot.listed,
        policy_problem=policy_problem,
    )


def disagreements_of(readings: Iterable[BatchReading]) -> list[Disagreement]:
    """The batches whose `devicesCount` is not what was read of them, to their end."""
    return [
        Disagreement(reading.batch.id, reading.batch.devices, reading.devices + reading.unreadable)
        for reading in readings
        if reading.complete
        and reading.batch.devices is not None
        and reading.batch.devices != reading.devices + reading.unreadable
    ]


def failure_of(snapshot: Snapshot, readings: Sequence[BatchReading]) -> PartnerCenterError | None:
    """What kept every one of these batches from being read at all, where something did."""
    problems = [reading.problem for reading in readings if reading.problem and not reading.pages]
    if not problems or len(problems) < len(readings):
        return None
    error = problems[0]
    if not isinstance(error, Forbidden) or not _some_were_read(snapshot.readings):
        return error
    words = _these_only(len(readings))
    return type(error)(words, status=error.status, code=error.code, correlation_id=error.correlation_id)


def _some_were_read(readings: Iterable[BatchReading]) -> bool:
    return any(reading.pages and not reading.problem for reading in readings)


def _these_only(batches: int) -> str:
    """What is forbidden of some batches, while others of the customer are read, is no right that the user lacks."""
    these = "this batch" if batches == 1 else "these batches"
    return f"It is {these} only: others of this customer were read."


def _problems(readings: Sequence[BatchReading]) -> list[Problem]:
    """One problem for each reason, with all the batches that it stopped."""
    errors: dict[str, PartnerCenterError] = {}
    batches: defaultdict[str, list[str]] = defaultdict(list)
    for reading in readings:
        if reading.problem:
            errors[reading.problem.reason] = reading.problem
            batches[reading.problem.reason].append(reading.batch.id)
    problems = [problem_of(error, batches[reason]) for reason, error in errors.items()]
    if not _some_were_read(readings):
        return problems
    return [
        replace(each, reason=f"{each.reason} {_these_only(len(each.batches))}")
        if isinstance(errors[each.reason], Forbidden)
        else each
        for each in problems
    ]
