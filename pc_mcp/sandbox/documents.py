"""The answers that Microsoft's documentation prints, as the sandbox serves them.

Sections: "Get a list of device batches for the specified customer", "Get a list of devices for
the specified batch and customer", "Get a list of policies", "Get the status of a batch upload".
The keys, their order and their oddities (`" attributes"` with a leading space) are the
documentation's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pc_mcp.sandbox.seeded import JsonObject

CUSTOMER_ID = "47021739-3426-40bf-9601-61b4b6d7c793"

BATCHES: list[JsonObject] = [
    {
        "id": "Test batch",
        "status": "finished",
        "creationDate": "2017-07-25T01:51:00",
        "devicesCount": 5,
        "devicesLink": {
            "uri": f"/customers/{CUSTOMER_ID}/deviceBatches/Test batch/devices",
            "method": "GET",
            "headers": [],
        },
        "attributes": {"objectType": "DeviceBatch"},
    }
]

_DOCUMENTED_DEVICES: list[JsonObject] = [
    {
        "id": "7c141ea9-2816-4e15-a819-53f6856499ff",
        "serialNumber": "2R9-ZNP67",
        "productKey": "00329-00000-0003-AA6069",
        "modelName": "Precision WorkStation T7500",
        "oemManufacturerName": "Dell Inc.",
        "policies": [{"key": "o_o_b_e", "value": None}],
        "uploadedDate": "2017-08-09T14:43:26.0092288-07:00",
        " attributes": {"objectType": "Device"},
    },
    {
        "id": "e528a62f-5031-49f4-bea7-5fafe47388fd",
        "serialNumber": "1234567890",
        "productKey": "12345-67890-09876-54321-13579",
        "modelName": "HP Z420 Workstation",
        "oemManufacturerName": "Hewlett-Packard",
        "policies": [{"key": "o_o_b_e", "value": None}],
        "uploadedDate": "2017-08-09T14:35:51.3126144-07:00",
        "attributes": {"objectType": "Device"},
    },
]


def _device(id_: str, serial: str, key: str, model: tuple[str, str], policy: str) -> JsonObject:
    return {
        "id": id_,
        "serialNumber": serial,
        "productKey": key,
        "modelName": model[1],
        "oemManufacturerName": model[0],
        "policies": [{"key": "o_o_b_e", "value": policy}],
        "uploadedDate": "2017-07-25T01:58:12.4410368-07:00",
        "attributes": {"objectType": "Device"},
    }


DEVICES: dict[str, list[JsonObject]] = {
    # The documentation's batch list names "Test batch", its device list asks for "testbatch".
    "testbatch": _DOCUMENTED_DEVICES,
    "Test batch": [
        *_DOCUMENTED_DEVICES,
        _device(
            "0b6f7a52-6d0e-4c6b-9a55-6f2f0f1f8c11",
            "5CG7231K8Q",
            "00330-80000-00000-AA291",
            ("HP", "HP EliteBook 840 G4"),
            "Test policy",
        ),
        _device(
            "a3d5f0e4-9c1b-4f42-8a27-1d7c2b90e36a",
            "008412370553",
            "00330-80000-00000-AA604",
            ("Microsoft Corporation", "Surface Pro"),
            "Windows 10 Enterprise E3",
        ),
        _device(
            "f81c6d0b-25e7-4b9e-b3c4-7e90d1a5582d",
            "PF0X3M7R",
            "00330-80000-00000-AA817",
            ("LENOVO", "ThinkPad X1 Carbon 5th"),
            "Windows 10 Enterprise E5",
        ),
    ],
}


def _policy(id_: str, name: str, description: str, settings: list[str], dates: tuple[str, str]) -> JsonObject:
    return {
        "id": id_,
        "name": name,
        "category": "o_o_b_e",
        "description": description,
        "devicesAssigned": 0,
        "policySettings": settings,
        "createdDate": dates[0],
        "lastModifiedDate": dates[1],
        "attributes": {"objectType": "ConfigurationPolicy"},
    }


POLICIES: list[JsonObject] = [
    _policy(
        "8c7d25aa-2dbb-409c-a1f0-f55bd9108fa9",
        "Windows 10 Enterprise E3",
        "P462017 description",
        ["oobe_user_not_local_admin", "skip_express_settings"],
        ("2017-04-27T11:30:34.1944704-07:00", "2017-04-27T11:30:34.1944704-07:00"),
    ),
    _policy(
        "56edf752-ee77-4fd8-b7f5-df1f74a3a9ac",
        "Test policy",
        "Test policy creation from API 1",
        ["skip_express_settings"],
        ("2017-07-25T11:03:03.8457088-07:00", "2017-07-25T11:04:00.8150016-07:00"),
    ),
    _policy(
        "a96b5fd9-0f3a-419a-b55c-a8aecd6b1f00",
        "Windows 10 Enterprise E5",
        "test policy creation from API",
        ["oobe_user_not_local_admin", "skip_express_settings"],
        ("2017-07-25T11:07:36.1501184-07:00", "2017-07-25T11:07:36.1501184-07:00"),
    ),
]

UPLOADS: list[JsonObject] = [
    {
        "batchTrackingId": "0127ed8e-ff72-4983-a3d8-e8d8bd378932",
        "status": "finished",
        "startedTime": "2017-07-25T10:00:00",
        "completedTime": "2017-07-25T10:10:00",
        "devicesStatus": [
            {
                "serialNumber": "1234567890",
                "productKey": "12345-67890-09876-54321-13579",
                "status": "finished_with_errors",
                "errorCode": "808",
                "errorDescription": "ZtdDeviceAssignedToOtherTenant",
                "attributes": {"objectType": "DeviceUploadDetails"},
            }
        ],
        "attributes": {"objectType": "BatchUploadDetails"},
    }
]
