"""What an answer says when a part of what was asked about could not be read."""

import json

import pytest

from bench import plain
from pc_mcp.sandbox import ScriptedResponse, catalog
from tests.scripted import AT_ONCE, ask, devices_of, pages_read, refusal

CUSTOMER = "Litware Inc"
COFFEE = "Fourth Coffee"
TWO_PAGES = "PO 4549717 Osaka"
ONE_BATCH_CUSTOMER = "Trey Research"


@pytest.fixture(scope="module")
def coffee(world):
    return plain.customer_of(world, COFFEE)


@pytest.fixture(scope="module")
def litware(world):
    return plain.customer_of(world, CUSTOMER)


def failure(status, code=None, **details):
    body = b"<html>secret of the gateway</html>"
    if code is not None:
        body = json.dumps({"code": code, "description": "secret of the service", "source": "x"}).encode()
    return ScriptedResponse(status=status, body=body, headers=AT_ONCE, **details)


FAILURES = [
    (403, 1002, "role"),
    (403, 20002, "no reseller relationship"),
    (403, None, "does not permit"),
    (404, 1000, "did not find"),
    (400, 3000, "does not know what was asked for, or refuses it"),
    (429, None, "limits how fast"),
    (500, 500, "failed to answer"),
    (503, None, "failed to answer"),
    (302, None, "redirect"),
    (200, None, "cannot be read"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("status", "code", "reason"), FAILURES)
@pytest.mark.parametrize("pages", [0, 1])
async def test_one_batch_of_many_fails_and_the_rest_is_answered(connect, sandbox, coffee, status, code, reason, pages):
    sandbox.switches.scripted.append(failure(status, code, match=devices_of(TWO_PAGES), skip=pages))
    async with connect() as client:
        result = await client.call_tool("list_devices", {"customer": COFFEE, "limit": 0})
        sandbox.switches.scripted.clear()
        again = await ask(client, "list_devices", customer=COFFEE, limit=0)
    answer, text = result.structured_content, result.content[0].text
    assert text.startswith("INCOMPLETE")
    assert not answer["complete"]
    assert (answer["batches_read"], answer["batches_total"]) == (3, 4)
    assert answer["devices_total"] == len(coffee.devices) - 106 + 100 * pages
    (note,) = [note for note in answer["notes"] if "could not be read to the end" in note]
    assert f'"{TWO_PAGES}"' in note
    assert reason in note
    (correlation,) = {
        request.headers["ms-correlationid"] for request in sandbox.requests[:6]
    }  # one for all requests of the call
    assert correlation in note
    assert correlation in text
    assert "secret" not in text + json.dumps(answer)
    # Asked again, only what is missing is read.
    assert again["complete"]
    assert again["devices_total"] == len(coffee.devices)
    assert not again["notes"]
    assert all(count == 1 or devices_of(TWO_PAGES) in path for (path, _), count in pages_read(sandbox).items())


@pytest.mark.parametrize(
    ("batch", "status", "code", "reason"),
    [((None, TWO_PAGES)[number % 2], *failing) for number, failing in enumerate(FAILURES)],
)
async def test_the_only_batch_fails_on_its_first_page_and_that_is_an_error(
    connect, sandbox, status, code, reason, batch
):
    customer = COFFEE if batch else ONE_BATCH_CUSTOMER
    sandbox.switches.scripted.append(failure(status, code, match="/devices"))
    async with connect() as client:
        text = await refusal(client, "list_devices", customer=customer, batch=batch, limit=0)
        assert reason in text
        assert "secret" not in text
        assert sandbox.requests[-1].headers["ms-correlationid"] in text
        sandbox.switches.scripted.clear()
        answer = await ask(client, "list_devices", customer=customer, batch=batch, limit=0)
    assert answer["complete"]


@pytest.mark.parametrize("tool", ["list_devices", "find_devices"])
async def test_where_every_batch_fails_there_is_nothing_to_answer_with(connect, sandbox, tool):
    sandbox.switches.scripted.append(failure(500, 500, match="/devices"))
    arguments = {"identifiers": ["x"]} if tool == "find_devices" else {"limit": 0}
    async with connect() as client:
        assert "failed to answer" in await refusal(client, tool, customer="Coho Vineyard", **arguments)
        sandbox.switches.scripted.clear()
        assert (await ask(client, tool, customer="Coho Vineyard", **arguments))["complete"]


@pytest.mark.slow
async def test_batches_that_fail_for_one_reason_share_a_note(connect, sandbox, litware):
    failing = [batch.id for batch in litware.batches if batch.id.startswith("New starters")]
    sandbox.switches.scripted.append(failure(403, 20002, match="/deviceBatches/New starters"))
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
    assert answer["batches_read"] == 18 - len(failing)
    (note,) = [note for note in answer["notes"] if "could not be read" in note]
    assert note.startswith(f"{len(failing)} batches:")
    assert all(f'"{batch}"' in note for batch in failing)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "advice"), [(800001, "Sign in again"), (900421, "with MFA"), (900420, "user_impersonation")]
)
async def test_a_sign_in_that_is_refused_in_the_middle_stops_the_walk_and_says_how_to_go_on(
    connect, sandbox, litware, code, advice
):
    sandbox.switches.scripted.append(failure(401, code, match="/devices", skip=12))
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        # Each of the batches that were being read may have met it, and no other was tried.
        assert 1 <= sandbox.switches.scripted[0].answered <= 8
        assert answer["devices_total"] <= 1200
        (note,) = [note for note in answer["notes"] if "could not be read" in note]
        assert advice in note
        sandbox.switches.scripted.clear()
        again = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
    assert again["complete"]
    assert again["devices_total"] == len(litware.devices)


@pytest.mark.parametrize("code", [400, 800001])
async def test_a_sign_in_that_is_refused_at_once_is_an_error_that_says_how_to_sign_in(connect, sandbox, code):
    sandbox.switches.scripted.append(failure(401, code, match="/v1/"))
    async with connect() as client:
        text = await refusal(client, "list_devices", customer=CUSTOMER)
    assert "refused the access token" in text
    assert "Sign in again" in text
    assert len(sandbox.requests) == 1


@pytest.mark.slow
async def test_a_token_that_repeats_ends_the_walk_and_no_device_is_counted_twice(connect, sandbox, litware):
    sandbox.switches.repeat_token = True
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        assert answer["devices_total"] == sum(min(200, len(batch.devices)) for batch in litware.batches)
        assert any("do not lead to the end" in note for note in answer["notes"])
        still = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        assert not still["complete"]
        assert still["devices_total"] == answer["devices_total"]
        sandbox.switches.repeat_token = False
        again = await ask(client, "list_devices", customer=CUSTOMER, limit=0, group_by=["batch"])
    assert again["complete"]
    assert again["devices_total"] == len(litware.devices)
    counted = {row["value"]: row["devices"] for row in again["groups"][0]["values"]}
    assert counted == plain.grouped(litware.devices, "batch")
    assert not [row for row in again["attention"] if row["kind"] == "batch_count_differs" and row["devices"] > 7]


async def test_a_customer_without_relationship_is_refused_with_the_reason(connect):
    async with connect() as client:
        for tool in ("list_devices", "list_device_batches"):
            text = await refusal(client, tool, customer=catalog.NO_RELATIONSHIP_CUSTOMER)
            assert "no reseller relationship" in text


def listed(batches, token=None):
    """The answer to a request for the batches."""
    body = {"totalCount": len(batches), "items": batches, "continuationToken": token}
    return ScriptedResponse(match="/deviceBatches", body=json.dumps(body).encode(), times=1)


@pytest.mark.slow
async def test_a_list_of_batches_that_breaks_off_is_never_called_complete(connect, sandbox, world, litware):
    half = world.batches(litware.id)[:4]
    sandbox.switches.scripted += [
        listed(half, "more"),
        failure(403, 1002, match="/deviceBatches", times=1),
    ]
    expected = litware.batches[:4]
    async with connect() as client:
        batches = await ask(client, "list_device_batches", customer=CUSTOMER)
        assert not batches["complete"]
        assert batches["batches_total"] == 4
        assert any("role" in note for note in batches["notes"])
        answer = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        assert not answer["complete"]
        assert answer["devices_total"] == sum(len(batch.devices) for batch in expected)
        assert any("list of batches" in note for note in answer["notes"])
        one = await ask(client, "list_devices", customer=CUSTOMER, batch=expected[0].id, limit=0)
        assert one["complete"]
        findings = await ask(client, "find_devices", customer=CUSTOMER, identifiers=["no such device"])
        assert not findings["complete"]
        # What is missing of the list is read on refresh.
        sandbox.switches.scripted.clear()
        again = await ask(client, "list_devices", customer=CUSTOMER, limit=0, refresh=True)
    assert again["complete"]
    assert again["devices_total"] == len(litware.devices)


async def test_items_of_the_list_that_are_no_batches_are_counted_in_a_note(connect, sandbox, world, litware):
    items = [*world.batches(litware.id)[:2], 42, None, {"devicesCount": 3}]
    sandbox.switches.scripted.append(listed(items))
    async with connect() as client:
        batches = await ask(client, "list_device_batches", customer=CUSTOMER)
        answer = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
    assert batches["batches_total"] == answer["batches_total"] == 2
    for notes in (batches["notes"], answer["notes"]):
        assert any(note.startswith("3 batches of the service could not be read") for note in notes)


@pytest.mark.slow
@pytest.mark.parametrize("status", [403, 200])
async def test_policies_whose_names_cannot_be_had_are_counted_by_the_id_that_devices_name(
    connect, sandbox, world, status
):
    name = catalog.MANY_BATCHES_CUSTOMER
    customer = plain.customer_of(world, name, policy_names={})
    nameless = [{"id": policy["id"], "name": "\u200b"} for policy in world.policies(customer.id)]
    body = json.dumps({"items": [42, {"name": "no id"}, *nameless]}).encode()
    sandbox.switches.scripted.append(ScriptedResponse(match="/policies", status=status, body=body))
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=name, limit=0, group_by=["policy"])
    assert answer["complete"]
    counted = {row["value"]: row["devices"] for row in answer["groups"][0]["values"]}
    expected = plain.grouped(customer.devices, "policy")
    assert counted == {value or "(none)": devices for value, devices in expected.items()}
    assert any(len(value) == 36 for value in counted)


@pytest.mark.slow
async def test_a_filter_by_a_policy_whose_name_could_not_be_had_gives_no_complete_answer(connect, sandbox):
    sandbox.switches.scripted.append(ScriptedResponse(match="/policies", status=403))
    async with connect() as client:
        named = await ask(
            client, "list_devices", customer=catalog.MANY_BATCHES_CUSTOMER, policy=catalog.POLICY_NAMES[0], limit=0
        )
        without = await ask(client, "list_devices", customer=catalog.MANY_BATCHES_CUSTOMER, policy="none", limit=0)
    assert not named["complete"]
    assert any(note.startswith("The list of policies could not be read") for note in named["notes"]), named["notes"]
    assert without["complete"]


async def test_another_batch_of_the_list_that_cannot_be_read_is_not_missed_by_a_question_about_one(
    connect, sandbox, world
):
    batches = world.batches(world.customer_id("Trey Research"))
    assert len(batches) == 1
    sandbox.switches.scripted.append(listed([*batches, 42]))
    async with connect() as client:
        answer = await ask(client, "list_devices", customer="Trey Research", batch=batches[0]["id"], limit=0)
    assert answer["complete"]


async def test_what_was_read_stays_until_a_batch_that_has_to_be_read_anew_has_a_first_page(connect, sandbox, coffee):
    everything_else = len(coffee.devices) - 106
    sandbox.switches.scripted.append(failure(403, match=devices_of(TWO_PAGES), skip=1))
    async with connect() as client:
        await ask(client, "list_devices", customer=COFFEE, limit=0)
        refused = failure(400, 2000, match=f"{devices_of(TWO_PAGES)} MS-ContinuationToken", times=1)
        sandbox.switches.scripted[:] = [refused, failure(403, match=devices_of(TWO_PAGES))]
        answer = await ask(client, "list_devices", customer=COFFEE, limit=0)
        assert answer["devices_total"] == everything_else + 100
        sandbox.switches.scripted.clear()
        whole = await ask(client, "list_devices", customer=COFFEE, limit=0)
    assert whole["complete"]
    assert whole["devices_total"] == len(coffee.devices)


@pytest.mark.slow
async def test_one_batch_that_is_refused_does_not_hide_that_time_was_up_for_the_others(connect, sandbox):
    sandbox.switches.scripted += [
        failure(403, match=devices_of(TWO_PAGES)),
        ScriptedResponse(match="/devices", hang=True),
    ]
    async with connect(answers={"time_budget_seconds": 1}) as client:
        answer = await ask(client, "list_devices", customer=COFFEE, limit=0)
    assert not answer["complete"]
    assert answer["devices_total"] == 0
