"""What a store shows of a device is clean and in UTC, whichever parser has read the page that it was on."""

import json
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest

from pc_mcp.inventory.store import DeviceFilter, Scope
from pc_mcp.partner_center import collections, models

TEXT_KEYS = ["id", "serialNumber", "productKey", "oemManufacturerName", "modelName"]


@pytest.fixture(
    params=[collections.devices, partial(collections.collection, read=models.device)], ids=["any", "tolerant"]
)
def shown(request, new_store):
    """Gives the row of a device that was sent as `item`."""

    def row_of(item):
        page = request.param(json.dumps({"items": [item]}).encode())
        with closing(new_store({}, reveal_product_keys=True)) as store:
            store.add(0, 0, page.items)
            [row] = store.rows(Scope(0, 1), DeviceFilter(), after=-1, limit=2)
        return row

    return row_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-08-09T14:43:26.0092288-07:00", datetime(2017, 8, 9, 21, 43, 26, 9228, tzinfo=UTC)),
        ("2017-07-25T01:51:00", datetime(2017, 7, 25, 1, 51, tzinfo=UTC)),
        (" 2017-07-25T01:51:00Z ", datetime(2017, 7, 25, 1, 51, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00-08:00", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("9999-12-31T23:59:59.9999999-01:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (20170809, None),
        (1502314406, None),
    ],
)
def test_an_upload_is_dated_in_utc_and_year_1_is_unknown(shown, text, expected):
    assert shown({"uploadedDate": text}).uploaded == expected


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([{"key": "o_o_b_e", "value": "DefaultRoaming"}], "DefaultRoaming"),
        ([{"key": "o_o_b_e", "value": None}], None),
        ([{"key": "o_o_b_e"}], None),
        ([{"value": ""}, {"value": " \t"}], None),
        ([{"key": "none", "value": "A"}, {"key": "o_o_b_e", "value": "B"}], "A, B"),
        ([{"value": "A"}, {"value": None}, {"value": " A "}], "A"),
        ([{" value": "A"}, None, 3, "x", []], "A, 3, x"),
        ([], None),
        (None, None),
        ("A", "A"),
        ({"key": "o_o_b_e", "value": "A"}, "A"),
    ],
)
def test_a_device_has_the_policies_that_are_named_each_once(shown, policies, expected):
    assert shown({"id": "d", "policies": policies}).policy == expected


@pytest.mark.parametrize("absent", [None, "", " \t", [], {}, True])
def test_missing_null_empty_and_blank_text_are_the_same(shown, absent):
    without = dict.fromkeys(TEXT_KEYS, absent) | {"serialNumber": "" if absent else None}
    assert shown(without) == shown({"serialNumber": None})
    assert shown(without) == shown({"serialNumber": []})


@pytest.mark.parametrize("sent", ["2R9-ZNP67", " 2R9-ZNP67", "2R9-ZNP67\t\n", "\u3000 2R9-ZNP67 \u2028"])
def test_white_space_around_a_fact_is_not_shown(shown, sent):
    row = shown(dict.fromkeys(TEXT_KEYS, sent))
    assert {row.serial_number, row.id, row.product_key, row.manufacturer, row.model} == {"2R9-ZNP67"}


def test_a_serial_number_that_came_as_a_number_is_text(shown):
    assert shown({"serialNumber": 8412370553}).serial_number == "8412370553"
