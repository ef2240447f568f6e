"""One page of a batch's devices, made when it is asked for and kept nowhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pc_mcp.sandbox import hostile
from pc_mcp.sandbox.oddities import ODDITIES
from pc_mcp.sandbox.seeded import JsonObject, date_text, guid, source

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from pc_mcp.sandbox.batches import Batch

PAGE_SIZE = 100
"""Devices in a page ("Get a list of devices for the specified batch and customer")."""


def page_count(size: int) -> int:
    """Pages of a batch of `size` devices; an empty batch has one, empty page."""
    return max(1, -(-size // PAGE_SIZE))


def device_page(batch: Batch, number: int) -> list[Any]:
    """The items of page `number` (from 1), in the order served; not all need be objects."""
    rng = source(batch.seed, batch.customer_id, "page", batch.ordinal, number)
    pages = page_count(batch.size)
    count = min(PAGE_SIZE, batch.size - (number - 1) * PAGE_SIZE)
    day = (number - 1) * batch.upload_days // pages
    moment = batch.created + timedelta(days=day, seconds=11 * number)
    devices = [_device(rng, batch, moment) for _ in range(count)]
    if batch.hostile:
        return hostile.spoil(devices, batch.id, number)
    # One odd device a page keeps oddities rare; a short list stays clean.
    if count > PAGE_SIZE // 2:
        ODDITIES[(number + 3 * batch.ordinal) % len(ODDITIES)](devices, rng, batch)
    return devices


def _device(rng: Random, batch: Batch, moment: datetime) -> JsonObject:
    model = batch.models[int(rng.random() * len(batch.models))]
    key = rng.getrandbits(40)
    return {
        "id": guid(rng),
        "serialNumber": model.serial(rng),
        "productKey": f"0033{key % 10}-{key % 90001 + 9999:05d}-{key >> 24:05d}-AA{key % 997:03d}",
        "modelName": model.name,
        "oemManufacturerName": model.maker,
        "policies": _policies(rng, batch),
        "uploadedDate": date_text(moment, rng.getrandbits(23), batch.zone),
        "uploadedBy": batch.uploaded_by,
        "allowedOperations": ["get", "update", "delete"],
        "attributes": {"objectType": "Device"},
    }


def _policies(rng: Random, batch: Batch) -> list[JsonObject]:
    """A policy arrives as its name or as its GUID; no policy as an empty list or a null value."""
    share = rng.random()
    if not batch.policies or share < batch.without_policy:
        return [] if int(share * 10_000) % 3 else [{"key": "o_o_b_e", "value": None}]
    at = int((rng.random() ** 2) * len(batch.policies))
    return [{"key": "o_o_b_e", "value": batch.policies[at]}]
