"""The documentation's own requests get the documentation's own answers."""

import json

CUSTOMER = "47021739-3426-40bf-9601-61b4b6d7c793"


def test_the_batch_list_is_the_documents(client):
    answer = client.get(f"/customers/{CUSTOMER}/deviceBatches")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["MS-ServerId"] == "030020344"
    assert len(answer.headers["MS-CV"]) == len("YrLe3w6BbUSMt1fi.0")
    # Texts are compared, because the order of keys counts.
    assert answer.text == (
        '{"totalCount":1,"items":[{"id":"Test batch","status":"finished",'
        '"creationDate":"2017-07-25T01:51:00","devicesCount":5,"devicesLink":{'
        f'"uri":"/customers/{CUSTOMER}/deviceBatches/Test batch/devices",'
        '"method":"GET","headers":[]},"attributes":{"objectType":"DeviceBatch"}}],'
        '"attributes":{"objectType":"Collection"}}'
    )


def test_the_device_list_is_the_documents_odd_keys_included(client):
    answer = client.get(f"/customers/{CUSTOMER}/deviceBatches/testbatch/devices")
    policies = '"policies":[{"key":"o_o_b_e","value":null}],'
    assert answer.text == (
        '{"totalCount":2,"items":[{"id":"7c141ea9-2816-4e15-a819-53f6856499ff",'
        '"serialNumber":"2R9-ZNP67","productKey":"00329-00000-0003-AA6069",'
        '"modelName":"Precision WorkStation T7500","oemManufacturerName":"Dell Inc.",'
        + policies
        + '"uploadedDate":"2017-08-09T14:43:26.0092288-07:00",'
        '" attributes":{"objectType":"Device"}},'
        '{"id":"e528a62f-5031-49f4-bea7-5fafe47388fd",'
        '"serialNumber":"1234567890","productKey":"12345-67890-09876-54321-13579",'
        '"modelName":"HP Z420 Workstation","oemManufacturerName":"Hewlett-Packard",'
        + policies
        + '"uploadedDate":"2017-08-09T14:35:51.3126144-07:00",'
        '"attributes":{"objectType":"Device"}}],'
        '"attributes":{"objectType":"Collection"}}'
    )


def test_the_batch_that_is_listed_holds_as_many_devices_as_it_says(client):
    answer = client.get(f"/customers/{CUSTOMER}/deviceBatches/Test%20batch/devices").json()
    assert len(answer["items"]) == 5
    assert len({device["id"] for device in answer["items"]}) == 5


def test_policies_are_the_documents_as_list_and_one_by_one(client):
    listed = client.get(f"/customers/{CUSTOMER}/policies").json()
    names = ["Windows 10 Enterprise E3", "Test policy", "Windows 10 Enterprise E5"]
    assert [policy["name"] for policy in listed["items"]] == names
    id_ = "56edf752-ee77-4fd8-b7f5-df1f74a3a9ac"
    one = client.get(f"/customers/{CUSTOMER}/policies/{id_}")
    assert one.text == json.dumps(listed["items"][1], separators=(",", ":"))


def test_the_upload_status_is_the_documents(client):
    id_ = "0127ed8e-ff72-4983-a3d8-e8d8bd378932"
    upload = client.get(f"/customers/{CUSTOMER}/batchJobStatus/{id_.upper()}").json()
    assert upload["status"] == "finished"
    assert upload["devicesStatus"] == [
        {
            "serialNumber": "1234567890",
            "productKey": "12345-67890-09876-54321-13579",
            "status": "finished_with_errors",
            "errorCode": "808",
            "errorDescription": "ZtdDeviceAssignedToOtherTenant",
            "attributes": {"objectType": "DeviceUploadDetails"},
        }
    ]
