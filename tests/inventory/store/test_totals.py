"""What a store says of all batches at once is the sum of what it says of each, which it counts in another way."""

import random
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from pc_mcp.inventory.store import DeviceFilter, Scope
from pc_mcp.partner_center.models import AssignedPolicy, Device

BATCHES = 6
GROUPINGS = [("model",), ("policy",), ("batch",), ("uploaded_month",), ("uploaded_year",), ("uploaded_day",)]
FILTERS = [
    DeviceFilter(),
    DeviceFilter(model="Model 1"),
    DeviceFilter(model="Model"),
    DeviceFilter(policy="none"),
    DeviceFilter(only=("without_upload_date",)),
    DeviceFilter(only=("without_upload_date", "without_model")),
    DeviceFilter(uploaded_after=datetime(2025, 1, 17, tzinfo=UTC)),
    DeviceFilter(uploaded_after=datetime(2024, 11, 30, 7, 30, tzinfo=UTC), model="Model 1"),
    DeviceFilter(uploaded_after=datetime(2025, 1, 1, tzinfo=UTC), uploaded_before=datetime(2025, 2, 1, tzinfo=UTC)),
    DeviceFilter(uploaded_after=datetime(2025, 2, 3, tzinfo=UTC), uploaded_before=datetime(2025, 2, 4, tzinfo=UTC)),
    DeviceFilter(uploaded_before=datetime(9999, 12, 31, tzinfo=UTC)),
    DeviceFilter(uploaded_after=datetime(9999, 12, 2, tzinfo=UTC)),
]


def device_of(rng: random.Random) -> Device:
    uploaded = datetime(2024, 11, 1, tzinfo=UTC) + timedelta(hours=rng.randrange(24 * 150))
    policies = (AssignedPolicy(value=f"Policy {rng.randrange(3)}"),)
    return Device(
        id=f"{rng.getrandbits(60)}",
        serial_number=f"{rng.getrandbits(40)}" if rng.random() < 0.9 else None,
        model=f"Model {rng.randrange(15)}" if rng.random() < 0.9 else None,
        policies=policies if rng.random() < 0.7 else None,
        uploaded=rng.choice([uploaded.isoformat(), "9999-12-05T00:00:00Z", None, uploaded.date().isoformat()]),
    )


@pytest.fixture
def store(new_store):
    rng = random.Random(7)
    with closing(new_store({}, reveal_product_keys=False)) as store:
        for number in range(BATCHES):
            for page in range(2):
                store.add(number, 40 * page, [device_of(rng) for _ in range(40)])
        yield store


def counted(tally):
    """What a tally says, in the order in which it says it where that is of time."""
    groups = {grouping: Counter(dict(tally.groups(grouping))) for grouping in GROUPINGS}
    findings = ("without_policy", "without_serial_number", "without_model", "without_upload_date")
    return tally.matched, groups, {finding: tally.found(finding) for finding in findings}


def check(store, where, batches=range(BATCHES)):
    matched, groups, findings = 0, {grouping: Counter() for grouping in GROUPINGS}, Counter()
    for number in batches:
        of_one = counted(store.tally(Scope(number, number + 1), where, GROUPINGS))
        matched += of_one[0]
        findings.update(of_one[2])
        for grouping, devices in of_one[1].items():
            groups[grouping].update(devices)
    for some in (GROUPINGS, GROUPINGS[:2], GROUPINGS[:3], [*GROUPINGS[:2], *GROUPINGS[3:5]], []):
        tally = store.tally(Scope(0, BATCHES), where, some)
        assert tally.matched == matched
        assert {grouping: Counter(dict(tally.groups(grouping))) for grouping in some} == {
            grouping: groups[grouping] for grouping in some
        }
        assert {finding: tally.found(finding) for finding in findings} == findings


@pytest.mark.parametrize("where", FILTERS, ids=range(len(FILTERS)))
def test_all_batches_hold_what_each_of_them_holds(store, where):
    check(store, where)


def test_what_changes_is_counted_anew(store):
    check(store, DeviceFilter(model="Model"))
    store.remove(2)
    check(store, DeviceFilter(model="Model"), batches=[0, 1, 3, 4, 5])
    store.add(2, 0, [device_of(random.Random(3)) for _ in range(30)])
    check(store, DeviceFilter(model="Model"))
