"""Completions of prompt and resource arguments: customers by the typed start, and their batches.

A completion is a convenience while somebody types: it asks nobody to sign in, gives up early, and
where anything fails the list is empty.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import anyio
from mcp_types import Completion

from pc_mcp.answers import cleaned
from pc_mcp.auth import quietly
from pc_mcp.inventory import EXPECTED_ERRORS, Call, named_customer
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.text import match_key
from pc_mcp.tools import App

logger = logging.getLogger(__name__)

CUSTOMER, BATCH = "customer", "batch"
MAX_VALUES = 100
"""The protocol permits no more."""
SECONDS = 3.0
_MAX_TYPED = 1024


async def complete(app: App, argument: str, typed: str, known: Mapping[str, str]) -> Completion:
    """What `typed` may become. `known`: the values of the arguments that were given before.

    Arguments are known by their names: `customer`, those that end in `_customer`, and `batch`,
    whose customer is the value of `customer`.
    """
    values: Sequence[str] = ()
    try:
        with quietly(), anyio.move_on_after(min(SECONDS, app.time_budget_seconds)):
            values = await _values(app, argument, typed[:_MAX_TYPED], known)
    except EXPECTED_ERRORS as error:
        logger.debug("no completions: %s", type(error).__name__)
    except Exception:
        logger.exception("completions failed because of a fault in pc-mcp")
    return Completion(values=list(values[:MAX_VALUES]), total=len(values), has_more=len(values) > MAX_VALUES)


async def _values(app: App, argument: str, typed: str, known: Mapping[str, str]) -> Sequence[str]:
    call = await app.call(str(uuid.uuid4()), _no_progress)
    if argument == CUSTOMER or argument.endswith(f"_{CUSTOMER}"):
        return customers_beginning((await call.inventory.directory(call)).customers, typed)
    if argument == BATCH and known.get(CUSTOMER):
        return await _batches_beginning(call, known[CUSTOMER], typed)
    return ()


def customers_beginning(customers: Sequence[Customer], typed: str) -> list[str]:
    """The names of the customers whose name begins so, and the domains of those whose domain does.

    A name that several customers have, or that is too long to be shown whole, would not say which
    one is meant: then it is the domain, or the id.
    """
    start = match_key(typed)
    named = Counter(match_key(customer.name) for customer in customers if customer.name)
    values = []
    for customer in customers:
        name = customer.name if customer.name and match_key(customer.name).startswith(start) else None
        domain = customer.domain if customer.domain and match_key(customer.domain).startswith(start) else None
        if name and named[match_key(name)] == 1 and match_key(cleaned(name)) == match_key(name):
            values.append(cleaned(name))
        elif name or domain:
            values.append(cleaned(customer.domain or customer.id))
    return sorted(dict.fromkeys(values), key=match_key)


async def _batches_beginning(call: Call, customer: str, typed: str) -> list[str]:
    snapshot = await call.inventory.snapshot(call, await named_customer(call, customer))
    start = match_key(typed)
    ids = (reading.batch.id for reading in snapshot.readings[: snapshot.listed])
    return list(dict.fromkeys(cleaned(batch) for batch in ids if match_key(batch).startswith(start)))


async def _no_progress(progress: float, total: float | None, message: str | None) -> None:
    """Nobody waits for it."""
