"""The taking of a customer's list: its batches and the names of its policies are read, no device yet."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio

from pc_mcp.auth import AccountChanged
from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import new_store, policy_key
from pc_mcp.partner_center import PartnerCenter, PartnerCenterError, seconds_left
from pc_mcp.partner_center.errors import MalformedResponse, Unreachable
from pc_mcp.partner_center.models import ConfigurationPolicy, Customer, DeviceBatch
from pc_mcp.runtime.tasks import tasks_ended_by
from pc_mcp.runtime.text import visible_or_none
from pc_mcp.runtime.threads import in_steps

POLICIES_SECONDS = 10.0
"""Longest that the names of policies may take of a call's time, and half of what is left of it at most."""


async def take(
    customer: Customer, partner_center: PartnerCenter, *, reveal_product_keys: bool, max_bytes: int
) -> Snapshot:
    """A new snapshot: the list of batches and the names of policies are read, no device yet.

    Raises a `PartnerCenterError` when the list cannot be read at all.
    """
    policies = _Policies()
    batches: list[DeviceBatch] = []
    unreadable = 0
    problem: Problem | None = None
    async with tasks_ended_by(AccountChanged) as tasks:
        tasks.start_soon(policies.read, customer, partner_center)
        try:
            async for page in partner_center.device_batches(customer.id):
                batches += page.items
                unreadable += page.unreadable
        except PartnerCenterError as error:
            problem = Problem.of(error)
            if not batches:
                tasks.cancel_scope.cancel()
    if problem and not batches:
        raise problem.raised()
    by_id = {batch.id: batch for batch in reversed(batches)}  # the first of several
    once = [batch for batch in batches if by_id[batch.id] is batch]
    readings = await in_steps(lambda place: BatchReading(once[place], place), range(len(once)))
    return Snapshot(
        customer=customer,
        store=new_store(policies.names, reveal_product_keys=reveal_product_keys),
        readings=readings,
        listed=len(readings),
        unreadable_batches=unreadable,
        list_problem=problem,
        policy_problem=policies.problem,
        read_at=datetime.now(UTC),
        max_bytes=max_bytes,
    )


@dataclass
class _Policies:
    """The names of a customer's policies by `policy_key`, and why some may be missing.

    A device may name its policy by id or by name.
    """

    names: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    async def read(self, customer: Customer, partner_center: PartnerCenter) -> None:
        """Reads them all. A failure here fails no question that has nothing to do with policies."""
        try:
            with anyio.fail_after(min(POLICIES_SECONDS, seconds_left() / 2)):
                async for page in partner_center.configuration_policies(customer.id):
                    if page.unreadable:
                        self.problem = Problem.of(MalformedResponse("Some of the policies are unreadable."))
                    self.names |= filter(None, await in_steps(_named, page.items))
        except PartnerCenterError as error:
            self.problem = Problem.of(error)
        except TimeoutError:
            self.problem = Problem.of(Unreachable("It did not answer in time."))


def _named(policy: ConfigurationPolicy) -> tuple[str, str] | None:
    """The `policy_key` of its id, and its name, where it has both."""
    name = visible_or_none(policy.name)
    return (policy_key(policy.id), name) if policy.id and name else None
