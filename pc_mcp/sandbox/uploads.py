"""Statuses of batch uploads ("device-deployment-resources", BatchUploadDetails)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pc_mcp.sandbox import catalog
from pc_mcp.sandbox.seeded import NOW, UNKNOWN_DATE, JsonObject, guid, source

if TYPE_CHECKING:
    from random import Random

ROW_ERRORS = {
    "801": "ZtdInvalidRequestBody",
    "802": "ZtdInvalidHardwareHash",
    "803": "ZtdSerialNumberOrProductKeyMissing",
    "806": "ZtdDeviceAlreadyAssigned",
    "807": "ZtdDeviceNotRegistered",
    "808": "ZtdDeviceAssignedToOtherTenant",
    "809": "ZtdProfileNotRegistered",
    "810": "ZtdProfileAssignedToOtherTenant",
    "811": "ZtdDeviceRegisteredByOtherTenant",
    "812": "ZtdDeviceNotFound",
    "813": "ZtdDeviceNotUnique",
    "814": "ZtdDeviceAlreadyEntraRegistered",
}
"""`errorCode` (a string, as served) and `errorDescription`; only that of 808 is documented."""

STATUSES = ("finished_with_errors", "finished", "processing", "queued", "unknown")


def uploads_of(seed: str, customer_id: str, company: catalog.Company) -> list[JsonObject]:
    """One upload in each status, the one with errors first; none for who has no batch."""
    if company.holding == "none":
        return []
    rows = 600 if company.holding in ("large", "hundred thousand") else 20
    return [_upload(source(seed, customer_id, "upload", s), s, rows) for s in STATUSES]


def _upload(rng: Random, status: str, rows: int) -> JsonObject:
    started = NOW - timedelta(days=rng.randrange(60), minutes=rng.randrange(1, 600))
    ended = started + timedelta(minutes=rng.randrange(2, 50))
    over = status.startswith("finished")
    return {
        "batchTrackingId": guid(rng),
        "status": status,
        "startedTime": f"{started:%Y-%m-%dT%H:%M:%S}",
        "completedTime": f"{ended:%Y-%m-%dT%H:%M:%S}" if over else UNKNOWN_DATE,
        "devicesStatus": _rows(rng, status, rows),
        "attributes": {"objectType": "BatchUploadDetails"},
    }


def _rows(rng: Random, status: str, rows: int) -> list[JsonObject]:
    if status == "finished":
        # The documentation's own sample: the batch is finished, its only device failed.
        return [_row(rng, "finished_with_errors", "808")]
    if status == "finished_with_errors":
        good = [_row(rng, "finished") for _ in range(rows)]
        return [*good, *(_row(rng, "finished_with_errors", code) for code in ROW_ERRORS)]
    if status == "processing":
        return [_row(rng, row) for row in ("finished", "in-progress", "processing", "queued", "unknown")]
    return []


def _row(rng: Random, status: str, code: str | None = None) -> JsonObject:
    row: JsonObject = {
        "deviceId": guid(rng),
        "serialNumber": rng.choice(catalog.MODELS).serial(rng),
        "productKey": "",
        "status": status,
    }
    if code is not None:
        # A device that was refused has no id yet.
        del row["deviceId"]
        row |= {"errorCode": code, "errorDescription": ROW_ERRORS[code]}
    return row | {"attributes": {"objectType": "DeviceUploadDetails"}}
