"""The routes under `/v1` and the JSON that each one answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from uuid import UUID

from pc_mcp.sandbox import errors, pages
from pc_mcp.sandbox.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pc_mcp.sandbox.seeded import JsonObject
    from pc_mcp.sandbox.switches import Switches
    from pc_mcp.sandbox.world import World


class Resources:
    """Finds what a path names, and pages it."""

    def __init__(self, world: World, switches: Switches) -> None:
        self._world = world
        self._switches = switches

    def get(self, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        """The JSON for a percent-encoded path; raises `ServiceError` for what cannot be had.

        Segments are decoded one by one, so that `%2F` belongs to a batch id. The words of a path
        match in any case.
        """
        segments = [unquote(segment) for segment in raw_path.split("/")[1:]]
        match [segment.lower() for segment in segments]:
            case ["v1", "customers"]:
                body = self._customers(query, headers)
            case ["v1", "customers", customer_id]:
                body = self._world.customer(self._customer_id(customer_id))
            case ["v1", "customers", customer_id, *_]:
                body = self._of_customer(self._reseller_of(customer_id), segments[3:], query, headers)
            case _:
                raise ServiceError(errors.NOT_FOUND)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def _of_customer(
        self,
        customer_id: str,
        segments: list[str],
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> JsonObject:
        match [segment.lower() for segment in segments]:
            case ["devicebatches"]:
                return pages.collection(self._world.batches(customer_id))
            case ["devicebatches", _, "devices"]:
                return self._devices(customer_id, segments[1], query, headers)
            case ["policies"]:
                return pages.collection(self._world.policies(customer_id))
            case ["policies", policy_id]:
                return _with_id(self._world.policies(customer_id), "id", policy_id)
            case ["batchjobstatus", tracking_id]:
                return _with_id(self._world.uploads(customer_id), "batchTrackingId", tracking_id)
        raise ServiceError(errors.NOT_FOUND)

    def _customer_id(self, text: str) -> str:
        try:
            customer_id = str(UUID(text))
        except ValueError:
            raise ServiceError(errors.NOT_A_GUID) from None
        try:
            self._world.customer(customer_id)
        except KeyError:
            raise ServiceError(errors.CUSTOMER_NOT_FOUND) from None
        return customer_id

    def _reseller_of(self, text: str) -> str:
        customer_id = self._customer_id(text)
        if self._world.customer(customer_id)["relationshipToPartner"] == "none":
            raise ServiceError(errors.NO_RELATIONSHIP)
        return customer_id

    def _customers(self, query: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        """One page of "Get a list of customers".

        The next one needs both the token as header and `seekOperation=Next`; a token without it
        gets the first page again.
        """
        size, wanted = pages.size_of(query.get("size")), query.get("filter")
        found = pages.filtered(self._world.customers(), wanted)
        name = f"customers {size} {wanted}"
        page = self._page(name, query, headers, needs_seek_operation=True)
        shown = found[(page - 1) * size : page * size]
        links: JsonObject = {}
        uri = f"/customers?size={size}" + (f"&filter={quote(wanted, safe='')}" if wanted else "")
        if page * size < len(found):
            token = self._next_token(name, page)
            links["next"] = pages.next_link(f"{uri}&seekOperation=Next", token)
        links["self"] = {"uri": uri, "method": "GET", "headers": []}
        return pages.collection(shown) | {"links": links}

    def _devices(
        self,
        customer_id: str,
        wanted: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> JsonObject:
        """One page of "Get a list of devices for the specified batch and customer"."""
        try:
            batch_id = self._world.batch_id(customer_id, wanted)
        except KeyError:
            raise ServiceError(errors.NOT_FOUND) from None
        name = f"devices {customer_id} {batch_id}"
        switches = self._switches
        page = self._page(name, query, headers, switches.needs_seek_operation)
        items = self._items(customer_id, batch_id, page)
        body = pages.collection(items, pages.device_total(items, page))
        if page >= self._world.page_count(customer_id, batch_id):
            return body | _no_more(page)
        token = self._next_device_token(name, page)
        if switches.links_next:
            uri = f"/v1/customers/{customer_id}/deviceBatches/{batch_id}/devices"
            return body | {"links": {"next": pages.next_link(uri, token)}}
        return body | {"continuationToken": token}

    def _page(
        self,
        name: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        needs_seek_operation: bool,
    ) -> int:
        token = headers.get(pages.TOKEN_HEADER)
        if not token:
            return 1
        page = pages.page_of_token(self._world.seed, name, token)
        seeks = query.get("seekOperation", "").lower() == "next"
        return page if seeks or not needs_seek_operation else 1

    def _items(self, customer_id: str, batch_id: str, page: int) -> list[Any]:
        """The items of a page of devices; those of page -n come between pages n - 1 and n."""
        if page > 0:
            return self._world.device_page(customer_id, batch_id, page)
        return self._world.device_page(customer_id, batch_id, -page - 1) if self._switches.pages_twice else []

    def _next_device_token(self, name: str, page: int) -> str:
        switches = self._switches
        if page < 0:
            return pages.page_token(self._world.seed, name, -page)
        if switches.empty_pages or switches.pages_twice:
            return pages.page_token(self._world.seed, name, -page - 1)
        return self._next_token(name, page)

    def _next_token(self, name: str, page: int) -> str:
        following = 2 if self._switches.repeat_token else page + 1
        return pages.page_token(self._world.seed, name, following)


def _no_more(page: int) -> dict[str, Any]:
    """The last page says so by no token, a null one or an empty one."""
    return ({}, {"continuationToken": None}, {"continuationToken": ""})[(page - 1) % 3]


def _with_id(items: list[JsonObject], key: str, wanted: str) -> JsonObject:
    for item in items:
        if item[key] == wanted:
            return item
    raise ServiceError(errors.NOT_FOUND)
