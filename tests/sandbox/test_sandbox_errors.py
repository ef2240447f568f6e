"""Requests that earn an error, and the shape it has."""

import httpx2
import pytest

from pc_mcp.sandbox import catalog

NOBODY = "00000000-0000-4000-8000-000000000000"
SAMPLE = "47021739-3426-40bf-9601-61b4b6d7c793"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/customers/contoso", 400, 2000),
        (f"/customers/{NOBODY}", 404, 60003),
        (f"/customers/{NOBODY}/deviceBatches", 404, 60003),
        (f"/customers/{SAMPLE}/deviceBatches/nothing/devices", 404, 1000),
        (f"/customers/{SAMPLE}/policies/{NOBODY}", 404, 1000),
        (f"/customers/{SAMPLE}/batchJobStatus/{NOBODY}", 404, 1000),
        (f"/customers/{SAMPLE}/deviceBatches/Test%20batch", 404, 1000),
        ("/somewhere", 404, 1000),
        ("/customers?size=many", 400, 2000),
        ("/customers?filter=contoso", 400, 2000),
        ("/customers?filter=[]", 400, 2000),
        ('/customers?filter={"Field":"Phone","Value":"1","Operator":"starts_with"}', 400, 2000),
        ('/customers?filter={"Field":"Domain","Value":"1","Operator":"ends_with"}', 400, 2000),
        ('/customers?filter={"Field":"Domain","Value":1,"Operator":"starts_with"}', 400, 2000),
    ],
)
def test_what_cannot_be_had_is_an_error_of_the_services_shape(client, path, status, code):
    answer = client.get(path)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert set(body) == {"code", "description", "data", "source"}
    assert (body["data"], body["source"]) == ([], "PartnerFD")


def test_a_customer_id_must_be_a_guid(client):
    body = client.get("/customers/contoso.com/deviceBatches").json()
    assert body["description"] == "Tenant Id must be a GUID."


@pytest.mark.parametrize("rest", ["deviceBatches", "deviceBatches/x/devices", "policies"])
def test_a_customer_without_relationship_is_listed_but_shows_nothing(client, world, rest):
    customer = world.customer_id(catalog.NO_RELATIONSHIP_CUSTOMER)
    assert client.get(f"/customers/{customer}").json()["relationshipToPartner"] == "none"
    answer = client.get(f"/customers/{customer}/{rest}")
    assert (answer.status_code, answer.json()["code"]) == (403, 20002)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 400),
        ({"Authorization": "Basic dTpw"}, 400),
        ({"Authorization": "Bearer"}, 400),
        ({"Authorization": "Bearer another"}, 800001),
    ],
)
def test_a_token_is_needed_and_it_must_be_the_right_one(sandbox, headers, code):
    answer = httpx2.get(f"{sandbox.base_url}/customers", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_nothing_can_be_written(client, method):
    answer = client.request(method, f"/customers/{SAMPLE}/deviceBatches")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert method == "HEAD" or answer.json()["source"] == "PartnerFD"


@pytest.mark.parametrize("path", ["/customers", "/customers/contoso"])
def test_every_answer_repeats_the_ids_of_the_request(client, path):
    ids = {"MS-RequestId": "e88d014d-ab70-41de-90a0-f7fd1797267d", "MS-CorrelationId": NOBODY}
    answer = client.get(path, headers=ids)
    assert {name: answer.headers[name] for name in ids} == ids


def test_every_answer_has_new_ids_when_the_request_has_none(client):
    first, second = client.get("/customers"), client.get("/customers")
    for name in ("MS-RequestId", "MS-CorrelationId", "MS-CV"):
        assert first.headers[name] != second.headers[name]
    assert "isMfaCompliant" not in first.headers


def test_mfa_is_reported_when_asked_for(client):
    answer = client.get("/customers", headers={"ValidateMfa": "true"})
    assert answer.headers["isMfaCompliant"] == "true"
