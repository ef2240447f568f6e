"""Every count and every row, over the sandbox's customers, against a computation in plain Python."""

from collections import Counter
from functools import cache
from typing import get_args

import pytest
from mcp import Client

from bench import plain
from pc_mcp.answers import Field
from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import World, catalog, running
from tests.conftest import settings_for

# Many inputs to lines that other tests cover too; to be measured would double what these take.
pytestmark = pytest.mark.no_cover

LARGE = {company.name for company in catalog.COMPANIES if company.holding == "large"}
NOT_READABLE = {catalog.NO_RELATIONSHIP_CUSTOMER}
SMALLER = [
    company["companyProfile"]["companyName"]
    for company in World().customers()
    if company["companyProfile"]["companyName"] not in {*LARGE, *NOT_READABLE, catalog.HUNDRED_THOUSAND_CUSTOMER}
]
MEDIUM = {company.name for company in catalog.COMPANIES if company.holding == "medium"}
PAGED = [name for name in SMALLER if name not in MEDIUM or name == catalog.ODD_BATCH_NAMES_CUSTOMER]


def marked(names):
    """Those that hold many devices are slow."""
    many = {*MEDIUM, catalog.HUNDRED_THOUSAND_CUSTOMER}
    return [pytest.param(name, marks=[pytest.mark.slow] if name in many else []) for name in names]


CUSTOMERS = marked([*SMALLER, catalog.HUNDRED_THOUSAND_CUSTOMER])


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def client(world):
    """One server for the module, so that each customer is walked once; answers hold every group."""
    with running(world) as sandbox:
        settings = settings_for(sandbox, answers={"max_chars": 100_000, "time_budget_seconds": 50})
        async with Client(build_server(settings)) as client:
            yield client


@pytest.fixture(scope="module")
def customer(world):
    """A customer's devices, by name, as plain Python reads them."""
    return cache(lambda name: plain.customer_of(world, name))


async def ask(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    return result.structured_content


def check_counts(answer, expected, where, batches):
    """Totals, every grouping and every finding of `answer` are those of `expected`, filtered."""
    matched = plain.matching(expected, where)
    assert answer["complete"] != any(batch.unreadable for batch in batches)
    assert answer["devices_total"] == len(expected)
    assert answer["devices_matched"] == len(matched), where
    for group in answer["groups"]:
        counted = Counter()
        for values, devices in plain.combined(matched, group["by"]).items():
            counted[*["(none)" if value is None else plain.cleaned(value) for value in values], devices] += 1
        given = [tuple(row.values()) for row in group["values"]]
        check_order(group["by"], given)
        assert sum(row[-1] for row in given) + group["other"] == len(matched)
        if group["other"]:
            assert not Counter(given) - counted
        else:
            assert Counter(given) == counted, (where, group)
    found = {row["kind"]: row["devices"] for row in answer["attention"]}
    assert found == plain.attention(expected, matched, batches, where), where
    return matched


def check_order(by, rows):
    """Times are in their order, those without one last; what has most devices comes first."""
    times = [place for place, fact in enumerate(by.split("+")) if fact.startswith("uploaded_")]
    places = [([(row[place] == "(none)", row[place]) for place in times], -row[-1]) for row in rows]
    assert places == sorted(places)


def some_groupings(number):
    """As many as one question may have, others for each number."""
    every = [*plain.GROUPINGS, *plain.COMBINATIONS]
    return [every[(number * plain.MOST_GROUPINGS + place) % len(every)] for place in range(plain.MOST_GROUPINGS)]


def questions(devices):
    """Filters of every kind that are worth asking about these devices."""
    some = devices[:: max(1, len(devices) // 3)]
    for column in ("manufacturer", "model", "policy"):
        values = list(plain.grouped(devices, column))
        for value in [value for value in values if value][:3]:
            yield {column: value[:200]}
            yield {column: value[1 : len(value) // 2 + 1].swapcase() + "\u200b"}
    yield {"policy": "None"}
    yield {"policy": "none", "model": "e"}
    yield {"manufacturer": "no such maker"}
    for device in some:
        if device["serial_number"]:
            yield {"serial_number": device["serial_number"][-3:].lower()}
            yield {"serial_number": f" \u2060{device['serial_number'][:200].upper()}"}
    yield {"serial_number": "5cg"}
    yield {"serial_number": "1", "manufacturer": "dell", "policy": "o"}
    for device in some:
        if device["uploaded"]:
            # The moment itself, to the microsecond: after includes it, before does not.
            moment = device["uploaded"].isoformat()
            yield {"uploaded_after": moment}
            yield {"uploaded_before": moment}
            yield {"uploaded_after": f"{moment[:7]}-01", "uploaded_before": f"{moment[:8]}28T12:00:00-07:00"}
            yield {"uploaded_after": moment, "model": "a"}
    yield {"uploaded_after": "0002-01-01"}
    yield {"uploaded_before": "9999-12-31"}


@pytest.mark.slow
@pytest.mark.parametrize("name", CUSTOMERS)
async def test_totals_groups_and_findings_of_a_customer_are_exact(client, customer, name):
    expected = customer(name)
    for number in range(1, 3):
        answer = await ask(client, "list_devices", customer=name, limit=0, group_by=some_groupings(number))
        assert [group["by"] for group in answer["groups"]] == some_groupings(number)
        check_counts(answer, expected.devices, {}, expected.batches)
    answer = await ask(client, "list_devices", customer=name, limit=0, group_by=some_groupings(0))
    assert [group["by"] for group in answer["groups"]] == some_groupings(0)
    assert answer["batches_read"] == answer["batches_total"] == len(expected.batches)
    check_counts(answer, expected.devices, {}, expected.batches)
    unreadable = sum(batch.unreadable for batch in expected.batches)
    said = [note for note in answer["notes"] if "could not be read" in note]
    assert [int(note.split()[0]) for note in said] == ([unreadable] if unreadable else [])


@pytest.mark.slow
@pytest.mark.parametrize("name", CUSTOMERS)
async def test_every_filter_is_exact_with_every_grouping(client, customer, name):
    expected = customer(name)
    devices = expected.devices
    hits = 0
    # Fewer questions where each takes longer, and not the same ones for every customer.
    step = 1 if len(devices) < 1000 else 2 if len(devices) < 20_000 else 4
    for number, where in enumerate(list(questions(devices))[len(name) % step :: step]):
        by = some_groupings(number) if len(devices) < 1000 else some_groupings(number)[:1]
        answer = await ask(client, "list_devices", customer=name, limit=0, group_by=list(by), **where)
        hits += bool(check_counts(answer, devices, where, expected.batches))
    assert hits or not devices


@pytest.mark.slow
@pytest.mark.parametrize("name", marked(PAGED))
async def test_paging_gives_every_device_with_every_fact_once_and_in_order(client, customer, name):
    expected = [plain.row(device) for device in customer(name).devices]
    rows, cursor = [], None
    while True:
        answer = await ask(client, "list_devices", customer=name, fields=list(plain.COLUMNS), limit=100, cursor=cursor)
        rows += answer["devices"]
        assert answer["shown"] == len(answer["devices"])
        assert answer["shown"] + answer["omitted"] == answer["devices_matched"] == len(expected)
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert rows == expected


@pytest.mark.parametrize("name", CUSTOMERS)
async def test_rows_that_match_a_filter_are_the_right_ones(client, customer, name):
    devices = customer(name).devices
    where = {"policy": "none", "serial_number": "7", "model": "p"}
    matched = [plain.row(device) for device in plain.matching(devices, where)]
    answer = await ask(client, "list_devices", customer=name, fields=list(plain.COLUMNS), limit=100, **where)
    assert answer["devices"] == matched[:100]
    assert answer["devices_matched"] == len(matched)


@pytest.mark.parametrize("name", CUSTOMERS)
async def test_counts_of_single_batches_are_exact(client, customer, name):
    expected = customer(name)
    for batch in expected.batches[:: len(expected.batches) // 12 + 1]:
        where = {"policy": "none"} if len(batch.devices) % 2 else {}
        answer = await ask(
            client,
            "list_devices",
            customer=name,
            batch=plain.cleaned(batch.id),
            limit=0,
            group_by=["model", "policy", "uploaded_day"],
            **where,
        )
        check_counts(answer, batch.devices, where, [batch])
        assert answer["batch"] == plain.cleaned(batch.id)
        assert answer["batches_total"] == 1


@pytest.mark.parametrize("name", CUSTOMERS)
async def test_find_devices_finds_each_device_that_an_identifier_fits(client, customer, name):
    devices = customer(name).devices
    by_identifier: dict[str, list] = {}
    for device in devices:
        identifiers = (device[column] for column in ("serial_number", "id", "product_key"))
        for identifier in {plain.key(text) for text in identifiers if text}:
            by_identifier.setdefault(identifier, []).append(device)
    several = [identifier for identifier, fitting in by_identifier.items() if len(fitting) > 1]
    wanted = [*several[:10], *list(by_identifier)[:: len(by_identifier) // 60 + 1], "no-such-device", "00"]
    wanted = [identifier for identifier in dict.fromkeys(wanted) if len(identifier) <= 256]
    found, not_found, cursor = [], [], None
    while True:
        answer = await ask(
            client,
            "find_devices",
            customer=name,
            identifiers=[text.upper() for text in wanted],
            fields=list(get_args(Field)),
            cursor=cursor,
        )
        found += answer["found"]
        not_found += answer["not_found"]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    fitting = [(text.upper(), device) for text in wanted for device in by_identifier.get(text, [])]
    assert [row["device"] for row in found] == [plain.row(device) for _, device in fitting]
    assert [row["identifier"] for row in found] == [plain.cleaned(text) for text, _ in fitting]
    assert not_found == [plain.cleaned(text.upper()) for text in wanted if text not in by_identifier]
    assert answer["complete"] != any(batch.unreadable for batch in customer(name).batches)


@pytest.mark.parametrize("name", CUSTOMERS)
async def test_list_device_batches_gives_every_batch_and_the_sum_of_their_counts(client, customer, world, name):
    counts = {batch.id: batch.count for batch in customer(name).batches}
    expected = [batch["id"] for batch in plain.newest_first(world.batches(world.customer_id(name)))]
    rows, cursor = [], None
    while True:
        answer = await ask(client, "list_device_batches", customer=name, limit=100, cursor=cursor)
        rows += answer["batches"]
        assert answer["batches_total"] == answer["batches_matched"] == len(expected)
        assert answer["devices_expected"] == sum(counts.values())
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert [(row["id"], row["devices"]) for row in rows] == [
        (plain.cleaned(batch), counts[batch]) for batch in expected
    ]
    assert sum(row["batches"] for row in answer["by_status"]) == len(expected)


@pytest.mark.parametrize("name", CUSTOMERS)
async def test_filters_of_batches_are_exact(client, world, name):
    batches = plain.newest_first(world.batches(world.customer_id(name)))
    created = [(batch, plain.instant(batch.get("creationDate"))) for batch in batches]
    for moment in sorted(when for _, when in created if when)[:: len(created) // 3 + 1]:
        text = moment.isoformat()
        for where, fits in (
            ({"created_after": text}, [batch for batch, when in created if when and when >= moment]),
            ({"created_before": text}, [batch for batch, when in created if when and when < moment]),
            ({"name_contains": "ROLLOUT"}, [b for b in batches if "rollout" in b["id"].casefold()]),
        ):
            answer = await ask(client, "list_device_batches", customer=name, limit=100, **where)
            assert answer["batches_matched"] == len(fits)
            assert [row["id"] for row in answer["batches"]] == [plain.cleaned(b["id"]) for b in fits[:100]]
            statuses = Counter(batch.get("status") or "(none)" for batch in fits)
            assert {row["value"]: row["batches"] for row in answer["by_status"]} == statuses


@pytest.mark.slow
@pytest.mark.parametrize("name", [catalog.MANY_BATCHES_CUSTOMER, catalog.ODD_BATCH_NAMES_CUSTOMER])
async def test_values_that_do_not_fit_are_counted_in_other(name, customer, world):
    expected = customer(name).devices
    with running(world) as sandbox:
        settings = settings_for(sandbox, answers={"max_chars": 6000})
        async with Client(build_server(settings)) as client:
            answer = await ask(client, "list_devices", customer=name, group_by=["batch", "uploaded_day"], limit=3)
    for group in answer["groups"]:
        counted = list(plain.grouped(expected, group["by"]).items())
        if group["order"] == "time":  # the latest are given
            counted.sort(key=lambda item: (item[0] is None, item[0]))
            counted = counted[len(counted) - len(group["values"]) :]
        else:
            counted.sort(key=lambda item: -item[1])
        given = [row["devices"] for row in group["values"]]
        assert given == [devices for _, devices in counted[: len(given)]]
        assert group["other"] == len(expected) - sum(given)
    assert any(group["other"] for group in answer["groups"])
    assert all(group["values"] for group in answer["groups"])
