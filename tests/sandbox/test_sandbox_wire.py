"""What the sandbox can do to an answer on its way, byte by byte as a plain socket meets it."""

import gzip
import itertools
import json
import socket
import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from pc_mcp.sandbox import Fault, ScriptedResponse, Switches, World, catalog, running

BODY = b"0123456789"


@pytest.fixture
def device_path(world) -> str:
    """A list of four pages."""
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    batch = next(b["id"] for b in world.batches(customer) if b.get("devicesCount") == 400)
    return f"/customers/{customer}/deviceBatches/{quote(batch, safe='')}/devices"


def received(sandbox, seconds: float = 10) -> tuple[bytes, type[OSError] | None]:
    """Everything that comes on one connection, and how it ends: None for a proper end."""
    url = urlsplit(sandbox.base_url)
    got = b""
    with socket.create_connection((url.hostname, url.port), seconds) as connection:
        connection.sendall(b"GET /v1/customers HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            while part := connection.recv(65536):
                got += part
        except OSError as error:
            return got, type(error)
    return got, None


@pytest.mark.parametrize(
    ("fault", "header", "body", "end"),
    [
        (Fault.RESET_IN_BODY, b"content-length: 10", BODY[:5], ConnectionResetError),
        (Fault.CUT_SHORT, b"content-length: 10", BODY[:5], None),
        (Fault.NO_LAST_CHUNK, b"transfer-encoding: chunked", b"5\r\n01234\r\n", None),
        (Fault.LENGTH_TOO_LONG, b"content-length: 11", BODY, TimeoutError),
        (Fault.LENGTH_TOO_SHORT, b"content-length: 5", BODY, TimeoutError),
        (Fault.HANG_AFTER_HEADERS, b"content-length: 10", b"", TimeoutError),
        (Fault.DRIP, b"content-length: 10", BODY, None),
    ],
)
def test_an_answer_goes_wrong_on_its_way(sandbox, fault, header, body, end):
    sandbox.switches.scripted = [ScriptedResponse("", 202, BODY, {"X-A": "b"}, fault=fault, drip_seconds=0.001)]
    got, ended = received(sandbox, 0.5 if end is TimeoutError else 10)
    head, _, rest = got.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    assert status.startswith(b"HTTP/1.1 202 ")
    assert header in headers
    assert b"x-a: b" in headers
    assert sum(line.startswith((b"content-length:", b"transfer-encoding:")) for line in headers) == 1
    assert (rest, ended) == (body, end)


def test_a_connection_can_be_reset_before_the_answer(sandbox):
    sandbox.switches.scripted = [ScriptedResponse("", fault=Fault.RESET)]
    assert received(sandbox) == (b"", ConnectionResetError)


def test_what_goes_wrong_can_be_the_services_own_answer_and_later_ones_are_right(client, sandbox):
    plain = client.get("/customers").content
    sandbox.switches.scripted = [
        ScriptedResponse("/customers", body=None, skip=1, times=1, fault=Fault.LENGTH_TOO_SHORT)
    ]
    assert client.get("/customers").content == plain
    assert client.get("/customers").content == plain[: len(plain) // 2]
    with httpx2.Client(headers=client.headers) as other:
        assert other.get(f"{sandbox.base_url}/customers").content == plain


def test_what_is_scripted_can_be_for_later_pages_alone(client, sandbox, device_path):
    sandbox.switches.scripted = [ScriptedResponse("/devices MS-ContinuationToken: ", 502)]
    token = client.get(device_path).json()["continuationToken"]
    assert client.get(device_path, headers={"MS-ContinuationToken": token}).status_code == 502
    assert client.get(device_path).status_code == 200


@pytest.mark.parametrize("fault", [Fault.HANG_AFTER_HEADERS, Fault.DRIP, Fault.LENGTH_TOO_LONG])
def test_it_stops_at_once_while_an_answer_is_on_its_way(fault, caplog):
    with socket.socket() as connection, running(World()) as sandbox:
        sandbox.switches.scripted = [ScriptedResponse("", body=b"body", fault=fault, drip_seconds=3600)]
        url = urlsplit(sandbox.base_url)
        connection.connect((url.hostname, url.port))
        connection.sendall(b"GET /v1/customers HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert caplog.records == []


def test_bodies_are_packed_for_whoever_accepts_that(client, sandbox):
    plain = client.get("/customers")
    sandbox.switches.gzip = True
    packed = client.get("/customers")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < len(plain.content)
    assert packed.content == plain.content
    assert "Content-Encoding" not in client.get("/customers", headers={"Accept-Encoding": "identity"}).headers
    assert client.get("/nothing").json()["code"] == 1000


def test_a_packed_body_need_not_unpack(client, sandbox):
    body = gzip.compress(b"{}")[:-9]
    sandbox.switches.scripted = [ScriptedResponse("", body=b"\x1f\x8b" + body, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(httpx2.DecodingError):
        client.get("/customers")


def test_throttling_can_name_the_date(client, sandbox):
    sandbox.switches.throttle_every, sandbox.switches.retry_after_seconds = 1, 60
    sandbox.switches.retry_after_date = True
    until = parsedate_to_datetime(client.get("/customers").headers["Retry-After"]).timestamp()
    assert 58 < until - time.time() <= 61


def test_more_than_a_seconds_worth_of_requests_is_throttled(client, sandbox):
    sandbox.switches.throttle_per_second = 3
    started = time.monotonic()
    answers = [client.get("/customers/x") for _ in range(30)]
    let_through = sum(answer.status_code == 400 for answer in answers)
    assert 3 <= let_through <= 4 + 3 * (time.monotonic() - started)
    refused = next(answer for answer in answers if answer.status_code != 400)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert {answer.status_code for answer in answers} == {400, 429}


@pytest.mark.slow
def test_requests_fail_at_random_in_every_way_and_alike_in_each_run():
    def outcomes() -> list[int]:
        with running(World(), Switches(fail_randomly=0.5)) as sandbox, httpx2.Client() as client:
            return [outcome(client, f"{sandbox.base_url}/customers/x") for _ in range(80)]

    def outcome(client: httpx2.Client, url: str) -> int:
        try:
            return client.get(url).status_code
        except httpx2.NetworkError:
            return 0

    first = outcomes()
    assert set(first) == {0, 401, 500, 502, 503, 504}
    assert 25 < first.count(401) < 55
    assert outcomes() == first


def walked(client, path, most: int = 40) -> list[list]:
    """The items of each page, from the first one until there is no token."""
    pages, token = [], ""
    for _ in range(most):
        page = client.get(path, headers={"MS-ContinuationToken": token}).json()
        pages.append(page["items"])
        token = page.get("continuationToken")
        if not token:
            return pages
    raise AssertionError("the list has no end")


def test_pages_can_be_empty_before_the_last(client, sandbox, device_path):
    plain = walked(client, device_path)
    sandbox.switches.empty_pages = True
    assert walked(client, device_path) == [plain[0], *itertools.chain(*([[], page] for page in plain[1:]))]


def test_pages_can_arrive_twice(client, sandbox, device_path):
    plain = walked(client, device_path)
    sandbox.switches.pages_twice = True
    assert walked(client, device_path) == [*itertools.chain(*([page, page] for page in plain[:-1])), plain[-1]]


@pytest.mark.parametrize("switch", ["empty_pages", "pages_twice"])
def test_a_token_leads_on_after_its_switch_was_turned_off(client, sandbox, device_path, switch):
    plain = walked(client, device_path)
    setattr(sandbox.switches, switch, True)
    token = client.get(device_path).json()["continuationToken"]
    setattr(sandbox.switches, switch, False)
    between = client.get(device_path, headers={"MS-ContinuationToken": token}).json()
    assert between["items"] == []
    second = client.get(device_path, headers={"MS-ContinuationToken": between["continuationToken"]}).json()
    assert second["items"] == plain[1]


def test_what_it_remembers_of_its_requests_can_be_bounded():
    with running(requests_kept=2) as sandbox, httpx2.Client(base_url=sandbox.base_url) as client:
        for number in range(4):
            client.get(f"/customers/{number}")
        assert [request.path for request in sandbox.requests] == ["/v1/customers/2", "/v1/customers/3"]


def test_it_can_listen_on_a_given_port_again():
    with running() as sandbox:
        port = urlsplit(sandbox.base_url).port
    with running(port=port) as again:
        assert again.base_url == sandbox.base_url
        assert json.loads(httpx2.get(f"{again.base_url}/customers").content)["code"] == 400
