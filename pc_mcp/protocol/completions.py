"""Completions of prompt and resource arguments: customers by the typed start, and their batches.

A completion is a convenience while somebody types: it asks nobody to sign in, gives up early, and
where anything fails the list is empty.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import anyio
from mcp_types import Completion

from pc_mcp.answers import cleaned
from pc_mcp.auth import quietly
from pc_mcp.inventory import EXPECTED_ERRORS, Call, CustomerEntry, named_customer
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
        entries = (await call.inventory.directory(call)).now().entries
        return await call.off_the_loop(partial(customers_beginning, entries, typed))
    if argument == BATCH and known.get(CUSTOMER):
        return await _batches_beginning(call, known[CUSTOMER], typed)
    return ()


def customers_beginning(entries: Sequence[CustomerEntry], typed: str) -> list[str]:
    """The names of the customers whose name begins so, and the domains of those whose domain does.

    A name that several customers have, or that is too long to be shown whole, would not say which
    one is meant: then it is the domain, or the id.
    """
    start = match_key(typed)
    named = Counter(entry.name for entry in entries)
    values = []
    for entry in entries:
        customer, by_name = entry.customer, (entry.name or "").startswith(start)
        name = cleaned(customer.name) if customer.name and by_name and named[entry.name] == 1 else None
        if name and match_key(name) == entry.name:
            values.append(name)
        elif (customer.name and by_name) or (entry.domain and entry.domain.startswith(start)):
            values.append(cleaned(customer.domain or customer.id))
    return sorted(dict.fromkeys(values), key=match_key)


async def _batches_beginning(call: Call, customer: str, typed: str) -> list[str]:
    snapshot = await call.inventory.snapshot(call, await named_customer(call, customer))
    start, listed = match_key(typed), snapshot.readings[: snapshot.listed]
    return await call.off_the_loop(
        lambda: list(dict.fromkeys(cleaned(each.batch.id) for each in listed if each.key.startswith(start)))
    )


async def _no_progress(progress: float, total: float | None, message: str | None) -> None:
    """Nobody waits for it."""
