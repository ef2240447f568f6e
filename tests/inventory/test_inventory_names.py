"""Which customer and which batch a name means."""

import json

import pytest

from bench import plain
from pc_mcp.sandbox import ScriptedResponse, catalog, documents, hostile
from tests.scripted import AT_ONCE, ask, devices_of, pages_read, refusal

CONTOSO = catalog.ODD_BATCH_NAMES_CUSTOMER
BATCH = "Malmö-2606"


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "Contoso Ltd",
        "contoso ltd",
        " Contoso\u200b Ltd ",
        "CONTOSO.onmicrosoft.com",
        "contoso l",
        "contoso.on",
        "contoso.onmicrosoft",
        "oso Lt",
        '"Contoso Ltd"',
        "https://portal.example/contoso.onmicrosoft.com/devices",
        "ewa@contoso.onmicrosoft.com",
    ],
)
async def test_a_customer_is_found_by_name_domain_or_the_start_of_one(connect, world, text):
    async with connect() as client:
        answer = await ask(client, "list_device_batches", customer=text, limit=0)
    assert answer["customer"] == {
        "id": world.customer_id(CONTOSO),
        "name": CONTOSO,
        "domain": "contoso.onmicrosoft.com",
    }


@pytest.mark.parametrize("directory_first", [True, False])
async def test_a_customer_is_found_by_its_id_in_any_case(connect, sandbox, world, directory_first):
    customer_id = world.customer_id(CONTOSO)
    async with connect() as client:
        if directory_first:
            await ask(client, "find_customers", limit=1)
        answer = await ask(client, "list_device_batches", customer=f" {customer_id.upper()} ", limit=0)
    assert answer["customer"]["name"] == CONTOSO
    asked = [request.path for request in sandbox.requests if request.path.endswith(f"/customers/{customer_id}")]
    assert len(asked) == (0 if directory_first else 1)


async def test_a_name_that_several_customers_share_is_refused_with_the_list_to_choose_from(connect, world):
    async with connect() as client:
        text = await refusal(client, "list_devices", customer="contoso")
        assert text.startswith("3 customers match")
        for name in ("Contoso Ltd", "Contoso Hotels", "Contoso Pharmaceuticals"):
            assert name in text
            assert world.customer_id(name) in text


async def test_of_many_customers_that_match_ten_are_listed_and_the_rest_is_counted(connect, sandbox):
    items = [{"id": f"id-{n}", "companyProfile": {"companyName": f"Many {n:02d}"}} for n in range(26)]
    body = json.dumps({"items": items}).encode()
    sandbox.switches.scripted.append(ScriptedResponse(match="/customers?", body=body))
    async with connect() as client:
        text = await refusal(client, "list_devices", customer="many")
    assert text.startswith("26 customers match")
    assert '"Many 09" (id id-9)' in text
    assert "Many 10" not in text
    assert "and 16 more" in text


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("Contosso Ltd", "Contoso Ltd"),
        ("fabrikan.com", "Fabrikam Manufacturing"),
        ("qqqqqqqqqq", "find_customers"),
        ("11111111-2222-4333-8444-555555555555", "find_customers"),
    ],
)
async def test_an_unknown_customer_is_refused_with_what_is_near(connect, text, nearest):
    async with connect() as client:
        assert nearest in await refusal(client, "list_devices", customer=text)


async def test_a_customer_list_that_breaks_off_is_said_to_and_read_on_later(connect, sandbox, world):
    half = world.customers()[:5]
    link = {"headers": [{"key": "MS-ContinuationToken", "value": "more"}]}
    body = json.dumps({"items": half, "links": {"next": link}}).encode()
    rest = json.dumps({"items": [42, *world.customers()[5:]]}).encode()
    sandbox.switches.scripted += [
        ScriptedResponse(match="/customers?", body=body, times=1),
        ScriptedResponse(match="seekOperation=Next", status=500, headers=AT_ONCE, times=10),
        ScriptedResponse(match="seekOperation=Next", body=rest, times=1),
    ]
    async with connect() as client:
        found = await ask(client, "find_customers", query="a", limit=100)
        assert not found["complete"]
        assert any("failed to answer" in note for note in found["notes"])
        text = await refusal(client, "list_devices", customer="Woodgrove Bank")
        assert "could not be read to its end" in text
        found = await ask(client, "find_customers", limit=100)
        assert (found["complete"], found["next_step"]) == (False, "none")
        assert sorted(row["name"] for row in found["customers"]) == sorted(
            customer["companyProfile"]["companyName"] for customer in world.customers()
        )
        assert any(note.startswith("1 customer of the service could not be read") for note in found["notes"])
    tokens = [request.headers.get("ms-continuationtoken") for request in sandbox.requests]
    assert tokens.count(None) == 1


async def test_a_customer_list_that_has_to_be_begun_again_is_known_as_before_until_its_first_page_is_there(
    connect, sandbox, world
):
    link = {"headers": [{"key": "MS-ContinuationToken", "value": "more"}]}
    body = json.dumps({"items": [42, *world.customers()[:5]], "links": {"next": link}}).encode()
    sandbox.switches.scripted += [
        ScriptedResponse(match="/customers?", body=body, times=1),
        ScriptedResponse(match="seekOperation=Next", status=500, headers=AT_ONCE, times=10),
        ScriptedResponse(match="seekOperation=Next", status=400, times=10),
        ScriptedResponse(match="/customers?", status=500, headers=AT_ONCE, times=10),
    ]
    async with connect() as client:
        answers = [await ask(client, "find_customers", limit=100) for _ in range(2)]
        sandbox.switches.scripted.clear()
        whole = await ask(client, "find_customers", limit=100)
    assert [(each["customers_total"], each["complete"]) for each in answers] == [(5, False)] * 2
    assert answers[0]["customers"] == answers[1]["customers"]
    assert (whole["customers_total"], whole["complete"]) == (len(world.customers()), True)


async def test_a_customer_that_nobody_can_read_may_be_the_one_that_is_not_found(connect, sandbox, world):
    body = json.dumps({"items": [42, *world.customers()]}).encode()
    sandbox.switches.scripted.append(ScriptedResponse(match="/customers?", body=body))
    async with connect() as client:
        text = await refusal(client, "list_devices", customer="No Such Customer")
    assert text.startswith('No customer matches "No Such Customer". Customers that could not be read')


async def test_when_not_even_one_page_of_customers_can_be_read_that_is_an_error(connect, sandbox):
    sandbox.switches.scripted.append(ScriptedResponse(match="/customers?", status=503, headers=AT_ONCE))
    async with connect() as client:
        assert "failed to answer" in await refusal(client, "list_devices", customer=CONTOSO)


@pytest.mark.parametrize("text", [BATCH, "MALMO\u20132606", "MALMÖ-2606", " malmö-\u20602606"])
async def test_a_batch_is_found_in_any_case_and_without_hidden_characters(connect, sandbox, text):
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CONTOSO, batch=text, limit=0)
    assert answer["batch"] == BATCH
    assert answer["devices_total"] == 590
    assert {path.split("/deviceBatches/")[1] for path, _ in pages_read(sandbox)} == {f"{BATCH}/devices"}


@pytest.mark.parametrize(
    ("customer", "text", "hint"),
    [
        (CONTOSO, "Malmo-2607", 'Nearest: "Malmö-2606"'),
        (CONTOSO, "zzzzzz", "Use list_device_batches"),
        (catalog.NO_BATCHES_CUSTOMER, "Rollout", "The customer has no batches."),
    ],
)
async def test_an_unknown_batch_is_asked_for_and_then_refused_with_what_is_near(connect, sandbox, customer, text, hint):
    async with connect() as client:
        refused = await refusal(client, "list_devices", customer=customer, batch=text)
    assert f'no batch "{text}"' in refused
    assert hint in refused
    assert [path.split("/deviceBatches/")[1] for path, _ in pages_read(sandbox)] == [f"{text}/devices"]


async def test_a_batch_is_found_by_a_part_that_no_other_one_has_after_the_service_was_asked(connect, sandbox):
    async with connect() as client:
        for text in ("Malmo", "almö-26", "“Malmö-2606”"):
            answer = await ask(client, "list_devices", customer=CONTOSO, batch=text, limit=1)
            assert answer["batch"] == BATCH
        first = await ask(client, "list_devices", customer=CONTOSO, batch="finance", limit=1)
        cursor = first["next_cursor"]
        second = await ask(client, "list_devices", customer=CONTOSO, batch="finance", limit=1, cursor=cursor)
        assert second["batch"] == first["batch"] == "FINANCE laptops"
        refused = await refusal(client, "list_devices", customer=CONTOSO, batch="laptops")
        listed = await ask(client, "list_device_batches", customer=CONTOSO, name_contains="Malmoe-2606")
    assert refused.startswith('2 batches have a name with "laptops": "100% Laptops", "FINANCE laptops".')
    assert (listed["batches_matched"], listed["notes"][0]) == (0, 'No batch has such a name. Nearest: "Malmö-2606".')


async def test_a_batch_that_the_list_lacks_is_read_when_the_service_knows_it(connect, sandbox, mode):
    question = {"customer": documents.CUSTOMER_ID, "fields": list(plain.COLUMNS)}
    async with connect(mode) as client:
        whole = await ask(client, "list_devices", **question)
        answer = await ask(client, "list_devices", batch="testbatch", **question)
        expected = [plain.device_of(item, "testbatch", {}) for item in documents.DEVICES["testbatch"]]
        assert answer["devices"] == [plain.row(device) for device in expected]
        assert answer["complete"]
        assert answer["batch"] == "testbatch"
        assert answer["batches_total"] == 1
        assert any("does not name this batch" in note for note in answer["notes"])
        read = len(sandbox.requests)
        again = await ask(client, "list_devices", batch="TestBatch", **question)
        # The customer's own list is what it was.
        after = await ask(client, "list_devices", **question)
        assert len(sandbox.requests) == read
    assert again["devices"] == answer["devices"]
    assert after["devices"] == whole["devices"]
    assert after["batches_total"] == 1
    assert not any("does not name" in note for note in after["notes"])


async def test_an_unlisted_batch_of_a_customer_without_any_is_read(connect, sandbox, world):
    empty = ScriptedResponse(match="/deviceBatches", body=b'{"totalCount": 0, "items": null}', times=1)
    sandbox.switches.scripted.append(empty)
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CONTOSO, batch="Lot #42", limit=0)
        whole = await ask(client, "list_devices", customer=CONTOSO, limit=0)
    assert answer["devices_total"] == sum(1 for _ in world.devices(world.customer_id(CONTOSO), "Lot #42"))
    assert whole["devices_total"] == whole["batches_total"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("pages", [1, 3])
async def test_an_unlisted_batch_of_several_pages_is_read_to_its_end_and_goes_on_after_a_failure(
    connect, sandbox, world, pages
):
    customer_id = world.customer_id(CONTOSO)
    others = [batch for batch in world.batches(customer_id) if batch["id"] != BATCH]
    sandbox.switches.scripted += [
        ScriptedResponse(match="/deviceBatches", body=json.dumps({"items": others}).encode(), times=1),
        ScriptedResponse(match=devices_of(BATCH), skip=pages, status=500, headers=AT_ONCE, times=5),
    ]
    async with connect() as client:
        first = await ask(client, "list_devices", customer=CONTOSO, batch=BATCH, limit=0)
        assert not first["complete"]
        assert first["devices_total"] == 100 * pages
        again = await ask(client, "list_devices", customer=CONTOSO, batch=BATCH, limit=0)
        assert again["complete"]
        assert again["devices_total"] == 590
        whole = await ask(client, "list_devices", customer=CONTOSO, limit=0)
    assert whole["batches_total"] == 19
    assert whole["devices_total"] == sum(1 for b in others for _ in world.devices(customer_id, b["id"]))
    assert sorted(pages_read(sandbox).values())[-2:] == [1, 6]  # five attempts, and once more


async def test_a_service_that_fails_for_an_unlisted_batch_is_an_error_and_not_an_unknown_batch(connect, sandbox):
    sandbox.switches.scripted.append(ScriptedResponse(match=devices_of("new"), status=500, headers=AT_ONCE))
    async with connect() as client:
        assert "failed to answer" in await refusal(client, "list_devices", customer=CONTOSO, batch="new")


@pytest.mark.slow
async def test_every_batch_is_found_by_the_id_that_an_answer_shows(connect, world):
    customer_id = world.customer_id(catalog.HOSTILE_CUSTOMER)
    async with connect() as client:
        batches = (await ask(client, "list_device_batches", customer=customer_id))["batches"]
        result = await client.call_tool("list_device_batches", {"customer": customer_id})
        cells = [line.split(" | ")[0].removeprefix("| ") for line in result.content[0].text.splitlines()]
        assert len(batches) == len(hostile.BATCH_IDS)
        reals = [each["id"] for each in plain.newest_first(world.batches(customer_id))]
        for batch, real in zip(batches, reals, strict=True):
            items = [item for item in world.devices(customer_id, real) if isinstance(item, dict)]
            # One has a serial number that is none.
            devices = sum(not isinstance(item["serialNumber"], dict) for item in items)
            for written in (
                batch["id"],
                next(cell for cell in cells if cell.replace("\\", "") == batch["id"]),
            ):
                answer = await ask(client, "list_devices", customer=customer_id, batch=written, limit=0)
                assert answer["batch"] == batch["id"]
                assert answer["devices_total"] == devices


async def test_batches_that_differ_in_case_or_behind_the_cut_only_are_told_apart_or_refused(connect, sandbox):
    long = "x" * 130
    ids = ["Alpha", "ALPHA", f"{long}a", f"{long}b"]
    listed = json.dumps({"items": [{"id": batch} for batch in ids]}).encode()
    device = b'{"items": [{"id": "1"}]}'
    sandbox.switches.scripted += [
        ScriptedResponse(match="/devices", body=device),
        ScriptedResponse(match="/deviceBatches", body=listed),
    ]
    async with connect() as client:
        for batch in ids:
            answer = await ask(client, "list_devices", customer=CONTOSO, batch=batch, limit=0)
            assert (answer["devices_total"], answer["batches_total"]) == (1, 1)
        assert len(pages_read(sandbox)) == 4
        text = await refusal(client, "list_devices", customer=CONTOSO, batch="alpha")
        assert '"Alpha", "ALPHA"' in text
        text = await refusal(client, "list_devices", customer=CONTOSO, batch=f"{'x' * 119}…")
        assert text.startswith("2 batches are called")
        assert f'"{"x" * 79}…" #2 (created at a time that is not known)' in text
        answer = await ask(client, "list_devices", customer=CONTOSO, batch=f'"{"x" * 79}…" #2', limit=0)
        assert answer["batches_total"] == 1


async def test_batches_whose_names_look_the_same_can_each_be_named(connect, sandbox):
    created = "2025-03-0{}T10:00:00"
    key = "Key VK7JG-NPHTM-C97JM-9MPG{}-3V66T x"
    ids = ["B1", "B1 ", "B\u200b1", key.format("W"), key.format("X")]
    batches = [{"id": each, "creationDate": created.format(n), "devicesCount": n} for n, each in enumerate(ids, 1)]
    sandbox.switches.scripted += [
        *(
            ScriptedResponse(match=f"/deviceBatches/{each}/devices", times=9, body=b'{"items": [{"id": "of %d"}]}' % n)
            for n, each in reversed([*enumerate(ids, 1)])
        ),
        ScriptedResponse(match="/deviceBatches", body=json.dumps({"items": batches}).encode()),
    ]
    async with connect() as client:
        for text, among, first in (("b1", ids[:3], 1), ("Key *****3V66T x", ids[3:], 4)):
            words = await refusal(client, "list_devices", customer=CONTOSO, batch=text)
            shown = "B1" if text == "b1" else text
            for place in range(1, len(among) + 1):
                day = first + place - 1
                offered = f'"{shown}" #{place} (created 2025-03-0{day} 10:00 UTC, devicesCount {day})'
                assert offered in words.replace("\\", "")
                answers = [
                    await ask(client, "list_devices", customer=CONTOSO, batch=name, fields=["id"])
                    for name in (f'"{shown}" #{place}', f"{shown} #{place}")
                ]
                assert [answer["devices"] for answer in answers] == [[{"id": f"of {day}"}]] * 2
        await ask(client, "list_devices", customer=CONTOSO, batch="B1", limit=0)  # an exact name is one
