"""The question which configuration policies a customer has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.questions.completeness import Missing, NextStep, missing, next_step
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.partner_center import PartnerCenterError
from pc_mcp.partner_center.models import ConfigurationPolicy, Customer


@dataclass(frozen=True, slots=True)
class PolicyList:
    """The policies, as far as they could be read."""

    customer: Customer
    as_of: datetime
    next_step: NextStep | None
    problem: Missing | None
    unreadable: int
    policies: Sequence[ConfigurationPolicy]


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
    return PolicyList(customer, datetime.now(UTC), step, problem, unreadable, policies)
