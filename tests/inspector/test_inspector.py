"""The official MCP Inspector lists and calls the tools, over both transports and in both eras."""

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from pc_mcp.sandbox import World, running
from pc_mcp.tools import all_tools
from tests.commands.http_server import WITH_SECRET
from tests.commands.processes import AT_ONCE, COMMAND, environment, reading, started, url_of
from tests.inspector.inspector import Inspected, Inspector

pytestmark = pytest.mark.slow

SAMPLE = "Documentation Sample"
CALLS = {tool.name: tool.example for tool in all_tools(exports=True)}
CALLS |= {"list_devices": {"customer": SAMPLE, "group_by": ["model"], "serial_number": "1234567890"}}
WAYS = [(transport, era) for transport in ("stdio", "http") for era in ("legacy", "modern")]
# Over HTTP every tool in both eras; a call over stdio starts a server of its own, so there the two that read most.
CALLED = [
    (*way, tool) for way in WAYS for tool in CALLS if way[0] == "http" or tool in {"find_customers", "list_devices"}
]
# Each transport and each era once: an error answer need not be asked for in all four ways.
DIAGONAL = [("stdio", "legacy"), ("http", "modern")]
NUMBER = ["--tool-arg", f"customer={SAMPLE}", "--tool-arg", "serial_number=1234567890"]
LIST = ["--method", "tools/list", "--strict"]

Runs = dict[tuple[str, str, str], "Future[Inspected]"]


@pytest.fixture(scope="session")
def inspector(tmp_path_factory) -> Inspector:
    return Inspector(tmp_path_factory.mktemp("inspector-home"))


@pytest.fixture(scope="module")
def runs(inspector: Inspector, world: World, tmp_path_factory) -> Iterator[Runs]:
    """Every run, by transport, era and what is run; several at a time, since each starts Node.js."""
    home = tmp_path_factory.mktemp("server-home")
    with running(world) as sandbox, ThreadPoolExecutor(3) as pool:
        variables = reading(sandbox, PC_MCP_EXPORTS__FOLDER=str(tmp_path_factory.mktemp("exports")))
        with started("serve", "--http", "127.0.0.1:0", env=environment(home, **variables, **WITH_SECRET)) as server:
            targets = {"stdio": [*COMMAND, "serve"], "http": [url_of(server)]}
            found: Runs = {}
            for transport, era in WAYS:
                way = {"era": era, "target": targets[transport], "server_env": variables}
                start = partial(pool.submit, inspector.run, **way)
                if transport == "http":
                    found[transport, era, "initialize"] = start("--method", "initialize")
                found[transport, era, "tools/list"] = start(*LIST)
                for tool in [tool for *called, tool in CALLED if called == [transport, era]]:
                    found[transport, era, tool] = pool.submit(inspector.call, tool, CALLS[tool], **way)
                if (transport, era) in DIAGONAL:
                    nobody = {"customer": "nobody at all"}
                    found[transport, era, "error"] = pool.submit(inspector.call, "list_devices", nobody, **way)
            number = ["--method", "tools/call", "--tool-name", "list_devices", *NUMBER]
            way = {"era": "modern", "target": targets["http"], "server_env": {}}
            found["http", "modern", "number"] = pool.submit(inspector.run, *number, **way)
            found["http", "modern", "unknown"] = pool.submit(inspector.call, "list_device", {}, **way)
            yield found
            server.send_signal(signal.SIGTERM)
            assert server.wait(AT_ONCE) == 0


@pytest.fixture(params=WAYS, ids="-".join)
def way(request) -> tuple[str, str]:
    return request.param


@pytest.mark.parametrize(("era", "version"), [("legacy", "2025-11-25"), ("modern", "2026-07-28")])
def test_it_speaks_the_era_that_is_asked_for(runs, era, version):
    ended = runs["http", era, "initialize"].result()
    assert ended.code == 0, ended.stderr
    assert ended.json["result"]["protocolVersion"] == version


def test_the_list_of_tools_is_clean_in_strict_mode(runs, way):
    ended = runs[*way, "tools/list"].result()
    assert ended.code == 0, ended.stderr
    # What may be null is of two types: a choice of two schemas in its place makes a connector with a view unusable
    # in Claude, so this one warning is of our choice. Input schemas have none.
    found = [finding for tool in ended.json.get("schemaFindings", ()) for finding in tool["findings"]]
    assert {(each["rule"], each["severity"], each["schema"]) for each in found} <= {
        ("type-union", "warning", "outputSchema")
    }
    assert [tool["name"] for tool in ended.json["result"]["tools"]] == [tool.name for tool in all_tools(exports=True)]


@pytest.mark.parametrize("call", CALLED, ids="-".join)
def test_a_tool_answers_what_fits_its_schema(runs, call):
    ended = runs[call].result()
    assert ended.code == 0, ended.stderr
    result = ended.json["result"]
    assert not result.get("isError")
    assert result["content"][0]["text"].partition("\n")[0] == result["structuredContent"]["summary"]


@pytest.mark.parametrize("way", DIAGONAL, ids="-".join)
def test_an_error_answer_ends_it_with_5_and_brings_the_words(runs, way):
    ended = runs[*way, "error"].result()
    # An unknown tool ends it with 5 as well.
    assert (ended.code, ended.error["code"]) == (5, "tool_is_error")
    assert ended.json["result"]["isError"] is True
    assert "No customer matches" in ended.json["result"]["content"][0]["text"]


def test_an_unknown_tool_is_no_error_answer(runs):
    ended = runs["http", "modern", "unknown"].result()
    assert (ended.code, ended.error["code"]) == (5, "tool_not_found")


def test_a_serial_number_that_is_sent_as_a_number_is_taken_for_its_digits(runs):
    ended = runs["http", "modern", "number"].result()
    assert ended.code == 0, ended.stderr
    assert 'serial number contains "1234567890"' in ended.json["result"]["content"][0]["text"]
