"""`pc-mcp sandbox`: the simulated service alone, for any REST client."""

import contextlib
import re
import signal
import socket
import ssl
from collections.abc import Iterator

import httpx2
import pytest

from pc_mcp.commands.cli import main
from pc_mcp.runtime.clouds import Cloud
from pc_mcp.sandbox import SANDBOX_TOKEN, World, person
from tests.commands.processes import AT_ONCE, SOON, Process, environment, started

pytestmark = pytest.mark.slow

SIGN_IN = re.compile(
    r"People sign in at (https://localhost:\d+/[0-9a-f-]{36}), as the application ([0-9a-f-]{36});\n"
    r"trust the certificate (.+) for it\.\n"
)


@contextlib.contextmanager
def sandbox_command(folder, *options: str) -> Iterator[tuple[Process, httpx2.Client, re.Match[str]]]:
    """The command on a free port, a client that has its token, and what it said of its sign-in service."""
    listen = ("--listen", "127.0.0.1:0")
    with started("sandbox", *listen, *options, env=environment(folder, measured=True)) as process:
        sign_in = SIGN_IN.fullmatch((process.stdout.readline() + process.stdout.readline()).decode())
        assert sign_in
        said = re.search(r"listening on (http://127\.0\.0\.1:\d+/v1)", process.stdout.readline().decode())
        headers = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
        with httpx2.Client(base_url=said[1], headers=headers, timeout=SOON) as client:
            yield process, client, sign_in


def test_it_answers_says_how_to_ask_and_ends_on_sigterm(tmp_path, world):
    with sandbox_command(tmp_path) as (process, client, _):
        assert client.get("/customers").json()["items"] == world.customers()
        assert httpx2.get(f"{client.base_url}customers").status_code == 401
        hint = process.stdout.readline().decode()
        url = str(client.base_url).rstrip("/")
        assert hint == f'  curl -H "Authorization: Bearer {SANDBOX_TOKEN}" "{url}/customers?size=5"\n'
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0
        assert process.logged() == ""


def test_somebody_who_signs_in_where_it_says_is_answered(tmp_path, world):
    with sandbox_command(tmp_path) as (_, client, sign_in):
        authority, client_id, certificate = sign_in.groups()
        trust = ssl.create_default_context(cafile=certificate)
        with httpx2.Client(verify=trust, timeout=SOON) as entra:
            about = entra.get(f"{authority}/v2.0/.well-known/openid-configuration").json()
            form = {"client_id": client_id, "scope": f"{Cloud.GLOBAL.base_url}/user_impersonation"}
            device = entra.post(about["device_authorization_endpoint"], data=form).json()
            person.sign_in(device["verification_uri"], code=device["user_code"], context=trust)
            grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", **device}
            token = entra.post(about["token_endpoint"], data=form | grant).json()["access_token"]
        answer = client.get("/customers", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["items"] == world.customers()


def test_its_switches_are_options(tmp_path):
    options = ["--seed", "7", "--byte-order-mark", "--links-next", "--latency-ms", "1"]
    faults = ["--throttle-every", "3", "--retry-after", "9", "--fail-every", "4", "--fail-status", "502"]
    with sandbox_command(tmp_path, *options, *faults) as (process, client, _):
        first, _, third, fourth = (client.get("/customers") for _ in range(4))
        assert first.content.startswith(b"\xef\xbb\xbf")
        assert World(7).customers()[0]["id"] in first.text
        assert (third.status_code, third.headers["Retry-After"]) == (429, "9")
        assert fourth.status_code == 502
        world = World(7)
        customer = world.customer_id("Fabrikam Manufacturing")
        ids = [batch["id"] for batch in world.batches(customer)]
        batch = next(id_ for id_ in ids if re.fullmatch(r"[\w-]+", id_) and world.page_count(customer, id_) > 1)
        page = client.get(f"/customers/{customer}/deviceBatches/{batch}/devices").text
        assert '"next"' in page
        assert "continuationToken" not in page
        process.send_signal(signal.SIGINT)
        assert process.wait(AT_ONCE) == 0


def test_it_can_throttle_by_the_second_and_fail_at_random(tmp_path):
    def status(client) -> int:
        try:
            return client.get("/customers").status_code
        except httpx2.NetworkError:
            return 0

    options = ["--throttle-per-second", "1", "--fail-percent", "100", "--gzip"]
    with sandbox_command(tmp_path, *options) as (_, client, _):
        first, *others = (status(client) for _ in range(9))
    assert first in {0, 500, 502, 503, 504}
    assert 429 in others
    assert 200 not in others


def test_a_429_may_come_without_retry_after(tmp_path):
    with sandbox_command(tmp_path, "--throttle-every", "1", "--retry-after", "0") as (_, client, _):
        answer = client.get("/customers")
        assert answer.status_code == 429
        assert "Retry-After" not in answer.headers


def test_a_port_that_is_taken_is_said_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["sandbox", "--listen", address]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"pc-mcp: the sandbox cannot listen on {address}: ")
    assert "in use" in line


@pytest.mark.parametrize(
    ("address", "words"), [("0.0.0.0:0", "loopback only"), ("example.com:0", "IPv4 or IPv6 address")]
)
def test_an_address_that_others_can_reach_is_refused(address, words, capsys):
    assert main(["sandbox", "--listen", address]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1
