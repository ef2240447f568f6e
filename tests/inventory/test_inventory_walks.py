"""What is read from Partner Center and how often: follow-ups, shared walks, batches side by side, time."""

import json
from functools import partial

import anyio
import pytest

from bench import plain
from pc_mcp.sandbox import ScriptedResponse, catalog
from tests.scripted import Gate, Noticed, ask, devices_of, pages_read, refusal

CONTOSO = catalog.ODD_BATCH_NAMES_CUSTOMER
BATCH = "Malmö-2606"
COFFEE = "Fourth Coffee"
TWO_PAGES = "PO 4549717 Osaka"
SHORT = {"answers": {"time_budget_seconds": 0.5}}


@pytest.fixture(scope="module")
def contoso(world):
    return plain.customer_of(world, CONTOSO)


@pytest.fixture(scope="module")
def coffee(world):
    return plain.customer_of(world, COFFEE)


def batch_of(customer, batch_id):
    (batch,) = [batch for batch in customer.batches if batch.id == batch_id]
    return batch


async def test_a_follow_up_question_reads_nothing_again(connect, sandbox, mode, coffee):
    async with connect(mode) as client:
        await ask(client, "list_devices", customer=COFFEE, limit=0)
        assert set(pages_read(sandbox).values()) == {1}
        read = len(sandbox.requests)
        await ask(client, "list_devices", customer="FourthCoffee.onmicrosoft.com", policy="none", group_by=["model"])
        await ask(client, "list_devices", customer=coffee.id, batch=TWO_PAGES)
        await ask(client, "list_device_batches", customer=COFFEE)
        await ask(client, "find_devices", customer=COFFEE, identifiers=["008412370553"])
        assert len(sandbox.requests) == read


@pytest.mark.parametrize(
    ("tool", "arguments"), [("list_devices", {"limit": 0}), ("find_devices", {"identifiers": ["x"]})]
)
async def test_refresh_reads_every_page_again(connect, sandbox, tool, arguments):
    async with connect() as client:
        first = await ask(client, tool, customer=COFFEE, **arguments)
        read = pages_read(sandbox)
        again = await ask(client, tool, customer=COFFEE, refresh=True, **arguments)
    assert pages_read(sandbox) == read + read
    assert first["complete"]
    assert again["complete"]


async def test_refresh_of_the_list_of_batches_reads_that_list_and_no_device(connect, sandbox):
    async with connect() as client:
        await ask(client, "list_device_batches", customer=COFFEE)
        before = len(sandbox.requests)
        await ask(client, "list_device_batches", customer=COFFEE, refresh=True)
    read = [request.path.rpartition("/")[2] for request in sandbox.requests[before:]]
    assert sorted(read) == ["deviceBatches", "policies"]


@pytest.mark.slow
async def test_a_question_about_the_customer_reads_only_the_batches_that_are_missing(connect, sandbox, contoso):
    async with connect() as client:
        one = await ask(client, "list_devices", customer=CONTOSO, batch=BATCH, limit=0)
        assert one["devices_total"] == 590
        assert len(pages_read(sandbox)) == 6
        answer = await ask(client, "list_devices", customer=CONTOSO, limit=0)
    assert answer["devices_total"] == len(contoso.devices)
    assert set(pages_read(sandbox).values()) == {1}


QUESTIONS = [
    ("list_devices", {"limit": 0}),
    ("list_devices", {"limit": 0, "batch": BATCH}),
    ("find_devices", {"identifiers": ["no such device"]}),
    ("list_devices", {"limit": 0, "refresh": True}),
]


@pytest.mark.slow
async def test_questions_at_the_same_time_share_one_walk(connect, sandbox, contoso):
    gate = Gate(match=devices_of(BATCH))
    sandbox.switches.scripted.append(gate)
    answers = []

    async def question(tool, arguments):
        answers.append((arguments, await ask(client, tool, customer=contoso.id, **arguments)))

    async with connect() as client, anyio.create_task_group() as tasks:
        for tool, arguments in QUESTIONS[:3]:
            tasks.start_soon(question, tool, arguments)
        await gate.wait()
        tasks.start_soon(question, *QUESTIONS[3])
        gate.open.set()
    assert set(pages_read(sandbox).values()) == {1}
    lists = [request for request in sandbox.requests if request.path.endswith("/deviceBatches")]
    assert len(lists) == 1
    assert len(answers) == len(QUESTIONS)
    for arguments, answer in answers:
        assert answer["complete"]
        expected = 590 if "batch" in arguments else len(contoso.devices)
        assert answer.get("devices_total", expected) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "expected"), [({}, 8), ({"concurrency": 3}, 3)])
async def test_no_more_batches_than_the_setting_says_are_read_at_a_time(connect, sandbox, setting, expected):
    sandbox.switches.scripted.append(ScriptedResponse(match="/devices", hang=True))
    async with connect(partner_center=setting, **SHORT) as client:
        answer = await ask(client, "list_devices", customer=catalog.MANY_BATCHES_CUSTOMER, limit=0)
    assert answer["batches_read"] == 0
    assert answer["batches_total"] == 210
    assert sum(pages_read(sandbox).values()) == expected


@pytest.mark.slow
async def test_the_longest_batches_are_begun_first(connect, sandbox, contoso):
    sandbox.switches.scripted.append(ScriptedResponse(match="/devices", hang=True))
    async with connect(
        answers={"time_budget_seconds": 3}
    ) as client:  # time enough for eight requests on a busy machine
        await ask(client, "list_devices", customer=CONTOSO, limit=0)
    longest = sorted((batch.count for batch in contoso.batches), reverse=True)[:8]
    begun = {path.split("/deviceBatches/")[1].removesuffix("/devices") for path, _ in pages_read(sandbox)}
    assert sorted((batch.count for batch in contoso.batches if batch.id in begun), reverse=True) == longest


@pytest.mark.slow
async def test_progress_grows_to_the_whole_list(connect, contoso):
    told = []

    async def on_progress(progress, total, message):
        told.append((progress, total, message))

    async with connect() as client:
        await client.call_tool("list_devices", {"customer": CONTOSO, "limit": 0}, progress_callback=on_progress)
    assert told == sorted(told)
    read, total, message = told[-1]
    assert read == len(contoso.devices)
    assert total == sum(batch.count for batch in contoso.batches)
    assert "20 of 20 batches" in message


def check_partial(answer, customer, read_of_batch):
    """`answer` covers all of the customer but the rest of one batch, and says so."""
    batch = batch_of(customer, TWO_PAGES)
    rest = {id(device) for device in batch.devices[read_of_batch:]}
    read = [device for device in customer.devices if id(device) not in rest]
    assert not answer["complete"]
    assert answer["batches_read"] == 3
    assert answer["batches_total"] == 4
    assert answer["devices_total"] == answer["devices_matched"] == len(read)
    for group in answer["groups"]:
        counted = {value or "(none)": devices for value, devices in plain.grouped(read, group["by"]).items()}
        assert {row["value"]: row["devices"] for row in group["values"]} == counted
    assert {row["kind"]: row["devices"] for row in answer["attention"]} == plain.attention(
        read, read, [other for other in customer.batches if other is not batch]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "pages", "refresh"),
    [("legacy", 1, False), ("auto", 1, True), ("auto", 0, False), ("auto", 0, True)],
    indirect=["mode"],
)
async def test_out_of_time_the_answer_covers_what_was_read_and_asked_again_it_goes_on(
    connect, sandbox, mode, coffee, pages, refresh
):
    question = {"customer": COFFEE, "limit": 0, "group_by": ["policy", "model"], "refresh": refresh}
    sandbox.switches.scripted.append(ScriptedResponse(match=devices_of(TWO_PAGES), skip=pages, hang=True))
    async with connect(mode, **SHORT) as client:
        answer = await ask(client, "list_devices", **question)
        check_partial(answer, coffee, 100 * pages)
        assert any("Time ran out" in note and "Ask the same again" in note for note in answer["notes"])
        sandbox.switches.scripted.clear()
        again = await ask(client, "list_devices", **question)
        assert again["complete"]
        assert again["devices_total"] == len(coffee.devices)
        assert not [note for note in again["notes"] if "Time" in note]
        asked = pages_read(sandbox)
        # The page that hung is asked for once more, no other.
        assert sorted(asked.values()) == [1] * (len(asked) - 1) + [2]
        assert sum(count for (path, _), count in asked.items() if devices_of(TWO_PAGES) in path) == 3


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["list_devices", "find_devices"])
async def test_a_refresh_that_does_not_fit_into_one_call_comes_to_an_end(connect, sandbox, coffee, tool):
    question = {"customer": COFFEE, "refresh": True}
    question |= {"identifiers": ["x"]} if tool == "find_devices" else {"limit": 0}
    complete = []
    async with connect(**SHORT) as client:
        for batch in coffee.batches[:2]:
            # In each call another batch hangs on its first page, so that no call could read everything.
            sandbox.switches.scripted[:] = [ScriptedResponse(match=devices_of(batch.id), hang=True)]
            complete.append((await ask(client, tool, **question))["complete"])
    assert complete == [False, True]
    assert sum(count - 1 for count in pages_read(sandbox).values()) == 1


async def test_a_refresh_after_a_question_about_one_batch_reads_that_batch_again(connect, sandbox, coffee):
    async with connect() as client:
        await ask(client, "list_devices", customer=COFFEE, batch=TWO_PAGES, limit=0)
        await ask(client, "list_devices", customer=COFFEE, limit=0, refresh=True)
    asked = pages_read(sandbox)
    assert {count for (path, _), count in asked.items() if devices_of(TWO_PAGES) in path} == {2}
    assert len(asked) == 5


@pytest.mark.slow
async def test_find_devices_says_not_found_so_far_until_the_list_is_complete(connect, sandbox, coffee):
    last = batch_of(coffee, TWO_PAGES).devices[-1]
    sandbox.switches.scripted.append(ScriptedResponse(match=devices_of(TWO_PAGES), skip=1, hang=True))
    question = {"customer": COFFEE, "identifiers": [last["id"], "no such device"]}
    async with connect(**SHORT) as client:
        answer = await ask(client, "find_devices", **question)
        assert answer["not_found"] == [last["id"], "no such device"]
        assert any("not found so far" in note for note in answer["notes"])
        sandbox.switches.scripted.clear()
        answer = await ask(client, "find_devices", **question)
    assert [row["device"]["batch"] for row in answer["found"]] == [TWO_PAGES]
    assert answer["not_found"] == ["no such device"]
    assert not any("so far" in note for note in answer["notes"])


@pytest.mark.slow
async def test_a_token_refused_on_resuming_restarts_the_batch_and_says_so(connect, sandbox, coffee):
    question = {"customer": COFFEE, "limit": 0, "group_by": ["model"]}
    sandbox.switches.scripted.append(ScriptedResponse(match=devices_of(TWO_PAGES), skip=1, hang=True))
    async with connect(**SHORT) as client:
        await ask(client, "list_devices", **question)
        body = b'{"code": 2000, "description": "The continuation token is not valid."}'
        sandbox.switches.scripted[:] = [ScriptedResponse(match=devices_of(TWO_PAGES), status=400, body=body, times=1)]
        again = await ask(client, "list_devices", **question)
    assert again["complete"]
    assert again["devices_total"] == len(coffee.devices)
    (note,) = [note for note in again["notes"] if "read again from its first page" in note]
    assert TWO_PAGES in note
    (group,) = again["groups"]
    assert sum(row["devices"] for row in group["values"]) == len(coffee.devices)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["/customers?", "/deviceBatches"])
async def test_out_of_time_before_there_is_anything_to_answer_with_is_an_error(connect, sandbox, what):
    sandbox.switches.scripted.append(ScriptedResponse(match=what, hang=True))
    async with connect(**SHORT) as client:
        text = await refusal(client, "list_devices", customer=CONTOSO, limit=0)
        assert "did not answer within the time" in text
        assert "ask the same again" in text
        sandbox.switches.scripted.clear()
        answer = await ask(client, "list_devices", customer=CONTOSO, batch=BATCH, limit=0)
    assert answer["devices_total"] == 590


async def test_a_question_about_another_batch_is_not_held_up_by_one_that_hangs(connect, sandbox):
    hanging = Noticed(match=devices_of(BATCH), hang=True)
    sandbox.switches.scripted.append(hanging)
    async with connect(answers={"time_budget_seconds": 20}) as client, anyio.create_task_group() as tasks:

        async def stuck():
            await client.call_tool("list_devices", {"customer": CONTOSO, "batch": BATCH})

        tasks.start_soon(stuck)
        await hanging.wait()
        answer = await ask(client, "list_devices", customer=CONTOSO, batch="FINANCE laptops", limit=0)
        assert answer["complete"]
        assert answer["devices_total"] == 311
        tasks.cancel_scope.cancel()


async def test_questions_that_wait_for_the_same_batch_keep_no_other_from_being_read(connect, sandbox, coffee):
    longest, *_, shortest = sorted(coffee.batches, key=lambda batch: batch.count, reverse=True)
    last = Noticed(match=devices_of(shortest.id), hang=True)
    sandbox.switches.scripted += [ScriptedResponse(match=devices_of(longest.id), hang=True), last]
    async with connect(partner_center={"concurrency": 2}) as client, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(partial(ask, client, "list_devices", customer=COFFEE, limit=0))
        await last.wait()
        tasks.cancel_scope.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("every", [2, 3])
async def test_a_service_that_throttles_keeps_no_batch_from_its_turn(connect, sandbox, contoso, every):
    sandbox.switches.throttle_every = every
    sandbox.switches.retry_after_seconds = 0
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CONTOSO, limit=0)
    assert answer["complete"]
    assert answer["devices_total"] == len(contoso.devices)


@pytest.mark.slow
async def test_policies_that_do_not_come_keep_no_device_from_being_counted(connect, sandbox, coffee):
    sandbox.switches.scripted.append(ScriptedResponse(match="/policies", hang=True))
    async with connect(answers={"time_budget_seconds": 2}) as client:
        batches = await ask(client, "list_device_batches", customer=COFFEE)
        answer = await ask(client, "list_devices", customer=COFFEE, limit=0)
    assert batches["complete"]
    assert answer["devices_total"] == len(coffee.devices)


async def test_a_device_that_begins_the_next_page_again_is_counted_once(connect, sandbox):
    devices = [{"id": f"id-{number}", "serialNumber": f"SN{number:04}"} for number in range(150)]
    devices[99] |= {"policies": [{"value": None}]}
    one_id = [{"id": "same", "serialNumber": f"S{number}"} for number in range(2)]
    pages = {"": [*devices[:100], one_id[0]], "two": [one_id[1], *devices[99:]]}
    sandbox.switches.scripted = [
        ScriptedResponse("/devices MS-ContinuationToken: two", body=json.dumps({"items": pages["two"]}).encode()),
        ScriptedResponse("/devices", body=json.dumps({"items": pages[""], "continuationToken": "two"}).encode()),
    ]
    async with connect() as client:
        customer = {"customer": "47021739-3426-40bf-9601-61b4b6d7c793"}
        answer = await ask(client, "list_devices", **customer, limit=0)
        found = await ask(client, "find_devices", **customer, identifiers=["SN0099", "SN0149"])
    assert (answer["devices_total"], answer["complete"]) == (152, True)
    assert [each["identifier"] for each in found["found"]] == ["SN0099", "SN0149"]


async def test_a_continuation_token_that_is_not_found_any_more_is_begun_without_once(connect, sandbox, world):
    customer = plain.customer_of(world, COFFEE)
    batch = max(customer.batches, key=lambda each: each.count or 0)
    second = f"{devices_of(batch.id)} MS-ContinuationToken"
    # The first call ends at the second page; the next one is told that there is no such token, again and again.
    sandbox.switches.scripted = [ScriptedResponse(second, status, times=1) for status in (403, 404)]
    question = {"customer": COFFEE, "batch": batch.id, "limit": 0}
    async with connect() as client:
        assert not (await ask(client, "list_devices", **question))["complete"]
        answer = await ask(client, "list_devices", **question)
        assert (answer["complete"], answer["devices_total"]) == (True, batch.count)
    sandbox.switches.scripted = [ScriptedResponse(second, 404)]
    sandbox.requests.clear()
    async with connect() as client:
        assert not (await ask(client, "list_devices", **question))["complete"]
        assert not (await ask(client, "list_devices", **question))["complete"]
    first = [count for (path, asked), count in pages_read(sandbox).items() if asked is None]
    assert first == [2]


async def test_a_policy_whose_id_is_zeros_is_none(connect, sandbox):
    zeros = "00000000-0000-0000-0000-000000000000"
    values = [zeros, zeros.replace("-", ""), f"{{{zeros}}}", "Kiosk"]
    items = [{"id": value, "serialNumber": value, "policies": [{"value": value}]} for value in values]
    sandbox.switches.scripted = [ScriptedResponse("/devices", body=json.dumps({"items": items}).encode())]
    async with connect() as client:
        customer = {"customer": "47021739-3426-40bf-9601-61b4b6d7c793", "limit": 0}
        none = await ask(client, "list_devices", **customer, policy="none")
        groups = await ask(client, "list_devices", **customer, group_by=["policy"])
    assert none["devices_matched"] == 3
    assert {row["value"]: row["devices"] for row in groups["groups"][0]["values"]} == {"(none)": 3, "Kiosk": 1}
