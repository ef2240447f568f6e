"""A store of devices against plain Python, for devices whose facts are any JSON and any text."""

import string
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench import plain
from pc_mcp.inventory.store import OF_KINDS, DeviceFilter, Scope
from pc_mcp.partner_center import models
from pc_mcp.runtime.text import match_key

POLICY_NAMES = {"0b6f7a52-6d0e-4c6b-9a55-6f2f0f1f8c11": "Kiosk | Müller"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HIDDEN = "\u200b\u202e\U000e0041\ufe0f\x00\x7f\u00ad\ud800"
few = st.text(alphabet="aAbBéÉß\u017fİ1|¦\\ %_'\"" + HIDDEN, max_size=4)
names = few | st.text(max_size=12) | st.sampled_from(["none", "NONE", "HP", "hp", " Surface Pro 9"])
# Numbers beyond 30 digits are no facts; what is written of others is what Python writes.
numbers = st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6)
facts = names | names | numbers | st.none() | st.booleans() | st.lists(few)
zones = st.none() | st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=14))])
moments = st.datetimes(min_value=datetime(1, 1, 1), timezones=zones).map(datetime.isoformat)
days = st.datetimes(datetime(2024, 12, 30), datetime(2025, 1, 2), timezones=zones).map(datetime.isoformat)
dates = st.one_of(days, days, moments, st.just("0001-01-01T00:00:00"), st.just("soon"), st.none())
policies = st.lists(
    st.one_of(
        names.map(lambda name: {"key": "o_o_b_e", "value": name}),
        st.sampled_from(sorted(POLICY_NAMES)).map(lambda guid: {"value": guid.upper()}),
        st.just({"key": "none", "value": None}),
        st.none(),
    ),
    max_size=2,
)
# Which items are no devices, or devices that cannot be read, is a question to who reads, not to who keeps them.
devices = st.fixed_dictionaries(
    {"uploadedDate": dates},
    optional={
        "id": facts,
        "serialNumber": names | numbers | st.none(),
        "modelName": facts,
        "oemManufacturerName": facts,
        "policies": policies | st.none(),
        "productKey": facts,
    },
)
items = devices | devices | devices | st.none() | st.integers() | st.text()
batches = st.lists(st.lists(items, max_size=8), min_size=1, max_size=4)
wanted = names.filter(lambda text: plain.key(text) != "")
questions = st.fixed_dictionaries(
    {},
    optional={
        "serial_number": wanted,
        "manufacturer": wanted,
        "model": wanted,
        "policy": wanted,
        "uploaded_after": days,
        "uploaded_before": days,
        "only": st.lists(st.sampled_from(plain.FINDINGS), min_size=1, max_size=3, unique=True).map(tuple),
    },
)


def serial_place(device):
    serial = device["serial_number"]
    return (serial is None, plain.key(serial) if serial else "")


def time_place(sign):
    return lambda device: (device["uploaded"] is None, sign * (device["uploaded"] or EPOCH).timestamp())


ORDERS = {
    "batch": lambda device: 0,
    "serial_number": serial_place,
    "uploaded": time_place(1),
    "-uploaded": time_place(-1),
}


@pytest.fixture(scope="session")
def store_of(new_store):
    """Makes a store that has read batches, given as the JSON of their devices, each in two pages."""

    def filled(batches, *, reveal_product_keys=False):
        store = new_store(POLICY_NAMES, reveal_product_keys=reveal_product_keys)
        for number, batch in enumerate(batches):
            readable, _ = models.read_all(batch, models.device)
            half = len(readable) // 2
            store.add(number, 0, readable[:half])
            store.add(number, half, readable[half:])
        return store

    return filled


def expected_of(batches):
    read = [[plain.device_of(item, number, POLICY_NAMES) for item in batch] for number, batch in enumerate(batches)]
    return [[device for device in batch if device] for batch in read]


def filter_of(where):
    asked = dict(where)
    for name in ("uploaded_after", "uploaded_before"):
        if name in asked:
            asked[name] = plain.instant(asked[name])
    return DeviceFilter(**asked)


def facts_of(row):
    return {
        "id": row.id,
        "serial_number": row.serial_number,
        "manufacturer": row.manufacturer,
        "model": row.model,
        "policy": row.policy,
        "batch": row.batch_number,
        "uploaded": row.uploaded,
        "product_key": row.product_key,
    }


def hidden_keys(devices):
    return [device | {"product_key": plain.masked(device["product_key"])} for device in devices]


@pytest.mark.slow
@pytest.mark.no_cover
@given(batches, questions, st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
@example([[{"serialNumber": "GERÄT 1"}, {"serialNumber": "gerät 1"}]], {"serial_number": "ÄT"}, None)
@example([[{"serialNumber": "A\\B|C", "policies": [{"value": "NONE"}]}]], {"policy": "none"}, None)
def test_counts_groups_rows_and_findings_are_those_of_plain_python(store_of, batches, where, data):
    expected = expected_of(batches)
    first = data.draw(st.integers(0, len(batches) - 1)) if data else 0
    end = data.draw(st.integers(first, len(batches))) if data else len(batches)
    scope, asked = Scope(first, end), filter_of(where)
    in_scope = [device for batch in expected[first:end] for device in batch]
    matched = plain.matching(in_scope, where)
    with closing(store_of(batches)) as store:
        assert store.tally(scope, asked).matched == len(matched)
        rows = store.rows(scope, asked, after=-1, limit=100)
        assert [facts_of(row) for row in rows] == hidden_keys(matched)
        for row, following in pairwise(rows):
            assert store.rows(scope, asked, after=row.key, limit=1) == [following]
        for by in (*plain.GROUPINGS, *plain.COMBINATIONS):
            grouping = tuple(by.split("+"))
            groups = store.tally(scope, asked, [grouping]).groups(grouping)
            assert dict(groups) == plain.combined(matched, by)
            assert len(groups) == len(dict(groups))
            if "uploaded_" not in by:
                counts = [devices for _, devices in groups]
                assert counts == sorted(counts, reverse=True)
        for order, place in ORDERS.items():
            ordered = hidden_keys(sorted(matched, key=place))
            assert [facts_of(row) for row in store.ordered_rows(scope, asked, order, skip=0, limit=100)] == ordered
            assert [facts_of(row) for row in store.ordered_rows(scope, asked, order, skip=2, limit=3)] == ordered[2:5]
        odd, tally = store.duplicates(scope, asked), store.tally(scope, asked)
        undated = store.undated(scope, asked)
    found = plain.attention(in_scope, matched, [])
    assert odd.devices == found.get("duplicate_serial_number", 0)
    assert undated == found.get("without_upload_date", 0)
    for finding in (*OF_KINDS, "without_upload_date"):
        assert tally.found(finding) == found.get(finding, 0)
    assert bool(odd.serial_numbers) == bool(odd.devices)


def bare(text):
    """A product key without dashes and spaces, if anything else is left of it."""
    key = plain.key(text)
    return key.replace("-", "").replace(" ", "") or key


@pytest.mark.slow
@given(batches, st.lists(names, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None, derandomize=True)
@example([[{"id": "GERÄT"}, {"serialNumber": "gerät"}, {"productKey": "Gerät"}]], [], None)
@example([[{"id": "a¦b\\c"}]], ["A|B\\C"], None)
def test_a_device_is_found_by_its_serial_number_its_id_and_its_product_key(store_of, batches, others, rng):
    expected = [device for batch in expected_of(batches) for device in batch]
    texts = [device[column] for device in expected for column in ("id", "serial_number", "product_key")]
    identifiers = [text for text in texts if text and plain.key(text)] + others
    if rng:
        identifiers = [rng.choice([text, text.upper(), f"\u200b{text} "]) for text in identifiers]
    with closing(store_of(batches)) as store:
        found = store.find(Scope(0, len(batches)), map(match_key, identifiers))
    for identifier in filter(plain.key, identifiers):
        fitting = [
            device
            for device in expected
            if plain.key(identifier) in {plain.key(device[column] or "") for column in ("id", "serial_number")}
            or bare(identifier) == bare(device["product_key"] or "")
        ]
        assert [facts_of(row) for row in found[plain.key(identifier)]] == hidden_keys(fitting)


@pytest.mark.slow
@given(batches, st.data())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_a_batch_that_is_removed_and_read_again_counts_once(store_of, batches, data):
    expected = expected_of(batches)
    again = data.draw(st.integers(0, len(batches) - 1))
    everything, one = Scope(0, len(batches)), Scope(again, again + 1)
    with closing(store_of(batches)) as store:
        before = store.duplicates(everything, DeviceFilter())
        store.remove(again)
        without = [device for number, batch in enumerate(expected) if number != again for device in batch]
        assert store.tally(everything, DeviceFilter()).matched == len(without)
        assert store.tally(one, DeviceFilter()).matched == 0
        duplicates = plain.attention(without, without, []).get("duplicate_serial_number", 0)
        assert store.duplicates(everything, DeviceFilter()).devices == duplicates
        store.add(again, 0, models.read_all(batches[again], models.device)[0])
        assert store.duplicates(everything, DeviceFilter()) == before
        assert store.tally(one, DeviceFilter()).matched == len(expected[again])


@pytest.mark.parametrize("reveal", [True, False])
def test_product_keys_are_whole_only_where_that_is_asked_for_and_found_either_way(store_of, reveal):
    keys = ["00330-80000-00000-AA291", "short", "", "0123456789", "0123456789X"]
    items = [{"productKey": key} for key in keys]
    with closing(store_of([items], reveal_product_keys=reveal)) as store:
        rows = store.rows(Scope(0, 1), DeviceFilter(), after=-1, limit=10)
        found = store.find(Scope(0, 1), map(match_key, keys[:2]))
    masked = ["*****AA291", "*****", None, "*****", "*****6789X"]
    assert [row.product_key for row in rows] == ([key or None for key in keys] if reveal else masked)
    assert [len(found[key.lower()]) for key in keys[:2]] == [1, 1]


def test_the_same_serial_numbers_are_duplicates_within_the_question_only(store_of):
    one, other = [{"serialNumber": "Ä-1"}, {"serialNumber": "b"}], [{"serialNumber": "ä-1\u200b"}]
    with closing(store_of([one, other])) as store:
        assert store.duplicates(Scope(0, 1), DeviceFilter()).devices == 0
        assert store.duplicates(Scope(0, 2), DeviceFilter()).devices == 2
        odd = store.duplicates(Scope(0, 2), DeviceFilter(serial_number="b"))
        assert (odd.devices, odd.serial_numbers) == (0, ())


@pytest.mark.slow
@given(st.text(alphabet=string.printable + HIDDEN + "ÄÖßéİ¦|…", max_size=20))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_serial_number_copied_from_an_answer_finds_its_device(store_of, serial):
    shown = plain.cleaned(plain.fact(serial))
    with closing(store_of([[{"serialNumber": serial}]])) as store:
        if shown and plain.key(shown):
            assert store.tally(Scope(0, 1), DeviceFilter(serial_number=shown)).matched == 1
            assert len(store.find(Scope(0, 1), [match_key(shown)])[plain.key(shown)]) == 1
        else:
            assert store.tally(Scope(0, 1), DeviceFilter()).found("without_serial_number") == (not shown)


@pytest.mark.slow
@given(batches, st.integers(1, 3))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_serial_numbers_come_in_the_order_of_the_service_some_at_a_time(store_of, batches, limit):
    listed = [
        device for batch in expected_of(batches[1:]) for device in batch if plain.key(device["serial_number"] or "")
    ]
    scope, after, given = Scope(1, len(batches)), -1, []
    with closing(store_of(batches)) as store:
        while some := store.serial_keys(scope, after=after, limit=limit):
            assert len(some) <= limit
            given += some
            after = some[-1][0]
        rows = store.rows_with(key for key, _ in given)
    assert [serial for _, serial in given] == [plain.key(device["serial_number"]) for device in listed]
    assert [rows[key].serial_number for key, _ in given] == [device["serial_number"] for device in listed]
    assert [rows[key].batch_number - 1 for key, _ in given] == [device["batch"] for device in listed]


@pytest.mark.slow
@given(batches)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_the_names_that_devices_have_are_given_once_each_in_the_order_in_which_they_came(store_of, batches):
    expected = [device for batch in expected_of(batches) for device in batch]
    with closing(store_of(batches)) as store:
        for fact in ("manufacturer", "model", "policy"):
            held = dict.fromkeys(device[fact] for device in expected if device[fact])
            assert store.names(fact) == list(held)
        assert store.policy_names() == list(POLICY_NAMES.values())


def test_a_policy_that_is_known_by_its_id_only_is_noticed(store_of):
    named, nameless = sorted(POLICY_NAMES)[0], "0b6f7a52-6d0e-4c6b-9a55-6f2f0f1f8c12"
    for policy, by_id in ((named, False), (nameless, True), ("Kiosk", False)):
        with closing(store_of([[{"policies": [{"value": policy.upper()}]}]])) as store:
            assert store.has_policies_by_id is by_id


def test_what_is_added_after_a_question_counts_in_the_next_one(store_of):
    everything = Scope(0, 2)
    with closing(store_of([[{"id": "a", "serialNumber": "1"}], []])) as store:
        assert store.duplicates(everything, DeviceFilter()).devices == 0
        assert store.find(everything, ["b", "1"])["b"] == []
        before = store.bytes
        store.add(1, 0, models.read_all([{"id": "b", "serialNumber": "1"}], models.device)[0])
        assert store.duplicates(everything, DeviceFilter()).devices == 2
        found = store.find(everything, ["b", "1"])
        assert [row.id for row in found["b"]] == ["b"]
        assert [row.id for row in found["1"]] == ["a", "b"]
        assert [row.id for row in store.find(Scope(1, 2), ["1"])["1"]] == ["b"]
        assert store.bytes >= before > 0
        store.add(1, 1, [])
        assert store.tally(everything, DeviceFilter()).matched == 2
