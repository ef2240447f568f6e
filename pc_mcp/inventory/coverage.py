"""How much of what was asked about has been read, and what is missing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pc_mcp.inventory.library import Progress
from pc_mcp.inventory.snapshot import BatchReading, Snapshot
from pc_mcp.partner_center import PartnerCenterError


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is missing: the reason in sentences, and which batches (none: the list itself)."""

    reason: str
    correlation_id: str | None
    batches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much has been read; `as_of` is when the oldest part of it was.

    pages_read: pages of devices; devices_expected: the sum of the batches' `devicesCount`;
    unreadable_*: items that were no objects and are not counted as devices; restarted: batches that
    were begun again because the service no longer took a continuation token; unlisted: the
    customer's list lacks the batch; policy_problem: why policies that devices name by id are not known by name.
    """

    as_of: datetime
    complete: bool
    batches_read: int
    batches_total: int
    pages_read: int
    devices_read: int
    devices_expected: int
    out_of_time: bool
    problems: tuple[Problem, ...]
    unreadable_batches: int
    unreadable_devices: int
    restarted: tuple[str, ...]
    unlisted: bool
    policy_problem: Problem | None


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
    policy_problem = snapshot.policy_problem if snapshot.table.has_policies_by_id else None
    problems = _problems(readings)
    if list_problem:
        problems.insert(0, problem_of(list_problem))
    return Coverage(
        as_of=min([snapshot.read_at, *(reading.begun for reading in readings if reading.begun)]),
        # The devices of a batch whose id cannot be read cannot be asked for.
        complete=all(reading.complete for reading in readings)
        and not (list_problem or unreadable_batches or (by_policy_name and policy_problem)),
        batches_read=progress.batches_read,
        batches_total=progress.batches_total,
        pages_read=sum(reading.pages for reading in readings),
        devices_read=progress.devices_read,
        devices_expected=progress.devices_expected,
        out_of_time=any(not reading.complete and not reading.problem for reading in readings),
        problems=tuple(problems),
        unreadable_batches=unreadable_batches,
        unreadable_devices=sum(reading.unreadable for reading in readings),
        restarted=tuple(reading.batch.id for reading in readings if reading.restarted),
        unlisted=batch is not None and batch.number >= snapshot.listed,
        policy_problem=problem_of(policy_problem) if policy_problem else None,
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


def problem_of(error: PartnerCenterError, batches: Iterable[str] = ()) -> Problem:
    """What an error means for an answer."""
    return Problem(error.reason, error.correlation_id, tuple(batches))


def _problems(readings: Iterable[BatchReading]) -> list[Problem]:
    """One problem for each reason, with all the batches that it stopped."""
    errors: dict[str, PartnerCenterError] = {}
    batches: defaultdict[str, list[str]] = defaultdict(list)
    for reading in readings:
        if reading.problem:
            errors[reading.problem.reason] = reading.problem
            batches[reading.problem.reason].append(reading.batch.id)
    return [problem_of(error, batches[reason]) for reason, error in errors.items()]
