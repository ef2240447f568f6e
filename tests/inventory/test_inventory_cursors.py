"""Cursors: pages of one list, without a gap or a repeat, and refused wherever they do not belong."""

import json
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from bench import plain
from pc_mcp.inventory.errors import CursorRefused
from pc_mcp.inventory.questions.cursors import Cursor, CursorMint
from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import ScriptedResponse, catalog, documents
from tests.conftest import settings_for
from tests.scripted import ask, devices_of, refusal

COFFEE = "Fourth Coffee"
TWO_PAGES = "PO 4549717 Osaka"
REFUSED = "does not belong to this question"
KEY = secrets.token_bytes(32)
GONE = "no longer kept, or more of it was read"


@pytest.fixture(scope="module")
def coffee(world):
    return plain.customer_of(world, COFFEE)


async def all_pages(client, tool, rows, limits, **arguments):
    """Every page to the end; each answer counts rightly what it shows and what not."""
    cursor, given_rows, answers = None, [], []
    while cursor or not answers:
        if limits:
            arguments["limit"] = limits[len(answers) % len(limits)]
        answer = await ask(client, tool, cursor=cursor, **arguments)
        answers.append(answer)
        given_rows += answer[rows]
        assert answer["shown"] == len(answer[rows])
        cursor = answer["next_cursor"]
    return given_rows, answers


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        {},
        {"batch": TWO_PAGES},
        {"policy": "none"},
        {"serial_number": "1", "uploaded_after": "2020-01-01"},
        {"model": "no such model"},
    ],
)
async def test_pages_of_devices_partition_what_matches_whatever_the_limits(connect, mode, coffee, where):
    devices = [device for device in coffee.devices if device["batch"] == where.get("batch", device["batch"])]
    expected = plain.matching(devices, {name: value for name, value in where.items() if name != "batch"})
    async with connect(mode) as client:
        rows, answers = await all_pages(
            client,
            "list_devices",
            "devices",
            (7, 100, 1, 33),
            customer=COFFEE,
            fields=["id", "serial_number"],
            **where,
        )
    assert [row["id"] for row in rows] == [device["id"] for device in expected]
    assert all(answer["devices_matched"] == len(expected) for answer in answers)
    assert all(answer["shown"] + answer["omitted"] == len(expected) for answer in answers)
    # Groups are for the first page of several devices, unless they are asked for, or certain devices are.
    assert bool(answers[0]["groups"]) == (len(expected) > 1 and "serial_number" not in where)
    assert not any(answer["groups"] for answer in answers[1:])


async def test_pages_go_on_where_the_room_of_an_answer_ended(connect, coffee):
    async with connect(answers={"max_chars": 6000}) as client:
        rows, answers = await all_pages(
            client, "list_devices", "devices", (100,), customer=COFFEE, fields=list(plain.COLUMNS)
        )
    assert rows == [plain.row(device) for device in coffee.devices]
    assert len(answers) > 4


async def test_pages_of_batches_partition_what_matches(connect, world):
    name = catalog.MANY_BATCHES_CUSTOMER
    expected = [batch["id"] for batch in plain.newest_first(world.batches(world.customer_id(name)))]
    async with connect() as client:
        rows, answers = await all_pages(client, "list_device_batches", "batches", (50, 3, 100), customer=name)
        assert [row["id"] for row in rows] == expected
        assert all(answer["batches_matched"] == 210 for answer in answers)
        rows, _ = await all_pages(
            client, "list_device_batches", "batches", (4,), customer=name, name_contains="rollout"
        )
    assert [row["id"] for row in rows] == [batch for batch in expected if "rollout" in batch.casefold()]


async def test_pages_of_customers_partition_what_matches(connect, world):
    async with connect() as client:
        rows, _ = await all_pages(client, "find_customers", "customers", (4, 1), query="co")
    names = [customer["companyProfile"] for customer in world.customers()]
    expected = [
        profile["companyName"]
        for profile in names
        if "co" in profile["companyName"].casefold() or "co" in profile["domain"].casefold()
    ]
    assert [row["name"] for row in rows] == sorted(expected, key=plain.key)


@pytest.mark.slow
async def test_pages_of_findings_partition_what_was_found(connect, coffee):
    identifiers = [device["id"] for device in coffee.devices[:199]] + ["no such device"]
    async with connect(answers={"max_chars": 6000}) as client:
        question = {"customer": COFFEE, "identifiers": identifiers, "fields": ["id", "serial_number", "product_key"]}
        rows, answers = await all_pages(client, "find_devices", "found", (), **question)
    assert [row["device"]["id"] for row in rows] == identifiers[:199]
    assert [identifier for answer in answers for identifier in answer["not_found"]] == ["no such device"]
    assert len(answers) > 2


async def test_a_limit_of_0_gives_no_rows_and_no_cursor(connect, coffee):
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=COFFEE, limit=0)
    assert answer["devices"] == []
    assert answer["next_cursor"] is None
    assert answer["omitted"] == len(coffee.devices)


async def test_a_cursor_that_was_forged_cut_or_made_elsewhere_is_refused(connect, sandbox):
    question = {"customer": COFFEE, "limit": 5}
    async with connect() as client, Client(build_server(settings_for(sandbox))) as other:
        cursor = (await ask(client, "list_devices", **question))["next_cursor"]
        foreign = (await ask(other, "list_devices", **question))["next_cursor"]
        changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
        forged = [
            foreign,
            changed,
            cursor[:-3],
            cursor[3:],
            cursor + "AAAA",
            cursor[::-1],
            "x",
            "é",
            "=",
            "a b",
        ]
        for text in forged:
            assert REFUSED in await refusal(client, "list_devices", **question, cursor=text)
        again = await ask(client, "list_devices", **question, cursor=cursor)
    assert again["shown"] == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "change"),
    [
        ("list_devices", {"model": "a"}),
        ("list_devices", {"policy": "none"}),
        ("list_devices", {"uploaded_after": "2020-01-01"}),
        ("list_devices", {"batch": TWO_PAGES}),
        ("list_devices", {"customer": "Coho Vineyard"}),
        ("list_device_batches", {}),
        ("find_devices", {"identifiers": ["x"], "limit": None}),
        ("find_customers", {"customer": None}),
    ],
)
async def test_a_cursor_of_another_question_is_refused(connect, tool, change):
    question = {"customer": COFFEE, "limit": 5}
    async with connect() as client:
        cursor = (await ask(client, "list_devices", **question))["next_cursor"]
        await ask(client, "list_device_batches", customer="Coho Vineyard")
        changed = {name: value for name, value in (question | change).items() if value is not None}
        text = await refusal(client, tool, **changed, cursor=cursor)
    assert REFUSED in text
    assert "next_cursor" in text


async def test_columns_groups_and_limit_may_change_between_pages(connect, coffee):
    async with connect() as client:
        cursor = (await ask(client, "list_devices", customer=COFFEE, limit=5))["next_cursor"]
        answer = await ask(
            client, "list_devices", customer=COFFEE, limit=2, fields=["id"], group_by=["batch"], cursor=cursor
        )
    assert answer["devices"] == [{"id": device["id"]} for device in coffee.devices[5:7]]
    assert sum(row["devices"] for row in answer["groups"][0]["values"]) == len(coffee.devices)


async def test_a_customer_may_be_named_in_another_way_on_the_next_page(connect, coffee):
    async with connect() as client:
        cursor = (await ask(client, "list_devices", customer=COFFEE, limit=5))["next_cursor"]
        answer = await ask(client, "list_devices", customer=coffee.id.upper(), limit=5, cursor=cursor)
    assert answer["shown"] == 5


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_devices", {"limit": 5}),
        ("list_devices", {"limit": 5, "batch": TWO_PAGES}),
        ("list_device_batches", {"limit": 1}),
        ("find_devices", {"identifiers": None}),
    ],
)
async def test_a_cursor_is_worth_nothing_once_its_list_is_read_anew(connect, coffee, tool, arguments):
    if "identifiers" in arguments:
        arguments = {"identifiers": [device["id"] for device in coffee.devices[:100]]}
    question = {"customer": COFFEE} | arguments
    async with connect() as client:
        cursor = (await ask(client, tool, **question))["next_cursor"]
        await ask(client, tool, **question, refresh=True)
        text = await refusal(client, tool, **question, cursor=cursor)
        assert GONE in text
        assert "without cursor" in text


async def test_a_cursor_of_a_batch_that_is_no_longer_known_is_refused(connect):
    question = {"customer": documents.CUSTOMER_ID, "batch": "testbatch", "limit": 1}
    async with connect() as client:
        cursor = (await ask(client, "list_devices", **question))["next_cursor"]
        await ask(client, "list_device_batches", customer=documents.CUSTOMER_ID, refresh=True)
        assert GONE in await refusal(client, "list_devices", **question, cursor=cursor)


@pytest.mark.slow
async def test_a_cursor_of_a_list_that_grew_since_is_refused_and_of_another_list_is_not(connect, sandbox):
    async with connect(answers={"time_budget_seconds": 0.5}) as client:
        one = {"customer": COFFEE, "batch": TWO_PAGES, "limit": 5}
        batch = (await ask(client, "list_devices", **one))["next_cursor"]
        batches = (await ask(client, "list_device_batches", customer=COFFEE, limit=1))["next_cursor"]
        sandbox.switches.scripted.append(ScriptedResponse(match=devices_of("Q2/2025 Surface"), hang=True))
        question = {"customer": COFFEE, "limit": 5}
        incomplete = await ask(client, "list_devices", **question)
        assert not incomplete["complete"]
        # What was read so far can be paged, until more is read.
        page = await ask(client, "list_devices", **question, cursor=incomplete["next_cursor"])
        assert not page["complete"]
        sandbox.switches.scripted.clear()
        assert (await ask(client, "list_devices", **question))["complete"]
        assert GONE in await refusal(client, "list_devices", **question, cursor=page["next_cursor"])
        # Neither this batch nor the list of batches has changed.
        assert (await ask(client, "list_devices", **one, cursor=batch))["complete"]
        assert (await ask(client, "list_device_batches", customer=COFFEE, limit=1, cursor=batches))["complete"]


async def test_a_cursor_of_all_batches_outlives_a_question_about_one_that_their_list_lacks(connect, sandbox, coffee):
    listed = {"items": [{"id": batch.id, "devicesCount": batch.count} for batch in coffee.batches[1:]]}
    sandbox.switches.scripted.append(
        ScriptedResponse(match=f"{coffee.id}/deviceBatches", body=json.dumps(listed).encode(), times=1)
    )
    question = {"customer": coffee.id, "limit": 5}
    async with connect() as client:
        first = await ask(client, "list_devices", **question)
        unlisted = await ask(client, "list_devices", **question, batch=coffee.batches[0].id)
        assert unlisted["devices_total"] == coffee.batches[0].count
        assert first["devices_total"] == len(coffee.devices) - coffee.batches[0].count
        assert (await ask(client, "list_devices", **question, cursor=first["next_cursor"]))["shown"] == 5


async def test_a_cursor_does_not_outlive_that_its_batch_is_read_anew_to_as_many_pages_as_before(connect, sandbox):
    second_page = f"{devices_of(TWO_PAGES)} MS-ContinuationToken"
    # The token is refused the second time, so the batch is begun again.
    for status in (403, 400, 403):
        sandbox.switches.scripted.append(ScriptedResponse(match=second_page, status=status, times=1))
    question = {"customer": COFFEE, "batch": TWO_PAGES, "limit": 5}
    async with connect() as client:
        first, second = [await ask(client, "list_devices", **question) for _ in range(2)]
        assert first["devices_total"] == second["devices_total"]
        assert GONE in await refusal(client, "list_devices", **question, cursor=first["next_cursor"])
        assert (await ask(client, "list_devices", **question, cursor=second["next_cursor"]))["shown"] == 5


async def test_a_cursor_of_customers_pages_what_was_read_until_their_list_is_read_on(connect, sandbox, world):
    link = '{"next": {"headers": [{"key": "ms-continuationtoken", "value": "more"}]}}'
    customers = str(world.customers()[:5]).replace("'", '"')
    sandbox.switches.scripted += [
        ScriptedResponse(match="/customers?", body=f'{{"items": {customers}, "links": {link}}}'.encode(), times=1),
        ScriptedResponse(match="seekOperation=Next", status=403, times=1),
        ScriptedResponse(match="seekOperation=Next", body=b'{"items": [{"id": "another"}]}', times=1),
    ]
    async with connect() as client:
        first = await ask(client, "find_customers", limit=1)
        assert not first["complete"]
        second = await ask(client, "find_customers", limit=1, cursor=first["next_cursor"])
        assert not second["complete"]
        assert (await ask(client, "find_customers", limit=1))["complete"]
        assert GONE in await refusal(client, "find_customers", limit=1, cursor=second["next_cursor"])


@given(st.text(max_size=120), st.text(alphabet="ABCabc019-_=", max_size=120))
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors])
def test_no_text_but_a_minted_one_passes_for_a_cursor(anything, likely):
    for text in (anything, likely, CursorMint(KEY, "another question").mint(Cursor(1, 1, 1))):
        with pytest.raises(CursorRefused):
            CursorMint(KEY, "question").read(text)


@given(st.integers(1, 2**50), st.integers(-1, 2**50), st.integers(0, 10**6), st.lists(st.text() | st.none()))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_minted_cursor_reads_back_with_its_question_only(generation, after, before, question):
    cursor = Cursor(generation, after, before)
    mint = CursorMint(KEY, question)
    text = mint.mint(cursor)
    assert text.isascii()
    assert mint.read(text) == cursor
    with pytest.raises(CursorRefused):
        CursorMint(KEY, [*question, "more"]).read(text)
    with pytest.raises(CursorRefused):
        CursorMint(bytes(32), question).read(text)
