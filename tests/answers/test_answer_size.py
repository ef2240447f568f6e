"""Any list, with any text in its fields, makes an answer that keeps its budget and cuts no row."""

from functools import partial
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pc_mcp.answers import (
    Answer,
    Field,
    batch_list_answer,
    customer_list_answer,
    device_list_answer,
    find_answer,
    policy_list_answer,
    upload_answer,
)
from pc_mcp.answers.devices import DEFAULT_FIELDS
from pc_mcp.answers.found import FIELDS
from pc_mcp.inventory import (
    BatchFilter,
    Call,
    DeviceFilter,
    GroupBy,
    find_devices,
    list_batches,
    list_customers,
    list_devices,
    list_policies,
    upload_status,
)
from pc_mcp.partner_center.models import Customer
from tests.answers import generated
from tests.answers.generated import Service, asked
from tests.answers.reading import cell_of, check_cleaned, check_halves, table_below

# Many inputs to lines that other tests cover too; to be measured would double what these take.
pytestmark = pytest.mark.no_cover

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
examples = partial(settings, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW)
budgets = st.sampled_from([6000, 8000])
MOST_PAGES = 4


def check(answer: Answer, max_chars: int) -> None:
    check_halves(answer.text, answer.data, max_chars)
    check_cleaned(answer.text, answer.data)


def check_counts(data: dict[str, Any], rows: str, matched: str, limit: int) -> None:
    """Rows that are shown are counted, so are those left out, and paging always goes on."""
    assert data["shown"] == len(data[rows]) <= limit
    assert data["shown"] + data["omitted"] == data[matched]
    assert (data["next_cursor"] is None) or data["shown"] > 0


@st.composite
def customers_devices(draw: st.DrawFn) -> Service:
    """Up to 5,000 devices in up to a dozen batches, of which some fail; a page has 1,000."""
    items = st.one_of(generated.devices, generated.devices, st.sampled_from([None, 42, "text"]))
    devices = draw(generated.many(items, 5000))
    names = draw(st.lists(generated.any_text.filter(bool), min_size=1, max_size=12, unique=True))
    names = [name.encode("utf-8", "replace").decode() for name in names]
    names = list(dict.fromkeys(names))
    share = -(-len(devices) // len(names))
    by_name = {name: devices[n * share : (n + 1) * share] for n, name in enumerate(names)}
    count = draw(st.sampled_from([0, 1]))
    batches = [{"id": name, "devicesCount": len(by_name[name]) + count} for name in names]
    failing = draw(st.sets(st.integers(0, len(names) - 1), max_size=len(names) - 1))
    return Service(devices=by_name, batches=batches, failing=frozenset(failing))


filters = st.builds(
    DeviceFilter,
    serial_number=st.none() | st.sampled_from(["a", "1", "["]),
    manufacturer=st.none() | generated.any_text,
    policy=st.none() | st.sampled_from(["none", "a"]),
)


LONG_ADDRESS = "pc-mcp://customers/" + "x" * 380


groupings = st.lists(st.sampled_from(get_args(GroupBy)), min_size=1, max_size=2, unique=True).map(tuple)


@pytest.mark.slow
@examples(max_examples=30)
@given(
    service=customers_devices(),
    customer=generated.shown_customers,
    where=st.just(DeviceFilter()) | filters,
    group_by=st.none() | st.lists(groupings, unique=True, max_size=4),
    fields=st.none() | st.lists(st.sampled_from(get_args(Field)), min_size=1),
    limit=st.integers(0, 100) | st.just(100),
    max_chars=budgets,
)
def test_an_answer_about_devices_keeps_its_budget_and_pages_to_the_last_device(
    service, customer, where, group_by, fields, limit, max_chars
):
    async def question(call: Call) -> list[Answer]:
        answers: list[Answer] = []
        cursor = None
        while len(answers) < MOST_PAGES and (cursor or not answers):
            result = await list_devices(call, customer, None, where, group_by=group_by, limit=limit, cursor=cursor)
            answers.append(device_list_answer(result, where, fields, max_chars, whole_list=LONG_ADDRESS))
            cursor = answers[-1].data["next_cursor"]
        return answers

    seen = 0
    chosen = list(dict.fromkeys(fields or DEFAULT_FIELDS))
    for answer in asked(service, question):
        data: Any = answer.data
        check(answer, max_chars)
        check_counts(data, "devices", "devices_matched", limit)
        rows = table_below(answer.text, *chosen)
        assert rows == [[cell_of(value) for value in device.values()] for device in data["devices"]]
        assert data["shown"] > 0 or limit == 0 or data["devices_matched"] == 0
        for group in data["groups"]:
            assert sum(value["devices"] for value in group["values"]) + group["other"] == data["devices_matched"]
        seen += data["shown"]
        if data["shown"]:
            assert (data["next_cursor"] is None) == (seen == data["devices_matched"])


@pytest.mark.slow
@examples(max_examples=20)
@given(
    service=customers_devices(),
    customer=generated.shown_customers,
    unknown=st.lists(generated.any_text, max_size=60),
    known=st.integers(1, 150),
    fields=st.none() | st.lists(st.sampled_from(get_args(Field)), min_size=1, max_size=8),
    max_chars=budgets,
)
def test_an_answer_about_identifiers_keeps_its_budget_and_pages_to_the_last_one(
    service, customer, unknown, known, fields, max_chars
):
    devices = [item for items in service.devices.values() for item in items if isinstance(item, dict)]
    serials = [device.get("serialNumber") for device in devices[:known]]
    identifiers = [*[*(text for text in (*serials, *unknown) if isinstance(text, str))][:199], "x"]

    async def question(call: Call) -> list[Answer]:
        answers: list[Answer] = []
        cursor = None
        while len(answers) < MOST_PAGES and (cursor or not answers):
            result = await find_devices(call, customer, identifiers, limit=200, cursor=cursor)
            answers.append(find_answer(result, fields, max_chars))
            cursor = answers[-1].data["next_cursor"]
        return answers

    for answer in asked(service, question):
        data: Any = answer.data
        check(answer, max_chars)
        assert data["shown"] == len(data["found"])
        assert data["found"] or data["not_found"] or not data["identifiers_found"] + data["identifiers_not_found"]
        rows = [[cell_of(v) for v in (f["identifier"], *f["device"].values())] for f in data["found"]]
        assert table_below(answer.text, "identifier", *(data["found"][0]["device"] if rows else FIELDS)) == rows


@pytest.mark.slow
@examples(max_examples=20)
@given(
    items=generated.many(generated.batches, 300),
    customer=generated.shown_customers,
    where=st.builds(BatchFilter, name_contains=st.none() | generated.any_text),
    limit=st.integers(0, 100) | st.just(100),
    max_chars=budgets,
)
def test_an_answer_about_batches_keeps_its_budget(items, customer, where, limit, max_chars):
    async def question(call: Call) -> Answer:
        result = await list_batches(call, customer, where, limit=limit)
        return batch_list_answer(result, where, max_chars)

    unique = [item | {"id": f"{number} {item['id']}"} for number, item in enumerate(items)]
    answer = asked(Service(batches=unique), question)
    data: Any = answer.data
    check(answer, max_chars)
    check_counts(data, "batches", "batches_matched", limit)
    assert data["shown"] > 0 or limit == 0 or data["batches_matched"] == 0
    rows = table_below(answer.text, "batch", "devices", "created", "status", "created by")
    assert rows == [[cell_of(value) for value in batch.values()] for batch in data["batches"]]


@pytest.mark.slow
@examples(max_examples=20)
@given(
    items=generated.many(generated.customers, 300),
    query=st.none() | generated.any_text,
    limit=st.integers(1, 100) | st.just(100),
    max_chars=budgets,
)
def test_an_answer_about_customers_keeps_its_budget(items, query, limit, max_chars):
    async def question(call: Call) -> Answer:
        return customer_list_answer(await list_customers(call, query, limit=limit), query, max_chars)

    answer = asked(Service(customers=items), question)
    data: Any = answer.data
    check(answer, max_chars)
    check_counts(data, "customers", "customers_matched", limit)
    assert data["shown"] > 0 or data["customers_matched"] == 0
    rows = table_below(answer.text, "name", "domain", "id", "relationship")
    shown = [[c["name"], c["domain"], c["id"], c["relationship"]] for c in data["customers"]]
    assert rows == [list(map(cell_of, row)) for row in shown]


@pytest.mark.slow
@examples(max_examples=20)
@given(items=generated.many(generated.policies, 300), customer=generated.shown_customers, max_chars=budgets)
def test_an_answer_about_policies_keeps_its_budget(items, customer, max_chars):
    async def question(call: Call) -> Answer:
        return policy_list_answer(await list_policies(call, customer), max_chars)

    answer = asked(Service(policies=items), question)
    data: Any = answer.data
    check(answer, max_chars)
    assert data["shown"] == len(data["policies"])
    assert data["shown"] + data["omitted"] == data["policies_total"] == sum(map(bool, items))
    assert data["shown"] > 0 or not any(items)


@pytest.mark.slow
@examples(max_examples=20)
@given(
    items=generated.many(generated.upload_rows, 1000),
    status=generated.field_values,
    tracking_id=generated.any_text,
    customer=generated.shown_customers,
    max_chars=budgets,
)
def test_an_answer_about_an_upload_keeps_its_budget(items, status, tracking_id, customer, max_chars):
    async def question(call: Call) -> Answer:
        return upload_answer(await upload_status(call, customer, tracking_id), max_chars)

    answer = asked(Service(upload={"status": status, "devicesStatus": items}), question)
    data: Any = answer.data
    check(answer, max_chars)
    assert data["shown"] == len(data["devices"])
    assert data["shown"] + data["omitted"] == (data["devices_total"] or 0) == sum(map(bool, items))
    assert data["shown"] > 0 or not any(items)


WIDE = ["<" * 118, "\U0001f600" * 118, "\\" * 118, "[" * 118]


@pytest.mark.slow
@pytest.mark.parametrize("text", WIDE, ids=["escaped", "two code units", "backslash", "bracket"])
@pytest.mark.parametrize("number", range(20, 101, 8))
def test_the_last_page_has_room_for_a_cursor_when_not_all_of_it_fits(number, text):
    items = [{"id": "<" * 110 + str(n), "companyProfile": {"companyName": "<" * (n % 9)}} for n in range(number)]
    batches = [{"id": text[:-4] + str(n)} for n in range(number)]

    async def question(call: Call) -> list[Answer]:
        found = await list_customers(call, None, limit=100)
        listed = await list_batches(call, Customer("x", text), BatchFilter(), limit=100)
        return [customer_list_answer(found, None, 8000), batch_list_answer(listed, BatchFilter(), 8000)]

    for answer in asked(Service(customers=items, batches=batches), question):
        check(answer, 8000)
        assert (answer.data["next_cursor"] is None) == (answer.data["omitted"] == 0)


@pytest.mark.parametrize("text", WIDE, ids=["escaped", "two code units", "backslash", "bracket"])
def test_an_upload_with_a_status_and_an_error_of_its_own_for_each_device_keeps_the_budget(text):
    rows = [{"status": f"{n}{text}", "errorCode": f"{n}{text}", "serialNumber": text} for n in range(60)]

    async def question(call: Call) -> Answer:
        status = await upload_status(call, Customer("x", text), text)
        return upload_answer(status, 8000)

    answer = asked(Service(upload={"status": "finished", "devicesStatus": rows}), question)
    data: Any = answer.data
    check(answer, 8000)
    assert data["shown"] > 0
    rarer = 60 - len(data["by_status"]) + 60 - len(data["by_error"])
    assert data["notes"][-1] == f"{rarer} rarer error codes and statuses left out."


@pytest.mark.parametrize("text", WIDE, ids=["escaped", "two code units", "backslash", "bracket"])
def test_many_identifiers_that_are_not_found_keep_the_budget(text):
    identifiers = [f"{n:03}{text[3:]}" for n in range(80)]

    async def question(call: Call) -> Answer:
        found = await find_devices(call, Customer("x", text), identifiers, limit=200)
        return find_answer(found, None, 8000)

    answer = asked(Service(), question)
    data: Any = answer.data
    check(answer, 8000)
    left_out = 80 - len(data["not_found"])
    assert data["identifiers_not_found"] == 80 > left_out > 0
    assert data["next_cursor"] is None
    assert data["notes"][-1].startswith(f"{left_out} of the identifiers that were not found are left out")


def test_what_needs_attention_and_does_not_fit_is_counted():
    serials = [f"{n}{chr(60) * 119}" for n in range(3)]
    devices = [{"serialNumber": serial} for serial in serials * 2]
    service = Service(devices={"b": devices}, batches=[{"id": "b", "devicesCount": 6}])
    customer = Customer("x" * 120, "\U0001f600" * 120, "\U0001f600" * 120)

    async def question(call: Call) -> Answer:
        result = await list_devices(call, customer, None, DeviceFilter(), limit=5)
        return device_list_answer(result, DeviceFilter(), None, 3000)

    answer = asked(service, question)
    data: Any = answer.data
    check(answer, 3000)
    kinds = ["without_policy", "without_model", "without_manufacturer", "without_upload_date"]
    given = [item["kind"] for item in data["attention"]]
    assert given == kinds[: len(given)] != []
    assert data["notes"][-1] == f"{len(kinds) + 1 - len(given)} findings left out of attention for length."
