"""Whatever arguments a tool is called with, it answers within its limits or says what is wrong."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import running
from pc_mcp.sandbox.hostile import TEXTS
from pc_mcp.tools import all_tools
from tests.answers.reading import check_cleaned, hidden, size
from tests.conftest import settings_for

# Many inputs to lines that other tests cover too; to be measured would double what these take.
pytestmark = pytest.mark.no_cover

CUSTOMERS = ["Contoso Ltd", "Proseware Inc", "documentation", "Lucerne Publishing", "Tailspin Toys"]
DATES = ["2020-01-01", "0001-01-01", "9999-12-31", "2021-03-04T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
PARTS = [
    "a",
    "1",
    "Surface",
    "none",
    "NONE ",
    "(none)",
    "Test batch",
    "testbatch",
    "%",
    "_",
    "'",
    '"',
    "\u0130",
]
parts = st.sampled_from(PARTS) | st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40)
texts = st.one_of(st.text(st.characters(), max_size=40), st.sampled_from([*TEXTS, *CUSTOMERS, *DATES, "x" * 10_000]))
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema of one argument allows, mostly."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "boolean":
            return st.booleans()
        case "array":
            items = st.lists(fitting(schema["items"]), min_size=schema.get("minItems", 0), max_size=8)
            return items | items.map(json.dumps)
    return parts


def arguments_of(schema: dict[str, Any], tracking_ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that fit, and such in which some do not or are unknown."""
    values = {name: fitting(argument) for name, argument in schema["properties"].items() if name != "cursor"}
    known = {"customer": CUSTOMERS, "batch_tracking_id": tracking_ids}
    known |= dict.fromkeys(("created_after", "uploaded_after"), DATES[:3])
    known |= dict.fromkeys(("created_before", "uploaded_before"), DATES[2:])
    values |= {name: st.sampled_from(known[name]) for name in values if name in known}
    needed = {name: values.pop(name) for name in ("customer", *schema.get("required", [])) if name in values}
    fit = st.fixed_dictionaries(needed, optional=values)
    names = st.sampled_from([*schema["properties"], "customer"]) | st.text(max_size=150) | st.sampled_from(TEXTS)
    odd = st.dictionaries(names, garbage | texts, min_size=1, max_size=2)
    return fit | fit | st.builds(lambda a, b: a | b, fit, odd)


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module", params=["legacy", "auto"])
def client(request, world, portal) -> Iterator[Client]:
    with running(world) as sandbox:
        server = Client(build_server(settings_for(sandbox)), mode=request.param)
        with portal.wrap_async_context_manager(server) as client:
            yield client


@pytest.mark.slow
@pytest.mark.parametrize("tool", [tool.name for tool in all_tools()])
def test_any_arguments_give_a_small_answer_or_words(client, portal, world, tool):
    schema = next(each.parameters for each in all_tools() if each.name == tool)
    tracking_ids = [u["batchTrackingId"] for u in world.uploads(world.customer_id("Contoso Ltd"))]

    @settings(
        max_examples=80,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(arguments=arguments_of(schema, tracking_ids))
    def check(arguments):
        result = portal.call(client.call_tool, tool, arguments)
        content, *_ = result.content
        for unwanted in ("Traceback", "pydantic", "fault in pc-mcp", "Error executing"):
            assert unwanted not in content.text
        if result.is_error:
            assert 20 <= len(content.text) <= 4000
            assert hidden(content.text) == []
            assert result.structured_content is None
        else:
            assert len(content.text) <= 8000
            assert size(result.structured_content) <= 8000
            check_cleaned(content.text, result.structured_content)

    check()
