"""`pc-mcp serve` over standard input and output, as a client starts it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading

import anyio
import pytest
from mcp import Client, StdioServerParameters

from pc_mcp.sandbox import Sandbox
from pc_mcp.tools import all_tools
from tests.commands.processes import (
    AT_ONCE,
    COMMAND,
    INITIALIZE,
    INITIALIZED,
    MODERN,
    SOON,
    Process,
    ask,
    environment,
    greet,
    reading,
    started,
)
from tests.scripted import Noticed

CUSTOMER = "Contoso Ltd"
NO_IDS = ("1.5", "1.0", "null", "true", "[1]", '{"a": 1}', "1e400", "NaN", '1, "id": 1.5')
"""What JSON-RPC calls no id of a request, or what an id becomes that is given twice."""


@pytest.fixture
def env(sandbox, tmp_path):
    return environment(tmp_path, **reading(sandbox))


@pytest.fixture
def measured(sandbox, tmp_path):
    return environment(tmp_path, measured=True, **reading(sandbox))


@pytest.fixture
def walk(sandbox: Sandbox) -> Noticed:
    """Makes every walk hang at its first page of devices."""
    hang = Noticed("/devices", hang=True)
    sandbox.switches.scripted.append(hang)
    return hang


@pytest.fixture(
    params=[
        "idle",
        pytest.param("walking", marks=pytest.mark.slow),
        pytest.param("walking, legacy", marks=pytest.mark.slow),
    ]
)
def server(request, sandbox, tmp_path, walk):
    """A server that a client has greeted, with nothing to do, or in the middle of a walk."""
    mode = "legacy" if "legacy" in request.param else "auto"
    env = environment(tmp_path, measured=request.param == "walking", **reading(sandbox))
    with started("serve", env=env) as process:
        greet(process, mode)
        if "walking" in request.param:
            ask(process, mode, "tools/call", name="list_devices", arguments={"customer": CUSTOMER})
            assert walk.given.wait(SOON)
        yield process


def assert_it_ends_at_once(process: Process) -> None:
    assert process.wait(AT_ONCE) == 0, process.logged()
    assert "Traceback" not in process.logged()
    assert process.logged().splitlines()[-1].endswith("pc_mcp.protocol.stdio: stopped")


@pytest.mark.slow
def test_sigterm_ends_it_at_once(server):
    server.send_signal(signal.SIGTERM)
    assert_it_ends_at_once(server)
    assert "ended by SIGTERM" in server.logged()


@pytest.mark.slow
@pytest.mark.parametrize("server", ["walking"], indirect=True)
def test_ctrl_c_ends_it_at_once(server):
    server.send_signal(signal.SIGINT)
    assert_it_ends_at_once(server)
    assert "ended by SIGINT" in server.logged()


@pytest.mark.slow
@pytest.mark.parametrize("server", ["idle"], indirect=True)
def test_a_closed_standard_input_ends_it_at_once_when_nothing_is_under_way(server):
    server.stdin.close()
    assert_it_ends_at_once(server)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["walking"], indirect=True)
def test_a_call_under_way_gets_some_seconds_when_standard_input_is_closed(server):
    server.stdin.close()
    assert "Connection closed" in server.stdout.read().decode()
    assert server.wait(SOON) == 0


@pytest.mark.slow
@pytest.mark.parametrize("server", ["walking"], indirect=True)
def test_a_signal_does_not_wait_for_what_is_under_way_when_standard_input_is_closed(server):
    server.stdin.close()
    server.send_signal(signal.SIGTERM)
    assert_it_ends_at_once(server)


def test_what_is_piped_in_is_answered_before_the_end(measured):
    """As `printf … | pc-mcp serve` sends it; what cannot be read is answered too, and changes nothing."""
    asked = [
        *({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": INITIALIZE}, INITIALIZED),
        {"jsonrpc": "2.0", "id": "list", "method": "tools/list"},
        *("no JSON", "[" * 100_000, "a" * 5_000_000, "7", []),
        *({"jsonrpc": "2.0", "id": 7, "method": 8}, {"id": "x", "method": "ping"}, {"id": {}, "method": "ping"}),
        *(f'{{"jsonrpc": "2.0", "id": {given}, "method": "tools/list"}}' for given in NO_IDS),
        {"jsonrpc": "2.0", "id": 5, "error": "none of ours, and none at all"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "find_customers", "arguments": {}}},
    ]
    lines = [each if isinstance(each, str) else json.dumps(each) for each in asked]
    with started("serve", env=measured) as process:
        process.stdin.write(("\ufeff" + "\r\n\n".join(lines)).encode())
        process.stdin.close()
        answers = [json.loads(line) for line in process.stdout]
        assert process.wait(SOON) == 0
    refused = [(each["id"], each["error"]["code"]) for each in answers if "error" in each]
    unreadable = [(None, -32700)] * 3
    assert refused == [*unreadable, (None, -32600), (None, -32600), (7, -32600), ("x", -32600)] + [(None, -32600)] * (
        1 + len(NO_IDS)
    )
    assert {each["id"] for each in answers if "result" in each} == {0, "list", 1}
    assert "Traceback" not in process.logged()


@pytest.mark.slow
def test_nobody_has_to_read_standard_error(env):
    command = [*COMMAND, "serve"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=env | {"PC_MCP_LOGGING__LEVEL": "debug"}, **pipes) as process:
        call = {"jsonrpc": "2.0", "method": "tools/call"}
        params = {"name": "find_customers", "arguments": {"limit": 0}, "_meta": MODERN}
        calls = [json.dumps(call | {"id": number, "params": params}) for number in range(600)]
        threading.Thread(target=process.stdin.write, args=("\n".join([*calls, ""]).encode(),), daemon=True).start()
        answered = [json.loads(process.stdout.readline())["id"] for _ in calls]
        assert sorted(answered) == list(range(600))
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.slow
def test_streams_that_were_closed_from_the_start_leave_no_traceback(env, closed):
    for command, status in (("status", 0), ("serve", 1 if ">&-" in closed.replace("2>&-", "") else 0)):
        line = f"exec {shlex.join([*COMMAND, command])} {closed}"
        done = subprocess.run(
            ["sh", "-c", line],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SOON,
            check=False,
        )
        assert done.returncode == status
        assert "Traceback" not in done.stderr + done.stdout
        assert command == "status" or "pc-mcp" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("server", ["idle", "walking"], indirect=True)
def test_a_closed_standard_output_ends_it_at_the_next_answer(server):
    server.stdout.close()
    ask(server, "auto", "tools/list")
    assert_it_ends_at_once(server)


@pytest.mark.parametrize("how", ["signal", "closed"])
@pytest.mark.slow
def test_a_client_that_reads_nothing_cannot_keep_it(sandbox, tmp_path, how):
    env = environment(tmp_path, measured=True, **reading(sandbox))
    with started("serve", env=env) as process:
        greet(process, "legacy")
        # Enough answers to fill any pipe; the last one is never written.
        for _ in range(40):
            ask(process, "legacy", "tools/list")
        if how == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(SOON if how == "closed" else AT_ONCE) == 0


@pytest.mark.slow
async def test_a_client_lists_and_calls_the_tools_in_both_eras(env, sandbox, world, mode):
    parameters = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=env)
    async with Client(parameters, mode=mode) as client:
        assert client.server_info is not None
        assert client.server_info.name == "pc-mcp"
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert len(names) == len(all_tools())
        result = await client.call_tool("find_customers", {})
        assert not result.is_error
        assert result.structured_content["customers_total"] == len(world.customers())
        refused = await client.call_tool("find_customers", {"limit": 0})
        assert refused.is_error
    assert sandbox.requests[0].headers["authorization"] == f"Bearer {sandbox.token}"


@pytest.mark.slow
async def test_the_console_script_serves_the_sandbox_without_settings(tmp_path):
    script = shutil.which("pc-mcp", path=os.path.dirname(sys.executable))
    assert script
    parameters = StdioServerParameters(command=script, args=["serve", "--sandbox"], env=environment(tmp_path))
    async with Client(parameters, mode="legacy") as client:
        result = await client.call_tool("list_devices", {"customer": "Documentation Sample"})
        assert result.structured_content["devices_total"] == 5
        assert "customers are simulated" in client.instructions


@pytest.mark.slow
async def test_a_cancelled_walk_ends_its_requests_and_the_server_goes_on(env, walk):
    parameters = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=env)
    async with Client(parameters) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "list_devices", {"customer": CUSTOMER})
            assert await anyio.to_thread.run_sync(walk.given.wait, SOON)
            group.cancel_scope.cancel()
        walk.times = 0
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "limit": 0})
        assert result.structured_content["complete"] is True


@pytest.mark.slow
def test_standard_output_carries_protocol_only(measured):
    with started("serve", env=measured | {"PC_MCP_LOGGING__LEVEL": "debug"}) as process:
        greet(process, "auto")
        process.stdin.write(b"this is no message\n")
        for arguments in ({"customer": CUSTOMER}, {"customer": "nobody"}, {"custommer": CUSTOMER}):
            ask(process, "auto", "tools/call", name="list_devices", arguments=arguments)
            while "result" not in process.receive():
                pass
        process.stdin.close()
        for line in process.stdout:
            assert json.loads(line)["jsonrpc"] == "2.0"
        assert process.wait(SOON) == 0
