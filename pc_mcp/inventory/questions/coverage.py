"""How much of what was asked about has been read, and what is missing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.questions.completeness import Missing, NextStep, missing, next_step
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.part import Part
from pc_mcp.inventory.reading.walk import progress_of
from pc_mcp.partner_center.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much has been read; `as_of` is when the oldest part of it was.

    next_step: what to do about what is missing (None: nothing is); pages_read: pages of devices;
    devices_expected: the sum of the batches' `devicesCount`; devices_unread: what is missing of it, batch by batch;
    unreadable_*: items that are in no count;
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
    devices_unread: int
    problems: tuple[Missing, ...]
    unreadable_batches: int
    unreadable_devices: int
    restarted: tuple[str, ...]
    unlisted: bool
    policy_problem: Missing | None

    @property
    def complete(self) -> bool:
        return self.next_step is None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A batch that was read to its end and holds another number of devices than it is said to."""

    batch: str
    expected: int
    read: int


def coverage_of(part: Part, *, by_policy_name: bool = False) -> Coverage:
    """How much of one batch, or of all that the customer's list names, has been read.

    by_policy_name: only devices with a certain policy are asked for.
    """
    snapshot, readings = part.snapshot, part.readings
    progress = progress_of(readings)
    list_problem = snapshot.list_problem if part.reading is None else None
    unreadable_batches = snapshot.unreadable_batches if part.reading is None else 0
    unreadable_devices = sum(reading.unreadable for reading in readings)
    problems = _problems(readings)
    if list_problem:
        problems.insert(0, missing(list_problem, on_refresh=True))
    policy_problem = None
    if snapshot.policy_problem and snapshot.store.has_policies_by_id:
        policy_problem = missing(snapshot.policy_problem, on_refresh=True)
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
        devices_unread=sum(map(_unread, readings)),
        problems=tuple(problems),
        unreadable_batches=unreadable_batches,
        unreadable_devices=unreadable_devices,
        restarted=tuple(reading.batch.id for reading in readings if reading.restarted),
        unlisted=part.is_unlisted,
        policy_problem=policy_problem,
    )


def _unread(reading: BatchReading) -> int:
    """How many devices a batch that was not read to its end has yet, by its `devicesCount`."""
    return 0 if reading.complete else max(0, (reading.batch.devices or 0) - reading.devices - reading.unreadable)


def disagreements_of(readings: Iterable[BatchReading]) -> list[Disagreement]:
    """The batches whose `devicesCount` is not what was read of them, to their end."""
    return [
        Disagreement(reading.batch.id, reading.batch.devices, reading.devices + reading.unreadable)
        for reading in readings
        if reading.complete
        and reading.batch.devices is not None
        and reading.batch.devices != reading.devices + reading.unreadable
    ]


def failure_of(part: Part) -> Problem | None:
    """What kept every one of its batches from being read at all, where something did."""
    problems = [reading.problem for reading in part.readings if reading.problem and not reading.pages]
    if not problems or len(problems) < len(part.readings):
        return None
    return _of_these_only(problems[0], len(problems), among=part.snapshot.readings)


def _problems(readings: Sequence[BatchReading]) -> list[Missing]:
    """One for each reason, with all the batches that it stopped."""
    problems: dict[str, Problem] = {}
    batches: defaultdict[str, list[str]] = defaultdict(list)
    for reading in readings:
        if reading.problem:
            reason = reading.problem.reason
            problems[reason] = reading.problem
            batches[reason].append(reading.batch.id)
    return [
        missing(_of_these_only(problem, len(batches[reason]), among=readings), batches[reason])
        for reason, problem in problems.items()
    ]


def _of_these_only(problem: Problem, batches: int, *, among: Iterable[BatchReading]) -> Problem:
    """What is forbidden of some batches, while others of the customer are read, is no right that the user lacks."""
    if not problem.is_a(Forbidden) or not any(each.pages and not each.problem for each in among):
        return problem
    these = "this batch" if batches == 1 else "these batches"
    return problem.adding(f"It is {these} only: others of this customer were read.")
