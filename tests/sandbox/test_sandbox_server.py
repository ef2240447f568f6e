"""Starting and stopping, in a thread and as a process."""

import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2
import pytest

from pc_mcp.sandbox import SANDBOX_TOKEN, ScriptedResponse, Switches, World, running, serve_forever

AUTHORIZATION = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
SERVE = """
from pc_mcp.sandbox import serve_forever
serve_forever(on_ready=lambda url: print(url, flush=True))
print("ended")
"""


def test_it_listens_on_loopback_only_and_is_gone_afterwards():
    with running() as sandbox:
        url = urlsplit(sandbox.base_url)
        assert (url.hostname, url.path) == ("127.0.0.1", "/v1")
        assert httpx2.get(f"{sandbox.base_url}/customers", headers=AUTHORIZATION).is_success
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.hostname, url.port))


def test_several_run_side_by_side_with_their_own_worlds_and_tokens():
    with running(World(1), token="one") as one, running(World(2), token="two") as two:
        ids = []
        for sandbox in (one, two):
            headers = {"Authorization": f"Bearer {sandbox.token}"}
            body = httpx2.get(f"{sandbox.base_url}/customers", headers=headers).json()
            assert body["items"] == sandbox.world.customers()
            ids.append(body["items"][0]["id"])
        assert ids[0] != ids[1]


@dataclass
class Noticed(ScriptedResponse):
    """Tells when a request has come in, whether or not it is for this answer."""

    asked: threading.Event = field(default_factory=threading.Event)

    def take(self, target: str) -> bool:
        self.asked.set()
        return super().take(target)


@pytest.mark.parametrize(
    ("script", "latency"), [(Noticed("", hang=True), 0), (Noticed("no request"), 3600)], ids=["hangs", "slow"]
)
def test_it_stops_at_once_while_a_request_waits(script, latency, caplog):
    ended: list[httpx2.TransportError] = []

    def ask(url: str) -> None:
        try:
            httpx2.get(url, headers=AUTHORIZATION, timeout=30)
        except httpx2.TransportError as error:
            ended.append(error)

    with running(switches=Switches(scripted=[script], latency_seconds=latency)) as sandbox:
        thread = threading.Thread(target=ask, args=[f"{sandbox.base_url}/customers"])
        thread.start()
        assert script.asked.wait(10)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    thread.join(10)
    assert len(ended) == 1
    assert caplog.records == []


def test_it_stops_at_once_while_a_connection_is_kept_alive(caplog):
    with httpx2.Client(headers=AUTHORIZATION) as client:
        with running() as sandbox:
            assert client.get(f"{sandbox.base_url}/customers").is_success
            started = time.monotonic()
        assert time.monotonic() - started < 2
    assert caplog.records == []


def test_a_client_that_leaves_ends_its_hanging_request():
    with running(switches=Switches(scripted=[ScriptedResponse("", hang=True, times=1)])) as sandbox:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{sandbox.base_url}/customers", timeout=0.05)
        assert httpx2.get(f"{sandbox.base_url}/customers", headers=AUTHORIZATION).is_success


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_server_ends_cleanly_on_a_signal(wanted):
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        base_url = process.stdout.readline().strip()
        with httpx2.Client(headers=AUTHORIZATION) as client:
            assert client.get(f"{base_url}/customers").is_success
            process.send_signal(wanted)
            out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_the_foreground_server_refuses_to_be_seen_from_elsewhere():
    with pytest.raises(ValueError, match="loopback only"):
        serve_forever("0.0.0.0", 0)


def test_the_foreground_server_says_when_its_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve_forever("127.0.0.1", taken.getsockname()[1])


def test_the_foreground_server_can_listen_on_ipv6():
    urls: list[str] = []

    def stop(base_url: str) -> None:
        urls.append(base_url)
        signal.raise_signal(signal.SIGINT)

    serve_forever("::1", on_ready=stop)
    assert urls[0].startswith("http://[::1]:")
