"""The questions that are asked of a snapshot, never the same one twice in a row."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mcp import Client
from mcp_types import CallToolResult, TextContent

from bench.world import BenchCustomer
from pc_mcp.sandbox import catalog
from pc_mcp.sandbox.seeded import letters_and_digits

GROUPS = ["model", "policy", "uploaded_month"]


@dataclass(frozen=True)
class Question:
    """A tool call; `kind` is what is filtered by."""

    kind: str
    tool: str
    arguments: Mapping[str, Any]


def followups(customer: BenchCustomer) -> Iterator[Question]:
    """Four kinds of filter with three groupings and 20 rows, and 200 identifiers, in turn, for ever."""
    rng = random.Random(customer.id)
    serials = [item["serialNumber"] for item in _some_devices(customer) if item.get("serialNumber")]
    while True:
        for kind, value in (
            ("model", rng.choice(catalog.MODELS).name.split()[0]),
            ("policy", "none"),
            ("serial_number", letters_and_digits(rng, 2)),
            ("uploaded_after", (date(2021, 1, 1) + timedelta(days=rng.randrange(1500))).isoformat()),
        ):
            arguments = {"customer": customer.id, kind: value, "group_by": GROUPS, "limit": 20}
            yield Question(kind, "list_devices", arguments)
        known = rng.sample(serials, min(100, len(serials)))
        unknown = [f"ZZ{letters_and_digits(rng, 8)}" for _ in range(200 - len(known))]
        yield Question("200 identifiers", "find_devices", {"customer": customer.id, "identifiers": known + unknown})


KINDS = ("model", "policy", "serial_number", "uploaded_after", "200 identifiers")


async def warm(client: Client, customer: BenchCustomer) -> None:
    """Reads all of the customer's devices."""
    await ask(client, Question("all", "list_devices", {"customer": customer.id, "limit": 0}))


async def ask(client: Client, question: Question) -> CallToolResult:
    """The complete answer. Raises `RuntimeError` for any other one."""
    result = await client.call_tool(question.tool, dict(question.arguments))
    if result.is_error or not (result.structured_content or {}).get("complete"):
        raise RuntimeError(f"{question.kind}: {text_of(result)[:500]}")
    return result


def text_of(result: CallToolResult) -> str:
    """The text of an answer."""
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def _some_devices(customer: BenchCustomer) -> list[dict[str, Any]]:
    """Devices of the first page of up to 40 batches."""
    return [item for batch in customer.batches[:40] for item in json.loads(next(customer.device_pages(batch)))["items"]]
