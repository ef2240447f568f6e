"""What is odd about real device lists: each function makes one device of a page odd.

"device-deployment-resources" calls most keys of a Device optional; the rest was seen in recorded
answers and in the documentation's own samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pc_mcp.sandbox import catalog
from pc_mcp.sandbox.seeded import UNKNOWN_DATE, JsonObject, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from pc_mcp.sandbox.batches import Batch

Devices = list[JsonObject]


def same_serial_twice_in_a_page(devices: Devices, rng: Random, batch: Batch) -> None:
    """Two devices, one after the other, share maker, model and serial number."""
    at = rng.randrange(1, len(devices))
    _become(devices[at], devices[at - 1])


def same_serial_in_other_batches(devices: Devices, rng: Random, batch: Batch) -> None:
    """The customer has one device that was uploaded again and again."""
    shared = source(batch.seed, batch.customer_id, "shared device")
    model = shared.choice(catalog.MODELS)
    rng.choice(devices).update(oemManufacturerName=model.maker, modelName=model.name, serialNumber=model.serial(shared))


def serial_missing(devices: Devices, rng: Random, batch: Batch) -> None:
    """No `serialNumber` key."""
    del rng.choice(devices)["serialNumber"]


def serial_null(devices: Devices, rng: Random, batch: Batch) -> None:
    """`serialNumber` is null."""
    rng.choice(devices)["serialNumber"] = None


def serial_empty(devices: Devices, rng: Random, batch: Batch) -> None:
    """`serialNumber` is the empty string."""
    rng.choice(devices)["serialNumber"] = ""


def model_missing(devices: Devices, rng: Random, batch: Batch) -> None:
    """No `modelName` key."""
    del rng.choice(devices)["modelName"]


def maker_null(devices: Devices, rng: Random, batch: Batch) -> None:
    """`oemManufacturerName` is null."""
    rng.choice(devices)["oemManufacturerName"] = None


def product_key_empty(devices: Devices, rng: Random, batch: Batch) -> None:
    """`productKey` is the empty string."""
    rng.choice(devices)["productKey"] = ""


def policies_missing(devices: Devices, rng: Random, batch: Batch) -> None:
    """No `policies` key."""
    del rng.choice(devices)["policies"]


def policies_null(devices: Devices, rng: Random, batch: Batch) -> None:
    """`policies` is null."""
    rng.choice(devices)["policies"] = None


def optional_keys_missing(devices: Devices, rng: Random, batch: Batch) -> None:
    """Nothing but what a Device must have, and how to find it."""
    device = rng.choice(devices)
    for key in ("productKey", "uploadedBy", "allowedOperations", "attributes"):
        del device[key]


def hardware_hash(devices: Devices, rng: Random, batch: Batch) -> None:
    """A hardware hash of 4,000 characters, as a device has it that was uploaded by hash."""
    rng.choice(devices)["hardwareHash"] = f"T0{rng.getrandbits(16_000):04000X}"[:4000]


def attributes_with_leading_space(devices: Devices, rng: Random, batch: Batch) -> None:
    """The key `" attributes"`, as in the documentation's sample."""
    device = rng.choice(devices)
    device[" attributes"] = device.pop("attributes")


def upload_date_unknown(devices: Devices, rng: Random, batch: Batch) -> None:
    """`uploadedDate` is in the year 1."""
    rng.choice(devices)["uploadedDate"] = UNKNOWN_DATE


def id_that_is_no_guid(devices: Devices, rng: Random, batch: Batch) -> None:
    """An `id` in the form of another of the documentation's samples."""
    number = f"{rng.randrange(10**26):026d}"
    rng.choice(devices)["id"] = "-".join([number[at : at + 4] for at in range(0, 26, 4)])


ODDITIES: tuple[Callable[[Devices, Random, Batch], None], ...] = (
    same_serial_twice_in_a_page,
    serial_missing,
    hardware_hash,
    same_serial_in_other_batches,
    policies_missing,
    serial_null,
    attributes_with_leading_space,
    upload_date_unknown,
    model_missing,
    id_that_is_no_guid,
    serial_empty,
    maker_null,
    optional_keys_missing,
    policies_null,
    product_key_empty,
)
"""Taken in turn, one a page."""


def _become(device: JsonObject, other: JsonObject) -> None:
    for key in ("serialNumber", "modelName", "oemManufacturerName"):
        device[key] = other[key]
