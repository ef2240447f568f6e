"""A Partner Center in memory that serves generated lists, and strategies that generate them."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote

import anyio
from hypothesis import strategies as st

from pc_mcp.auth import Account, ConfiguredAccount
from pc_mcp.inventory import Call, Inventory
from pc_mcp.partner_center import PartnerCenter
from pc_mcp.partner_center.errors import NotFound, ServiceFailure
from pc_mcp.partner_center.models import Customer
from pc_mcp.sandbox.hostile import TEXTS

T = TypeVar("T")
PAGE_SIZE = 1000
CUSTOMER_ID = "5f6f8a4c-8f43-4e31-a0a3-3c3a5ff4bb12"

# Characters that take more room than one: escaped in Markdown, in JSON, in both, or of two code units.
WIDE = '<`[]\\"|\u00e9\u6771\U0001f600'
HIDDEN = "\x00\x1b\r\n\t\x7f\x9b\u200b\u200d\u2028\u202e\u2066\ufeff\ufff9\U000e0041\ud800"

any_text = st.one_of(
    st.text(st.characters(), max_size=150),
    st.text(st.sampled_from(WIDE + HIDDEN + "a -"), max_size=150),
    st.builds(lambda char, times: char * times, st.sampled_from(WIDE), st.integers(100, 130)),
    st.sampled_from(TEXTS),
)
short_text = st.text(st.sampled_from(WIDE + HIDDEN + "abc123- "), max_size=12)
dates = st.sampled_from(["2017-08-09T14:43:26.0092288-07:00", "2026-01-31T23:59:59", "0001-01-01T00:00:00", "x"])
field_values = st.one_of(any_text, st.none(), st.integers(), st.just({"value": "odd"}))

devices = st.fixed_dictionaries(
    {},
    optional={
        "id": field_values,
        "serialNumber": field_values,
        "productKey": field_values,
        "oemManufacturerName": field_values,
        "modelName": field_values,
        "uploadedDate": dates,
        "policies": st.lists(st.fixed_dictionaries({"value": field_values}), max_size=2),
    },
)
batches = st.fixed_dictionaries(
    {"id": any_text.filter(bool)},
    optional={
        "devicesCount": st.sampled_from([0, 5, 999_999_999, "12", None]),
        "creationDate": dates,
        "status": field_values,
        "createdBy": field_values,
    },
)
customers = st.fixed_dictionaries(
    {"id": any_text.filter(str.strip)},
    optional={
        "companyProfile": st.fixed_dictionaries({"companyName": field_values, "domain": field_values}),
        "relationshipToPartner": field_values,
    },
)
policies = st.fixed_dictionaries(
    {},
    optional={
        "id": field_values,
        "name": field_values,
        "category": field_values,
        "description": field_values,
        "devicesAssignedCount": st.sampled_from([0, 999_999_999]),
        "policySettings": st.lists(any_text, max_size=12),
        "createdDate": dates,
        "lastModifiedDate": dates,
    },
)
upload_rows = st.fixed_dictionaries(
    {},
    optional={
        "deviceId": field_values,
        "serialNumber": field_values,
        "productKey": field_values,
        "status": st.one_of(st.sampled_from(["finished", "finished_with_errors", "queued"]), field_values),
        "errorCode": st.one_of(st.sampled_from(["0", "808", "812"]), field_values),
        "errorDescription": field_values,
    },
)
shown_customers = st.builds(Customer, id=st.just(CUSTOMER_ID), name=st.none() | any_text, domain=st.none() | any_text)


def many(items: st.SearchStrategy[T], most: int) -> st.SearchStrategy[list[T]]:
    """Lists of up to `most` items, long ones included, made of a few different ones."""
    different = st.lists(items, min_size=1, max_size=12)
    length = st.one_of(st.integers(0, 30), st.integers(0, most), st.just(most))
    return st.builds(lambda few, n: [few[i % len(few)] for i in range(n)], different, length)


@dataclass
class Service:
    """What a `Transport` is to `PartnerCenter`: gives the JSON of a path, 1,000 items a page.

    The devices of the batches whose number is in `failing` cannot be had.
    """

    devices: Mapping[str, Sequence[object]] = field(default_factory=dict)
    batches: Sequence[object] = ()
    customers: Sequence[object] = ()
    policies: Sequence[object] = ()
    upload: object = None
    failing: frozenset[int] = frozenset()

    async def get(
        self,
        path: str,
        read: Callable[[bytes], T],
        *,
        account: Account,
        correlation_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        return read(json.dumps(self._answer(path, correlation_id, headers)).encode())

    def _answer(self, path: str, correlation_id: str, headers: Mapping[str, str] | None) -> object:
        begin = int((headers or {}).get("MS-ContinuationToken", "0"))
        parts = [unquote(part) for part in path.partition("?")[0].split("/")]
        kind = parts[-1]
        if kind == "devices":
            if parts[-2] not in self.devices:
                raise NotFound(status=404, correlation_id=correlation_id)
            if list(self.devices).index(parts[-2]) in self.failing:
                raise ServiceFailure(status=503, correlation_id=correlation_id)
            return _page(self.devices[parts[-2]], begin)
        if "batchJobStatus" in parts:
            return self.upload
        of_kind = {"deviceBatches": self.batches, "customers": self.customers, "policies": self.policies}
        return _page(of_kind[kind], begin)


def _page(items: Sequence[object], begin: int) -> dict[str, object]:
    end = begin + PAGE_SIZE
    return {"items": list(items[begin:end]), "continuationToken": str(end) if end < len(items) else None}


def asked(service: Service, question: Callable[[Call], Awaitable[T]]) -> T:
    """What `question` gives when it is asked of `service`."""

    async def ask() -> T:
        inventory = Inventory(snapshot_seconds=900, concurrency=8)
        try:
            return await question(call_of(service, inventory))
        finally:
            inventory.close()

    return anyio.run(ask)


def call_of(service: Service, inventory: Inventory) -> Call:
    async def ignored(progress: Any) -> None:
        pass

    correlation_id = "00000000-0000-4000-8000-000000000001"
    partner_center = PartnerCenter(service, ConfiguredAccount("someone", "a-token"), correlation_id)  # type: ignore[arg-type]
    return Call(inventory, partner_center, math.inf, math.inf, ignored)
