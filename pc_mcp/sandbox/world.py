"""The simulated partner: its customers and all that they own, the same for the same seed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pc_mcp.sandbox import catalog, documents
from pc_mcp.sandbox.batches import Batch, batches_of
from pc_mcp.sandbox.devices import PAGE_SIZE, device_page, page_count
from pc_mcp.sandbox.policies import policies_of
from pc_mcp.sandbox.seeded import JsonObject, guid, source
from pc_mcp.sandbox.uploads import uploads_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAMPLE = catalog.Company(catalog.SAMPLE_CUSTOMER, "documentationsample.onmicrosoft.com", "sample")


class World:
    """Everything that a sandbox serves, as the JSON that it serves.

    Devices are made a page at a time as they are asked for; nothing of them is kept. The methods
    that take an id raise `KeyError` when there is nothing of that id. Customer ids match in any
    case, batch ids exactly, or else in any case ("device-deployment-resources" gives both as
    text; the paths of the service ignore case).
    """

    def __init__(self, seed: int = 2026) -> None:
        self.seed = seed
        self.partner_tenant_id = guid(source(seed, "partner"))
        self._batches: dict[str, dict[str, Batch]] = {}

    @cached_property
    def _companies(self) -> dict[str, catalog.Company]:
        drawn = {guid(source(self.seed, "customer", c.name)): c for c in catalog.COMPANIES}
        named = {**drawn, documents.CUSTOMER_ID: _SAMPLE}
        return dict(sorted(named.items(), key=lambda item: item[1].name))

    def customers(self) -> list[JsonObject]:
        """The items of "Get a list of customers", by company name."""
        return [_customer(id_, company) for id_, company in self._companies.items()]

    def customer(self, customer_id: str) -> JsonObject:
        """The answer of "Get a customer by ID"."""
        id_ = customer_id.lower()
        company = self._companies[id_]
        item = _customer(id_, company)
        rng = source(self.seed, id_, "details")
        item["companyProfile"]["email"] = f"it@{company.domain}"
        return {
            "id": id_,
            "commerceId": guid(rng),
            **item,
            "allowDelegatedAccess": company.relationship == "reseller",
            "customDomains": [company.domain],
        }

    def customer_id(self, company_name: str) -> str:
        """The tenant id of the customer with exactly that name."""
        for id_, company in self._companies.items():
            if company.name == company_name:
                return id_
        raise KeyError(company_name)

    def batches(self, customer_id: str) -> list[JsonObject]:
        """The items of "Get a list of device batches", in their order."""
        if customer_id.lower() == documents.CUSTOMER_ID:
            return documents.BATCHES
        return [batch.listed for batch in self._batches_of(customer_id).values()]

    def batch_id(self, customer_id: str, wanted: str) -> str:
        """The id as the service writes it."""
        known = self._batch_ids(customer_id)
        if wanted in known:
            return wanted
        for id_ in known:
            if id_.casefold() == wanted.casefold():
                return id_
        raise KeyError(wanted)

    def page_count(self, customer_id: str, batch_id: str) -> int:
        """Pages of the batch's device list, at least one."""
        id_ = self.batch_id(customer_id, batch_id)
        if customer_id.lower() == documents.CUSTOMER_ID:
            return page_count(len(documents.DEVICES[id_]))
        return page_count(self._batches_of(customer_id)[id_].size)

    def device_page(self, customer_id: str, batch_id: str, number: int) -> list[Any]:
        """Page `number` (from 1) of the batch's devices: at most 100 items.

        In the customer of hostile text an item need not be an object.
        """
        id_ = self.batch_id(customer_id, batch_id)
        if customer_id.lower() == documents.CUSTOMER_ID:
            return documents.DEVICES[id_][(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return device_page(self._batches_of(customer_id)[id_], number)

    def devices(self, customer_id: str, batch_id: str) -> Iterator[Any]:
        """Every item of every page of the batch."""
        for number in range(1, self.page_count(customer_id, batch_id) + 1):
            yield from self.device_page(customer_id, batch_id, number)

    def policies(self, customer_id: str) -> list[JsonObject]:
        """The items of "Get a list of policies"."""
        if customer_id.lower() == documents.CUSTOMER_ID:
            return documents.POLICIES
        id_ = customer_id.lower()
        return policies_of(str(self.seed), id_, self._companies[id_])

    def uploads(self, customer_id: str) -> list[JsonObject]:
        """The answers of "Get the status of a batch upload", which the service lists nowhere."""
        if customer_id.lower() == documents.CUSTOMER_ID:
            return documents.UPLOADS
        id_ = customer_id.lower()
        return uploads_of(str(self.seed), id_, self._companies[id_])

    def _batch_ids(self, customer_id: str) -> list[str]:
        if customer_id.lower() == documents.CUSTOMER_ID:
            return list(documents.DEVICES)
        return list(self._batches_of(customer_id))

    def _batches_of(self, customer_id: str) -> dict[str, Batch]:
        id_ = customer_id.lower()
        if id_ not in self._batches:
            self._batches[id_] = batches_of(
                str(self.seed),
                id_,
                self._companies[id_],
                self.policies(id_),
                self.partner_tenant_id,
            )
        return self._batches[id_]


def _customer(id_: str, company: catalog.Company) -> JsonObject:
    return {
        "id": id_,
        "companyProfile": {
            "tenantId": id_,
            "domain": company.domain,
            "companyName": company.name,
            "links": {"self": _link(f"/customers/{id_}/profiles/company")},
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": company.relationship,
        "links": {"self": _link(f"/customers/{id_}")},
        "attributes": {"objectType": "Customer"},
    }


def _link(uri: str) -> JsonObject:
    return {"uri": uri, "method": "GET", "headers": []}
