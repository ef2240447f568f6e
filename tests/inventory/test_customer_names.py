"""Which customer is meant by what people type and paste."""

import json

import pytest

from pc_mcp.inventory.nearest import nearest_of
from pc_mcp.sandbox import ScriptedResponse
from tests.scripted import AT_ONCE, ask, refusal

ID = "47021739-0c3b-4a6e-9d52-6b1f0e8a7c11"
OTHER = "9b1e6a70-52a4-4a7c-8f0d-1d2e3f405162"
CUSTOMERS = [
    (ID, "Øresund Rederi", "oresund.onmicrosoft.com"),
    (OTHER, "Müller & Söhne", "muellersoehne.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000001", "Harbourside Hotels", "harboursidehotels.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000002", "Harbourside Clinics", "harboursideclinics.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000003", "Twin", "twin-one.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000004", "Twin", "twin-two.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000005", "Adatum", "fabrikam.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000006", "Listed Twice", "listed-twice.onmicrosoft.com"),
    ("{00000000-0000-4000-8000-000000000006}", "Listed Twice", "listed-twice.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000007", OTHER, "named-like-an-id.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000008", "Kita", "kita.onmicrosoft.com"),
    ("00000000-0000-4000-8000-000000000009", "Kitanova", "nova.onmicrosoft.com"),
]


def listing(customers, **rest):
    items = [{"id": i, "companyProfile": {"companyName": name, "domain": domain}} for i, name, domain in customers]
    return json.dumps({"items": items, **rest}).encode()


@pytest.fixture
def customers(sandbox):
    sandbox.switches.scripted += [
        ScriptedResponse(match="/customers?", body=listing(CUSTOMERS), times=1000),
        ScriptedResponse(match="/deviceBatches", body=b'{"items": []}', times=1000),
    ]


async def meant(client, text):
    return (await ask(client, "list_device_batches", customer=text))["customer"]["id"]


async def test_a_customer_is_known_by_what_answers_show_of_its_name(connect, sandbox):
    """With a product key masked, or cut."""
    names = ["Key VK7JG-NPHTM-C97JM-9MPGW-3V66T x", "y" * 150]
    sandbox.switches.scripted += [
        ScriptedResponse(match="/customers?", body=listing([(ID, names[0], None), (OTHER, names[1], None)])),
        ScriptedResponse(match="/deviceBatches", body=b'{"items": []}'),
    ]
    async with connect() as client:
        found = (await ask(client, "find_customers"))["customers"]
        assert [each["name"] for each in found] == ["Key *****3V66T x", "y" * 119 + "…"]
        assert [await meant(client, each["name"]) for each in found] == [ID, OTHER]
        assert await meant(client, '"Key *****3v66t X"') == ID


async def test_a_part_of_a_name_is_not_found_so_far_where_the_list_broke_off(connect, sandbox):
    more = {"links": {"next": {"headers": [{"key": "MS-ContinuationToken", "value": "two"}]}}}
    sandbox.switches.scripted += [
        ScriptedResponse(match=" MS-ContinuationToken: two", status=400, body=b'{"code": 2001}'),
        ScriptedResponse(match="/customers?", body=listing(CUSTOMERS[:1], **more)),
    ]
    async with connect() as client:
        words = await refusal(client, "list_device_batches", customer="resund")
    assert words.startswith('Not found so far: none of the 1 customers that were read is called "resund", and the list')
    for part in ("could not be read to its end", "HTTP 400", "correlation id", "Ask", 'Nearest: "Øresund Rederi"'):
        assert part in words.replace("\\", "")


async def test_a_customer_without_a_name_is_not_shown_as_if_it_had_one(connect, sandbox):
    nameless = [(ID, None, None), (OTHER, None, None)]
    sandbox.switches.scripted.append(ScriptedResponse(match="/customers?", body=listing(nameless)))
    async with connect() as client:
        words = await refusal(client, "list_device_batches", customer=ID[:4])
    assert f"Nearest: without a name (id {ID})" in words


async def test_a_customer_is_known_by_everything_that_names_it(connect, customers):
    cases = {
        "Oresund Rederi": ID,
        "øresund": ID,
        "resund": ID,
        "Rederi": ID,
        "Muller & Sohne": OTHER,
        "MU\u0308LLER": OTHER,
        "Müller\u00a0&  Söhne": OTHER,
        "“Müller & Söhne”": OTHER,
        "muellersoehne": OTHER,
        "ewa@muellersoehne.onmicrosoft.com": OTHER,
        "https://muellersoehne.onmicrosoft.com/": OTHER,
        "Muller (muellersoehne.onmicrosoft.com)": OTHER,
        f"https://portal.example/dashboard/customers/{ID}/devices?tid=00000000-1111-4222-8333-444444444444": ID,
        f"pc-mcp://customers/{ID}/devices.csv": ID,
        f"the customer {ID.upper()}, please": ID,
        "Twin-one": "00000000-0000-4000-8000-000000000003",
        "listed twice": "00000000-0000-4000-8000-000000000006",
        "Kita": "00000000-0000-4000-8000-000000000008",
        "kitan": "00000000-0000-4000-8000-000000000009",
    }
    async with connect() as client:
        assert {text: await meant(client, text) for text in cases} == cases


async def test_an_exact_id_wins_over_a_customer_who_is_called_so(connect, customers):
    async with connect() as client:
        await ask(client, "find_customers")
        for text in (OTHER, OTHER.upper(), f"{{{OTHER}}}", OTHER.replace("-", ""), f"'{OTHER}'", f"urn:uuid:{OTHER}"):
            assert await meant(client, text) == OTHER


@pytest.mark.parametrize("form", ["{{{}}}", "({})", '"{}"', " {}. "])
async def test_a_tenant_id_is_asked_for_in_its_own_form(connect, sandbox, world, form):
    customer_id = world.customer_id("Contoso Ltd")
    async with connect() as client:
        for text in (form.format(customer_id), form.format(customer_id.replace("-", "").upper())):
            assert await meant(client, text) == customer_id
    assert not any(request.path.endswith("/customers") for request in sandbox.requests)


async def test_an_address_with_an_id_that_the_list_lacks_is_asked_for_it(connect, sandbox, world):
    customer_id = world.customer_id("Contoso Ltd")
    sandbox.switches.scripted.append(ScriptedResponse(match="/customers?", body=listing(CUSTOMERS), times=1))
    async with connect() as client:
        assert await meant(client, f"https://portal.example/customers/{customer_id}/devices") == customer_id


async def test_several_are_refused_with_name_domain_and_id_of_each(connect, customers):
    async with connect() as client:
        for text, expected in {
            "Twin": "34",
            "harbourside": "12",
            "boursid": "12",
            f"{ID} or {OTHER}": None,
        }.items():
            words = await refusal(client, "list_devices", customer=text)
            assert words.startswith("2 customers match")
            for customer_id, name, domain in CUSTOMERS:
                wanted = customer_id[-1] in expected and customer_id[0] == "0" if expected else customer_id in text
                assert (f'"{name}" (domain "{domain}", id {customer_id})' in words) == wanted


async def test_what_is_only_like_a_name_is_offered_and_never_taken(connect, customers):
    async with connect() as client:
        words = await refusal(client, "list_devices", customer="harborside")
        assert words.startswith('No customer matches "harborside". Nearest: ')
        for domain in ("harboursidehotels.onmicrosoft.com", "harboursideclinics.onmicrosoft.com"):
            assert domain in words
        assert 'Nearest: "Adatum"' in await refusal(client, "list_devices", customer="Adatun")
        for typed in ("zz", "Øresunds Rederi", "K"):
            await refusal(client, "list_devices", customer=typed)


async def test_another_domain_of_a_customer_is_answered_with_what_partner_center_knows(connect, customers):
    async with connect() as client:
        for text in ("fabrikam.com", "www.fabrikam.com", "https://www.fabrikam.com/", "ewa@fabrikam.com"):
            words = await refusal(client, "list_devices", customer=text)
            assert 'Nearest: "Adatum" (domain "fabrikam.onmicrosoft.com"' in words
        assert "by its default domain only" in await refusal(client, "list_devices", customer="fabrikam.com")
        found = await ask(client, "find_customers", query="fabrikam.com")
        assert found["customers_matched"] == 0
        assert any('"Adatum"' in note for note in found["notes"])


async def test_a_customer_that_is_listed_twice_is_one(connect, customers):
    async with connect() as client:
        found = await ask(client, "find_customers", query="listed twice")
    assert found["customers_matched"] == 1
    assert found["customers_total"] == len(CUSTOMERS) - 1


async def test_of_a_list_that_breaks_off_only_a_whole_name_is_taken(connect, sandbox):
    link = {"next": {"headers": [{"key": "MS-ContinuationToken", "value": "more"}]}}
    sandbox.switches.scripted += [
        ScriptedResponse(match="seekOperation=Next", status=500, headers=AT_ONCE, times=1000),
        ScriptedResponse(match="/customers?", body=listing(CUSTOMERS, links=link), times=1000),
        ScriptedResponse(match="/deviceBatches", body=b'{"items": []}', times=1000),
    ]
    async with connect() as client:
        assert await meant(client, "oresund rederi") == ID
        words = await refusal(client, "list_devices", customer="oresund")
    assert "could not be read to its end" in words
    assert f"id {ID}" in words


@pytest.mark.slow
def test_hints_among_very_many_and_very_odd_names_cost_little():
    """The work is bounded by characters: a close comparison of 1,000 such names took 13 s."""
    odd = ["ab" * 5_000 + str(number) for number in range(1_000)]
    many = [f"{number:05} company of somewhere" for number in range(300_000)]
    assert nearest_of("harborside", [*many[:20_000], "harbourside hotels"], 5)[0] == 20_000
    assert len(nearest_of("ba" * 2_000, odd, 5)) <= 5
    assert nearest_of("00007 company", many, 1) == [7]
    assert nearest_of("", many, 5) == nearest_of("x", [], 5) == nearest_of("x", ["", ""], 5) == []


async def test_refresh_reads_the_list_of_customers_again(connect, sandbox):
    sandbox.switches.scripted = [ScriptedResponse(match="/customers?", body=listing(CUSTOMERS[:3]), times=1000)]
    async with connect() as client:
        first = await ask(client, "find_customers", limit=1)
        sandbox.switches.scripted = [ScriptedResponse(match="/customers?", body=listing(CUSTOMERS), times=1000)]
        assert len((await ask(client, "find_customers"))["customers"]) == 3
        again = await ask(client, "find_customers", refresh=True)
        assert {customer["name"] for customer in again["customers"]} >= {"Kita", "Kitanova"}
        assert len((await ask(client, "find_customers"))["customers"]) == len(again["customers"]) > 3
        assert "cursor" in await refusal(client, "find_customers", limit=1, cursor=first["next_cursor"])
