"""In which order batches and customers are listed, and batches of one status."""

import json

import pytest

from pc_mcp.runtime.text import match_key
from pc_mcp.sandbox import ScriptedResponse
from tests.scripted import ask, refusal

CUSTOMER = "Contoso Ltd"
BATCHES = [
    {"id": "b", "creationDate": "2026-01-02T00:00:00Z", "devicesCount": 5, "status": "Finished"},
    {"id": "no date", "devicesCount": 7, "status": "Processing"},
    {"id": "C", "creationDate": "2026-03-04T00:00:00Z"},
    {"id": "a", "creationDate": "2026-01-02T00:00:00Z", "devicesCount": 7, "status": "None"},
]


def scripted(sandbox) -> None:
    sandbox.switches.scripted = [ScriptedResponse("/deviceBatches", body=json.dumps({"items": BATCHES}).encode())]


@pytest.mark.parametrize(
    ("order_by", "expected", "words"),
    [
        ("-created", ["C", "b", "a", "no date"], "newest first"),
        ("created", ["b", "a", "C", "no date"], "oldest first"),
        ("id", ["a", "b", "C", "no date"], "by id"),
        ("devices", ["b", "no date", "a", "C"], "smallest first"),
        ("-devices", ["no date", "a", "b", "C"], "largest first"),
    ],
)
async def test_batches_come_in_the_order_that_is_asked_for_and_said(connect, sandbox, mode, order_by, expected, words):
    scripted(sandbox)
    async with connect(mode) as client:
        result = await client.call_tool("list_device_batches", {"customer": CUSTOMER, "order_by": order_by})
        answer = result.structured_content
        assert [batch["id"] for batch in answer["batches"]] == expected
        assert answer["order_by"] == order_by
        assert f"Batches 1 to 4 of 4, {words}." in result.content[0].text
        paged, cursor = [], None
        while not paged or cursor:
            page = await ask(
                client, "list_device_batches", customer=CUSTOMER, order_by=order_by, limit=1, cursor=cursor
            )
            paged += [batch["id"] for batch in page["batches"]]
            cursor = page["next_cursor"]
        assert paged == expected


async def test_the_newest_batches_come_first_and_a_cursor_keeps_its_order(connect, sandbox):
    async with connect() as client:
        answer = await ask(client, "list_device_batches", customer=CUSTOMER, limit=5)
        created = [batch["created"] for batch in answer["batches"]]
        assert created == sorted(created, reverse=True)
        other = {"customer": CUSTOMER, "limit": 5, "order_by": "created", "cursor": answer["next_cursor"]}
        assert "does not belong to this question" in await refusal(client, "list_device_batches", **other)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("finished", ["b"]),
        ("none", ["C"]),
        ("(none)", ["C"]),
        ('"None"', ["a"]),
        ("process", []),
    ],
)
async def test_batches_of_one_status_are_listed(connect, sandbox, mode, status, expected):
    scripted(sandbox)
    async with connect(mode) as client:
        result = await client.call_tool("list_device_batches", {"customer": CUSTOMER, "status": status})
    answer = result.structured_content
    assert [batch["id"] for batch in answer["batches"]] == expected
    assert answer["batches_matched"] == len(expected)
    assert answer["devices_expected"] == 19
    missing = [note for note in answer["notes"] if "such a status" in note]
    assert missing == ([] if expected else ['No batch has such a status. There are: "Finished", "None", "Processing".'])
    assert ("without a status" if status in {"none", "(none)"} else "status ") in answer["summary"]


async def test_customers_come_by_name(connect):
    async with connect() as client:
        result = await client.call_tool("find_customers", {"limit": 100})
    names = [match_key(customer["name"]) for customer in result.structured_content["customers"]]
    assert names == sorted(names)
    assert f"of {len(names)}, by name." in result.content[0].text


@pytest.mark.parametrize(
    ("order_by", "said"), [("-created", True), ("created", True), ("id", False), ("devices", False)]
)
async def test_where_time_orders_batches_those_without_a_date_are_named(connect, sandbox, order_by, said):
    scripted(sandbox)
    async with connect() as client:
        answer = await ask(client, "list_device_batches", customer=CUSTOMER, order_by=order_by, limit=1)
        named = [note for note in answer["notes"] if note.startswith("1 batch without a creation date comes last")]
        assert [note.endswith('than the others: "no date".') for note in named] == [True] * said
        dated = await ask(client, "list_device_batches", customer=CUSTOMER, order_by=order_by, name_contains="a")
        assert [batch["id"] for batch in dated["batches"] if batch["created"]]
        whole = await ask(client, "list_device_batches", customer=CUSTOMER, name_contains="C", order_by=order_by)
        assert not any("without a creation date" in note for note in whole["notes"])


LAST_PAGE = ScriptedResponse("continuationToken=", status=403, body=b"{}", times=100)
FIRST_PAGE = ScriptedResponse(
    "/deviceBatches", body=json.dumps({"items": BATCHES, "continuationToken": "more"}).encode(), times=100
)
ONE_UNREADABLE = ScriptedResponse(
    "/deviceBatches", body=json.dumps({"items": [*BATCHES, {"id": ["A 2"], "devicesCount": 1}]}).encode(), times=100
)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([LAST_PAGE, FIRST_PAGE], "Not all of its batches could be read"),
        ([ONE_UNREADABLE], "1 batch of it could not be read"),
    ],
)
async def test_of_a_list_that_was_not_read_whole_nothing_is_claimed_of_what_is_not_in_it(
    connect, sandbox, answers, why
):
    """Only the service says that there is no such batch: of the whole id."""
    async with connect() as client:
        await ask(client, "find_customers", query=CUSTOMER)
        sandbox.switches.scripted = [ScriptedResponse("/dat/devices", body=None), *answers]
        named = await ask(client, "list_device_batches", customer=CUSTOMER, name_contains="dat")
        assert not named["complete"]
        for condition in ({"name_contains": "Rollout 5"}, {"status": "failed"}):
            answer = await ask(client, "list_device_batches", customer=CUSTOMER, **condition)
            claims = [note for note in answer["notes"] if note.startswith("No batch")]
            assert all(note.startswith("No batch that was read has") for note in claims)
        words = await refusal(client, "list_devices", customer=CUSTOMER, batch="dat")
        assert f"{why}, so a part of a name is not looked up: give the whole id." in words


@pytest.mark.parametrize(
    ("where", "note"),
    [
        ({}, '1 batch without a creation date matches no period: "no date". Periods are UTC.'),
        ({"status": "processing"}, '1 batch without a creation date matches no period: "no date". Periods are UTC.'),
        ({"status": "finished"}, "Periods are UTC."),
    ],
)
async def test_a_period_names_the_batches_that_have_no_date_for_it(connect, sandbox, where, note):
    scripted(sandbox)
    async with connect() as client:
        answer = await ask(client, "list_device_batches", customer=CUSTOMER, created_after="2026-01-01", **where)
    assert answer["notes"][-1] == note
    assert not [each for each in answer["notes"] if "comes last" in each]
