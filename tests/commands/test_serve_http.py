"""`pc-mcp serve --http`: who may ask, and how it ends."""

import json
import re
import signal
import socket
import threading
from collections.abc import Iterator

import anyio
import httpx2
import pytest

from pc_mcp.protocol.http import serve_http
from pc_mcp.protocol.server import build_server
from pc_mcp.runtime.failures import AddressRefused
from pc_mcp.sandbox import Sandbox, World, running
from pc_mcp.settings import Settings
from pc_mcp.tools import all_tools
from tests.commands.http_server import (
    ACCEPT,
    AUTHORIZATION,
    LIST_TOOLS,
    REQUESTS,
    WITH_SECRET,
    asking,
    connected,
    posted,
    received,
)
from tests.commands.processes import AT_ONCE, SOON, environment, reading, run, started, url_of
from tests.documentation import ROOT
from tests.scripted import Noticed

CUSTOMER = "Contoso Ltd"


@pytest.fixture(scope="module")
def shared(world: World, tmp_path_factory) -> Iterator[str]:
    """The URL of a server that tests may share."""
    folder = tmp_path_factory.mktemp("http")
    with running(world) as sandbox:
        env = environment(folder, **reading(sandbox), **WITH_SECRET)
        with started("serve", "--http", "127.0.0.1:0", env=env) as process:
            yield url_of(process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(AT_ONCE) == 0


async def test_a_client_lists_and_calls_the_tools_in_both_eras(shared, world, mode):
    async with asking(shared, mode) as client:
        assert len((await client.list_tools()).tools) == len(all_tools())
        result = await client.call_tool("find_customers", {})
        assert result.structured_content["customers_total"] == len(world.customers())
        assert (await client.call_tool("find_customers", {"limit": 0})).is_error


@pytest.mark.slow
async def test_several_clients_are_served_at_once(shared):
    """All are connected before the first one asks."""
    counts: list[int] = []
    connected = [anyio.Event() for _ in range(6)]

    async def one(number: int) -> None:
        async with asking(shared, "legacy" if number % 2 else "auto") as client:
            connected[number].set()
            for event in connected:
                await event.wait()
            result = await client.call_tool("list_devices", {"customer": CUSTOMER, "limit": 0})
            counts.append(result.structured_content["devices_total"])

    with anyio.fail_after(SOON):
        async with anyio.create_task_group() as group:
            for number in range(len(connected)):
                group.start_soon(one, number)
    assert len(counts) == len(connected)
    assert len(set(counts)) == 1


def test_a_request_of_a_program_on_this_machine_is_answered(shared, mode):
    answer = posted(shared, mode, **AUTHORIZATION)
    assert answer.status_code == 200
    assert '"result"' in answer.text
    port = httpx2.URL(shared).port
    for own in (f"http://localhost:{port}", f"http://127.0.0.1:{port}"):
        assert posted(shared, mode, Origin=own, **AUTHORIZATION).status_code == 200


@pytest.mark.parametrize("given", ["1.5", "null", "true", "[1]", '{"a": 1}', "1e400"])
@pytest.mark.parametrize("era", REQUESTS)
def test_a_request_whose_id_is_none_is_refused(shared, era, given):
    body, headers = REQUESTS[era]
    sent = json.dumps(body).replace('"id": 1', f'"id": {given}')
    headers = {"Accept": ACCEPT, "Content-Type": "application/json", **headers, **AUTHORIZATION}
    answer = httpx2.post(shared, content=sent, headers=headers, timeout=SOON)
    assert answer.status_code == 400
    assert (answer.json()["id"], answer.json()["error"]["code"]) == (None, -32600)


def test_what_is_no_request_is_refused_in_our_words(shared):
    headers = {"Accept": ACCEPT, "Content-Type": "application/json", **AUTHORIZATION}
    for sent, code in (("[]", -32600), ("7", -32600), ("{}", -32600), ("no JSON", -32700), ('{"id": "\ud800"', -32700)):
        answer = httpx2.post(shared, content=sent.encode(errors="replace"), headers=headers, timeout=SOON)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        assert answer.json()["error"]["message"].startswith("This is no JSON")
        assert "pydantic" not in answer.text


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1.example.com:1", "192.168.0.1:1"])
def test_a_foreign_host_is_refused_in_both_eras(shared, mode, host):
    answer = posted(shared, mode, Host=host, **AUTHORIZATION)
    assert answer.status_code == 421
    assert "result" not in answer.text


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://127.0.0.1.example.com:1"])
def test_a_foreign_origin_is_refused_in_both_eras(shared, mode, origin):
    answer = posted(shared, mode, Origin=origin, **AUTHORIZATION)
    assert answer.status_code == 403
    assert "result" not in answer.text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "::", "example.com", "127.0.0.2"])
def test_an_address_that_others_can_reach_is_refused(host):
    with pytest.raises(AddressRefused, match=re.escape(f"127.0.0.1, localhost or ::1 only, not on {host}")):
        serve_http(build_server(Settings()), host, 0, pytest.fail, None)


@pytest.mark.slow
def test_the_command_refuses_it_with_1_and_one_line(tmp_path):
    ended = run("serve", "--http", "0.0.0.0:0", env=environment(tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("pc-mcp: ")
    assert "127.0.0.1, localhost or ::1 only, not on 0.0.0.0" in line


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressRefused, match=f"cannot listen on .*:{port}: Address already in use"):
            serve_http(build_server(Settings()), "127.0.0.1", port, pytest.fail, None)


def test_ipv6_loopback_is_served():
    urls: list[str] = []

    def stop(url: str) -> None:
        urls.append(url)
        signal.raise_signal(signal.SIGINT)

    serve_http(build_server(Settings()), "::1", 0, stop, None)
    assert re.fullmatch(r"http://\[::1\]:\d+/mcp", urls[0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
@pytest.mark.parametrize(("number", "era"), [(signal.SIGTERM, "auto"), (signal.SIGINT, "legacy")])
def test_a_signal_ends_it_at_once_in_the_middle_of_a_walk(sandbox: Sandbox, tmp_path, number, era):
    walk = Noticed("/devices", hang=True)
    sandbox.switches.scripted.append(walk)
    env = environment(tmp_path, measured=True, **reading(sandbox), **WITH_SECRET)

    async def ask(url: str) -> None:
        async with asking(url, era) as client:
            await client.call_tool("list_devices", {"customer": CUSTOMER})

    failures: list[BaseException] = []

    def client(url: str) -> None:
        try:
            anyio.run(ask, url)
        except BaseException as error:  # whatever a client makes of a server that is gone
            failures.append(error)

    with started("serve", "--http", "localhost:0", env=env) as process:
        thread = threading.Thread(target=client, args=[url_of(process)])
        thread.start()
        assert walk.given.wait(SOON)
        process.send_signal(number)
        assert process.wait(AT_ONCE) == 0, process.logged()
        thread.join(SOON)
    assert len(failures) == 1
    assert "Traceback" not in process.logged()
    assert process.logged().splitlines()[-2].endswith(f"ended by {number.name}")


@pytest.mark.slow
def test_a_signal_ends_it_at_once_while_a_keyring_does_not_answer(tmp_path):
    env = environment(
        tmp_path,
        PYTHONPATH=str(ROOT),
        PYTHON_KEYRING_BACKEND="tests.auth.keyrings.Silent",
        PC_MCP_AUTH__CLIENT_ID="11111111-2222-4333-8444-555555555555",
    )
    with started("serve", "--no-secret", "--http", "127.0.0.1:0", env=env) as process:
        url = url_of(process)
        body = json.dumps(
            LIST_TOOLS | {"method": "tools/call", "params": LIST_TOOLS["params"] | {"name": "sign_in", "arguments": {}}}
        )
        headers = {"Accept": ACCEPT, "Content-Type": "application/json", "Content-Length": str(len(body))}
        headers |= {"Host": "HOST", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call"}
        headers |= {"Mcp-Name": "sign_in"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with connected(url, f"POST /mcp HTTP/1.1\r\n{head}\r\n{body}".encode()) as waiting:
            assert posted(url).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(AT_ONCE) == 0
            assert b"200 OK" not in received(waiting)[:15]


@pytest.mark.slow
def test_its_address_is_told_whatever_else_is_logged(tmp_path):
    env = environment(tmp_path, PC_MCP_LOGGING__LEVEL="error")
    with started("serve", "--http", "127.0.0.1:0", env=env) as process:
        assert url_of(process).startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0


@pytest.mark.slow
async def test_the_sandbox_is_served_without_settings(tmp_path):
    env = environment(tmp_path, measured=True, **WITH_SECRET)
    with started("serve", "--sandbox", "--http", "127.0.0.1:0", env=env) as process:
        async with asking(url_of(process)) as client:
            result = await client.call_tool("list_devices", {"customer": "Documentation Sample"})
            assert result.structured_content["devices_total"] == 5
        process.send_signal(signal.SIGINT)
        assert process.wait(AT_ONCE) == 0
