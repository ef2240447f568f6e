"""Lists that lie, services that go away, tokens that lapse: never a wrong count, and an exact one when it is over."""

import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

import anyio
import httpx2
import pytest
from mcp import Client

from bench import plain
from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Fault, Sandbox, ScriptedResponse, World, running
from tests.answers.reading import check_halves
from tests.auth.people import Asked, connected
from tests.conftest import settings_for
from tests.scripted import devices_of

pytestmark = pytest.mark.slow

CUSTOMER, BATCH = "Litware Inc", "HQ-2309"
ONE_BATCH = "Trey Research"
# A wait that goes beyond the call's time may be waited for, or said at once.
THROTTLED = re.compile("Time ran out|limits how fast it may be asked")
QUESTION = {"customer": CUSTOMER, "limit": 0, "group_by": ["batch", "model", "policy"]}


@pytest.fixture(scope="module")
def litware(world):
    return plain.customer_of(world, CUSTOMER)


@pytest.fixture(scope="module")
def batch(litware):
    return next(batch for batch in litware.batches if batch.id == BATCH)


async def asked(client, **changes):
    """The structured content of an answer that is none of an error and whose halves agree."""
    result = await client.call_tool("list_devices", QUESTION | changes)
    text, data = result.content[0].text, result.structured_content
    assert not result.is_error, text
    check_halves(text, data, 8000)
    return data


def check_exact(data, devices):
    assert data["complete"], data["notes"]
    assert data["devices_total"] == len(devices)
    for group in data["groups"]:
        counts = {row["value"]: row["devices"] for row in group["values"]}
        truth = {value or "(none)": count for value, count in plain.grouped(devices, group["by"]).items()}
        assert sum(counts.values()) + group["other"] == len(devices)
        assert counts.items() <= truth.items()


def check_honest(data, devices):
    """Exact, or not called complete."""
    if data["complete"]:
        check_exact(data, devices)
    else:
        assert data["notes"]


@pytest.mark.parametrize(
    "switches",
    [
        {"gzip": True},
        {"byte_order_mark": True, "gzip": True},
        {"links_next": True},
        {"needs_seek_operation": True},
        {"empty_pages": True},
    ],
    ids="+".join,
)
async def test_what_is_only_unusual_is_read_exactly(connect, sandbox, litware, switches):
    vars(sandbox.switches).update(switches)
    async with connect() as client:
        data = await asked(client)
    check_exact(data, litware.devices)
    assert data["notes"] == [EMPTY]


@pytest.mark.parametrize(
    "switches",
    [{"repeat_token": True}, {"pages_twice": True}, {"pages_twice": True, "needs_seek_operation": True}],
    ids="+".join,
)
@pytest.mark.parametrize("chosen", [None, BATCH])
async def test_pages_that_come_again_are_never_counted_again(connect, sandbox, litware, batch, switches, chosen):
    devices = batch.devices if chosen else litware.devices
    vars(sandbox.switches).update(switches)
    async with connect() as client:
        first = await asked(client, batch=chosen)
        check_honest(first, devices)
        assert first["devices_total"] <= len(devices)
        vars(sandbox.switches).update(dict.fromkeys(switches, False))
        check_exact(await asked(client, batch=chosen), devices)


def pages_of(sandbox, world, batch):
    """The bodies of the pages of a batch, as the service gives them."""
    path = f"/customers/{world.customer_id(CUSTOMER)}/deviceBatches/{quote(batch, safe='')}/devices"
    token = ""
    with httpx2.Client(headers={"Authorization": f"Bearer {sandbox.token}"}) as client:
        while True:
            page = client.get(sandbox.base_url + path, headers={"MS-ContinuationToken": token}).json()
            yield page
            if not (token := page.get("continuationToken")):
                return


@pytest.mark.parametrize(("page", "stands_for"), [(0, 1), (0, 2), (1, 4), (2, 5)])
@pytest.mark.parametrize("times", [1, None])
async def test_an_earlier_page_that_comes_in_the_place_of_another_is_no_part_of_an_exact_count(
    connect, sandbox, world, batch, page, stands_for, times
):
    pages = list(pages_of(sandbox, world, BATCH))
    body = json.dumps(pages[stands_for] | {"items": pages[page]["items"]}).encode()
    sandbox.switches.scripted = [ScriptedResponse(devices_of(BATCH), body=body, skip=stands_for, times=times)]
    async with connect() as client:
        check_honest(await asked(client, batch=BATCH), batch.devices)
        sandbox.switches.scripted = []
        check_exact(await asked(client, batch=BATCH), batch.devices)


async def test_a_page_of_100_000_devices_is_read_exactly(connect, sandbox):
    items = [
        {"id": f"{number:08}", "serialNumber": f"S{number:07}", "modelName": f"M{number % 7}"}
        for number in range(100_000)
    ]
    body = json.dumps({"totalCount": 100_000, "items": items}).encode()
    sandbox.switches.scripted = [ScriptedResponse("/devices", body=body)]
    async with connect() as client:
        data = await asked(client, customer=ONE_BATCH, group_by=["model"])
    assert data["complete"]
    assert data["devices_total"] == 100_000
    counts = {row["value"]: row["devices"] for row in data["groups"][0]["values"]}
    assert counts == {f"M{rest}": len(range(rest, 100_000, 7)) for rest in range(7)}
    assert [row["kind"] for row in data["attention"]] == [
        "without_policy",
        "without_manufacturer",
        "without_upload_date",
        "batch_count_differs",
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_request_follows_a_redirect_to_another_host(connect, sandbox, world, status):
    with running(world) as other:
        headers = {"Location": f"{other.base_url}/customers"}
        sandbox.switches.scripted = [ScriptedResponse("/devices", status, headers=headers)]
        async with connect() as client:
            result = await client.call_tool("list_devices", QUESTION | {"customer": ONE_BATCH})
            assert result.is_error
            assert "redirect" in result.content[0].text
            assert other.base_url not in result.content[0].text
            sandbox.switches.scripted = []
            assert (await asked(client, customer=ONE_BATCH))["complete"]
        assert other.requests == []


async def test_a_service_that_goes_away_and_comes_back_is_read_on(world, batch):
    """Its port refuses connections meanwhile: to a list that is half read, and to one of which nothing is."""
    meanwhile = {}
    async with AsyncExitStack() as stack:
        with running(world) as sandbox:
            port = urlsplit(sandbox.base_url).port
            sandbox.switches.scripted = [ScriptedResponse(devices_of(BATCH), skip=2, status=403)]
            client = await stack.enter_async_context(Client(build_server(settings_for(sandbox))))
            first = await asked(client, batch=BATCH)
        assert (first["complete"], first["devices_total"]) == (False, 200)

        async def ask(customer, batch):
            question = QUESTION | {"customer": customer, "batch": batch}
            meanwhile[customer] = await client.call_tool("list_devices", question)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, CUSTOMER, BATCH)
            tasks.start_soon(ask, ONE_BATCH, None)
        data, text = meanwhile[CUSTOMER].structured_content, meanwhile[ONE_BATCH].content[0].text
        assert (data["complete"], data["devices_total"]) == (False, 200)
        (note,) = [note for note in data["notes"] if "cannot be reached" in note]
        assert f'"{BATCH}"' in note
        assert "correlation id" in note
        assert meanwhile[ONE_BATCH].is_error
        assert "cannot be reached" in text
        assert "correlation id" in text
        with running(world, port=port) as again:
            check_exact(await asked(client, batch=BATCH), batch.devices)
            # What was read before is not read again.
            assert [request.path.endswith("/devices") for request in again.requests] == [True] * 4
            assert (await asked(client, customer=ONE_BATCH))["complete"]


async def test_a_long_throttling_ends_in_time_and_is_over_when_it_is_over(connect, sandbox, batch):
    headers = {"Retry-After": "3"}
    sandbox.switches.scripted = [ScriptedResponse(devices_of(BATCH), 429, headers=headers, skip=1, times=1)]
    started = anyio.current_time()
    async with connect(answers={"time_budget_seconds": 1.5}) as client:
        first = await asked(client, batch=BATCH)
        assert (first["complete"], first["devices_total"]) == (False, 100)
        assert any(THROTTLED.search(note) for note in first["notes"])
        with anyio.fail_after(20):
            while not (data := await asked(client, batch=BATCH))["complete"]:
                assert any(THROTTLED.search(note) for note in data["notes"])
    assert anyio.current_time() - started >= 3
    check_exact(data, batch.devices)


async def test_a_service_that_fails_at_random_is_read_exactly_or_goes_on(connect, sandbox, litware):
    sandbox.switches.fail_randomly = 0.1
    sandbox.switches.throttle_per_second = 100
    async with connect() as client:
        data = await asked(client)
        check_honest(data, litware.devices)
        sandbox.switches.fail_randomly = sandbox.switches.throttle_per_second = 0
        check_exact(await asked(client), litware.devices)


async def test_what_is_left_on_a_connection_behind_a_body_answers_no_other_question(connect, sandbox, litware):
    """Where the length of an answer is too small, its rest is read as the beginning of the next one."""
    fault = ScriptedResponse(devices_of(BATCH), body=None, fault=Fault.LENGTH_TOO_SHORT)
    sandbox.switches.scripted = [fault]
    async with connect(partner_center={"concurrency": 1}) as client:
        data = await asked(client)
        assert data["batches_read"] == data["batches_total"] - 1
        fault.match = "no request"
        check_exact(await asked(client), litware.devices)


@pytest.fixture
def service(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    """The sandbox with its sign-in service, whose certificate is trusted."""
    with running(world, entra=True) as sandbox:
        monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        yield sandbox


def refreshes(service):
    return sum(request.form.get("grant_type") == "refresh_token" for request in service.entra.requests)


EMPTY = '1 batch is empty, and in no group: "New starters April 2026".'
KEPT = {"answers": {"snapshot_minutes": 15}, "auth": {"flow": "browser"}}


async def test_a_token_that_is_refused_in_the_middle_is_renewed_once_and_nobody_notices(service, mode, litware):
    body = b'{"code": 800001}'
    service.switches.scripted = [ScriptedResponse(devices_of(BATCH), 401, body, skip=2, times=1)]
    async with connected(service, mode, elicitation=Asked(service), **KEPT) as client:
        data = await asked(client)
    check_exact(data, litware.devices)
    assert data["notes"] == [EMPTY]
    assert refreshes(service) == 1


async def test_a_token_that_is_refused_for_ever_is_renewed_once_and_then_says_how_to_sign_in(service, mode, batch):
    body = b'{"code": 800001}'
    service.switches.scripted = [ScriptedResponse(devices_of(BATCH), 401, body, skip=2)]
    async with connected(service, mode, elicitation=Asked(service), **KEPT) as client:
        data = await asked(client, batch=BATCH)
        assert (data["complete"], data["devices_total"]) == (False, 200)
        assert any("Sign in again" in note for note in data["notes"])
        assert refreshes(service) == 1
        service.switches.scripted = []
        check_exact(await asked(client, batch=BATCH), batch.devices)
