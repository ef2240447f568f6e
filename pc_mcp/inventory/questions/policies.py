"""The question which configuration policies a customer has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import anyio

from pc_mcp.inventory.errors import TimeIsUp
from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.questions.completeness import Missing, NextStep, missing, next_step
from pc_mcp.inventory.questions.coverage import coverage_of
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.reading.part import Part
from pc_mcp.inventory.store import DeviceFilter
from pc_mcp.partner_center import PartnerCenterError
from pc_mcp.partner_center.models import ConfigurationPolicy, Customer
from pc_mcp.runtime.text import match_key

_COUNT_SECONDS = 1.0
"""Longest that the counts, which are more than was asked for, may take."""


@dataclass(frozen=True, slots=True)
class Counted:
    """devices: of each policy, by the `match_key` of its name."""

    devices: Mapping[str, int]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class PolicyList:
    """The policies, as far as they could be read, in the order of the service.

    counted: how many devices have each policy, by its name, and as of when: where all devices are known already.
    """

    customer: Customer
    as_of: datetime
    next_step: NextStep | None
    problem: Missing | None
    unreadable: int
    policies: Sequence[ConfigurationPolicy]
    counted: Counted | None


async def list_policies(call: Call, customer: Customer) -> PolicyList:
    """Read anew each time: it is one request. Raises when not even a first page can be read."""
    policies: list[ConfigurationPolicy] = []
    unreadable = 0
    problem: Missing | None = None
    try:
        with call.in_time():
            async for page in call.partner_center.configuration_policies(customer.id):
                policies += page.items
                unreadable += page.unreadable
    except PartnerCenterError as raised:
        if not policies:
            raise
        problem = missing(Problem.of(raised))
    step = next_step([problem] if problem else [], unreadable=unreadable)
    counted = await _counted(call, customer, policies)
    return PolicyList(customer, datetime.now(UTC), step, problem, unreadable, policies, counted)


async def _counted(call: Call, customer: Customer, policies: Sequence[ConfigurationPolicy]) -> Counted | None:
    """The devices of each policy whose name tells it from the others, if what was read before holds all devices."""
    snapshot = call.inventory.kept_snapshot(call, customer.id)
    if snapshot is None or snapshot.policy_problem:
        return None
    with snapshot.in_use():
        part = Part(snapshot, None)
        coverage = coverage_of(part)
        if not coverage.complete:
            return None
        count = partial(snapshot.store.tally, part.scope, DeviceFilter(), [("policy",)])
        try:
            tally = await snapshot.in_time(min(call.answer_by, anyio.current_time() + _COUNT_SECONDS), count)
        except TimeIsUp:
            return None
    devices = {match_key(str(name)): number for (name,), number in tally.groups(("policy",)) if name is not None}
    names = Counter(match_key(policy.name) for policy in policies if policy.name)
    # A device with several policies has all of their names.
    told = [name for name in names if names[name] == 1 and not any(name in each and name != each for each in devices)]
    return Counted({name: devices.get(name, 0) for name in told}, coverage.as_of)
