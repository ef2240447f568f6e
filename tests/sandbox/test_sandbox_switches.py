"""Each switch, as a client meets it."""

import time
from urllib.parse import quote

import pytest

from pc_mcp.sandbox import ScriptedResponse, catalog


@pytest.fixture
def path(world) -> str:
    """A list of seven pages."""
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    batch = next(b["id"] for b in world.batches(customer) if b.get("devicesCount") == 700)
    return f"/customers/{customer}/deviceBatches/{quote(batch, safe='')}/devices"


def token_header(token: str) -> dict[str, str]:
    return {"MS-ContinuationToken": token}


def test_every_nth_request_is_throttled_in_a_shape_of_its_own(client, sandbox):
    sandbox.switches.throttle_every = 3
    sandbox.switches.retry_after_seconds = 57
    answers = [client.get("/customers") for _ in range(6)]
    assert [a.status_code for a in answers] == [200, 200, 429] * 2
    assert answers[2].headers["Retry-After"] == "57"
    assert answers[2].json() == {
        "statusCode": 429,
        "message": "Rate limit is exceeded. Try again in 57 seconds.",
    }


def test_throttling_can_leave_the_time_open(client, sandbox):
    sandbox.switches.throttle_every = 1
    sandbox.switches.retry_after_seconds = None
    answer = client.get("/customers")
    assert "Retry-After" not in answer.headers
    assert answer.json() == {"statusCode": 429, "message": "Rate limit is exceeded."}


def test_every_nth_request_fails(client, sandbox):
    sandbox.switches.fail_every = 2
    answers = [client.get("/customers") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 500] * 2
    assert answers[1].json()["source"] == "PartnerFD"


def test_an_unavailable_service_answers_html(client, sandbox):
    sandbox.switches.fail_every, sandbox.switches.fail_status = 1, 503
    answer = client.get("/customers")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<html>")
    assert "MS-CorrelationId" in answer.headers


def test_latency_comes_before_each_answer(client, sandbox):
    sandbox.switches.latency_seconds = 0.05
    started = time.monotonic()
    assert client.get("/customers").status_code == 200
    assert time.monotonic() - started >= 0.05


def test_bodies_begin_with_a_byte_order_mark(client, sandbox):
    plain = client.get("/customers").content
    sandbox.switches.byte_order_mark = True
    assert client.get("/customers").content == b"\xef\xbb\xbf" + plain
    assert client.get("/nothing").content.startswith(b'\xef\xbb\xbf{"code"')


def test_the_token_can_come_as_a_link(client, sandbox, path):
    expected = client.get(path).json()["continuationToken"]
    sandbox.switches.links_next = True
    body = client.get(path).json()
    assert "continuationToken" not in body
    assert body["links"]["next"]["headers"] == [{"key": "MS-ContinuationToken", "value": expected}]
    assert client.get(path, headers=token_header(expected)).json()["items"] != body["items"]


def test_the_first_page_comes_again_without_seek_operation(client, sandbox, path):
    sandbox.switches.needs_seek_operation = True
    first = client.get(path).json()
    headers = token_header(first["continuationToken"])
    assert client.get(path, headers=headers).json() == first
    second = client.get(path, params={"seekOperation": "Next"}, headers=headers).json()
    assert second["items"] != first["items"]


def test_the_token_can_repeat_for_ever(client, sandbox, path):
    sandbox.switches.repeat_token = True
    tokens, token = set(), ""
    for _ in range(9):
        token = client.get(path, headers=token_header(token)).json()["continuationToken"]
        tokens.add(token)
    assert len(tokens) == 1


def test_a_scripted_answer_takes_the_place_of_the_services(client, sandbox):
    sandbox.switches.scripted = [
        ScriptedResponse("/customers?size=7", 418, b"teapot", {"MS-CV": "mine", "X-A": "b"}, times=2)
    ]
    answers = [client.get("/customers", params={"size": 7}) for _ in range(3)]
    assert [a.status_code for a in answers] == [418, 418, 200]
    assert answers[0].content == b"teapot"
    assert (answers[0].headers["MS-CV"], answers[0].headers["X-A"]) == ("mine", "b")
    assert "MS-RequestId" in answers[0].headers
    assert sandbox.switches.scripted[0].answered == 2


def test_a_scripted_answer_matches_the_decoded_path_and_lasts(client, sandbox):
    sandbox.switches.scripted = [ScriptedResponse("Q2/2025 Surface", 502)]
    path = "/customers/x/deviceBatches/Q2%2F2025%20Surface/devices"
    assert [client.get(path).status_code for _ in range(3)] == [502] * 3
    assert client.get("/customers").status_code == 200


def test_requests_are_recorded_as_they_came(client, sandbox):
    client.get("/customers/a%2Fb?size=1", headers={"X-Locale": "de-DE"})
    (request,) = sandbox.requests
    assert (request.method, request.path) == ("GET", "/v1/customers/a%2Fb?size=1")
    assert request.headers["x-locale"] == "de-DE"
    sandbox.requests.clear()
    assert sandbox.requests == []
