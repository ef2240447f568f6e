"""Walking lists page by page, as a client does."""

from urllib.parse import quote

import httpx2
import pytest

from pc_mcp.sandbox import World, catalog, hostile


def devices_path(customer_id: str, batch_id: str) -> str:
    return f"/customers/{customer_id}/deviceBatches/{quote(batch_id, safe='')}/devices"


def walk(client: httpx2.Client, path: str) -> list[list]:
    pages, token = [], None
    while True:
        headers = {"MS-ContinuationToken": token} if token else {}
        body = client.get(path, headers=headers).raise_for_status().json()
        pages.append(body["items"])
        token = body.get("continuationToken")
        if not token:
            return pages


def batch_of_size(world: World, customer_id: str, size: int) -> str:
    counts = {b["id"]: b.get("devicesCount", b.get("deviceCount")) for b in world.batches(customer_id)}
    return next(id_ for id_, count in counts.items() if int(count) == size)


@pytest.mark.slow
def test_a_walk_of_a_large_batch_serves_what_the_world_holds(client, sandbox, world):
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    batch = batch_of_size(world, customer, 12_000)
    pages = walk(client, devices_path(customer, batch))
    assert [len(page) for page in pages] == [100] * 120
    assert [item for page in pages for item in page] == list(world.devices(customer, batch))
    assert len(sandbox.requests) == 120


@pytest.mark.parametrize(("size", "pages"), [(0, [0]), (100, [100]), (200, [100, 100])])
def test_full_last_pages_are_not_followed_by_an_empty_one(client, world, size, pages):
    customer = world.customer_id("Adventure Works Cycles")
    found = walk(client, devices_path(customer, batch_of_size(world, customer, size)))
    assert [len(page) for page in found] == pages


def test_the_last_page_has_no_token_a_null_one_or_an_empty_one(client, world):
    customer = world.customer_id("Contoso Pharmaceuticals")
    ends = set()
    for batch in world.batches(customer):
        path = devices_path(customer, batch["id"])
        last = world.page_count(customer, batch["id"])
        if last < 7:
            body = client.get(path).json()
            for _ in range(last - 1):
                token = body["continuationToken"]
                body = client.get(path, headers={"MS-ContinuationToken": token}).json()
            ends.add(body.get("continuationToken", "missing"))
    assert ends <= {"missing", None, ""}
    assert len(ends) > 1


def test_total_count_is_sometimes_wrong_and_sometimes_a_string(client, world):
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    path = devices_path(customer, batch_of_size(world, customer, 1_500))
    totals, token = [], ""
    for _ in range(15):
        body = client.get(path, headers={"MS-ContinuationToken": token}).json()
        totals.append(body["totalCount"])
        token = body.get("continuationToken")
    assert totals == [100] * 6 + ["100"] + [100] * 5 + [101] + [100] * 2


@pytest.mark.parametrize("name", [catalog.ODD_BATCH_NAMES_CUSTOMER, catalog.HOSTILE_CUSTOMER])
def test_every_batch_is_reached_by_its_percent_encoded_id(client, world, name):
    customer = world.customer_id(name)
    for batch in world.batches(customer):
        body = client.get(devices_path(customer, batch["id"])).raise_for_status().json()
        assert body["items"] == world.device_page(customer, batch["id"], 1)


def test_the_case_of_a_path_is_not_significant(client, world):
    customer = world.customer_id("Contoso Ltd")
    path = f"/CUSTOMERS/{customer.upper()}/devicebatches/finance%20LAPTOPS/Devices"
    expected = world.device_page(customer, "FINANCE laptops", 1)
    assert client.get(path).json()["items"] == expected


def test_a_token_of_another_list_is_refused(client, world):
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    body = client.get(devices_path(customer, batch_of_size(world, customer, 12_000))).json()
    other = devices_path(customer, batch_of_size(world, customer, 8_750))
    headers = {"MS-ContinuationToken": body["continuationToken"]}
    answer = client.get(other, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, 2000)


@pytest.mark.parametrize("token", ["nonsense", "AAAA", "MTIzNDU2Nzg5MDEyMzQ1Mg==", "é"])
def test_a_made_up_token_is_refused(client, world, token):
    customer = world.customer_id("Contoso Ltd")
    path = devices_path(customer, "FINANCE laptops")
    answer = client.get(path, headers={"MS-ContinuationToken": token.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (400, 2000)


def test_the_customers_come_in_one_page_unless_a_size_is_asked_for(client, world):
    for size in ({}, {"size": 0}, {"size": 500}, {"size": 100_000}):
        body = client.get("/customers", params=size).json()
        assert body["items"] == world.customers()
        assert "next" not in body["links"]


def test_the_next_page_of_customers_needs_the_token_and_seek_operation(client, world):
    expected = world.customers()
    first = client.get("/customers", params={"size": 10}).json()
    header = first["links"]["next"]["headers"][0]
    headers = {header["key"]: header["value"]}
    assert first["items"] == expected[:10]
    assert first["links"]["next"]["uri"] == "/customers?size=10&seekOperation=Next"

    without = client.get("/customers", params={"size": 10}, headers=headers).json()
    assert without["items"] == first["items"]

    seek = {"size": 10, "seekOperation": "Next"}
    assert client.get("/customers", params=seek).json()["items"] == first["items"]
    second = client.get("/customers", params=seek, headers=headers).json()
    assert second["items"] == expected[10:20]
    header = second["links"]["next"]["headers"][0]
    third = client.get("/customers", params=seek, headers={header["key"]: header["value"]}).json()
    assert third["items"] == expected[20:]
    assert "next" not in third["links"]


def test_customers_can_be_filtered_by_the_start_of_name_or_domain(client):
    def names(field: str, value: str) -> list[str]:
        text = f'{{"Field":"{field}","Value":"{value}","Operator":"starts_with"}}'
        body = client.get("/customers", params={"size": 2, "filter": text}).json()
        assert ("next" in body["links"]) == (value == "cont")
        return [item["companyProfile"]["companyName"] for item in body["items"]]

    assert names("CompanyName", "cont") == ["Contoso Hotels", "Contoso Ltd"]
    assert names("Domain", "CONTOSOPH") == ["Contoso Pharmaceuticals"]
    assert names("CompanyName", "bäck") == ["Bäckerei Müller & Söhne"]
    assert names("CompanyName", "nobody") == []


def test_one_customer_is_served_with_its_company_profile(client, world):
    id_ = world.customer_id("Contoso Ltd")
    body = client.get(f"/customers/{id_}").json()
    assert body == world.customer(id_)
    assert body["id"] == body["companyProfile"]["tenantId"] == id_
    assert body["customDomains"] == ["contoso.onmicrosoft.com"]


def test_policies_and_uploads_of_a_customer_are_those_of_the_world(client, world):
    id_ = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    assert client.get(f"/customers/{id_}/policies").json()["items"] == world.policies(id_)
    for upload in world.uploads(id_):
        path = f"/customers/{id_}/batchJobStatus/{upload['batchTrackingId']}"
        assert client.get(path).json() == upload


def test_hostile_batch_ids_include_what_a_careless_client_would_follow(client, world):
    customer = world.customer_id(catalog.HOSTILE_CUSTOMER)
    assert "../../policies" in hostile.BATCH_IDS
    answer = client.get(devices_path(customer, "../../policies"))
    assert answer.json()["items"][0]["attributes"] == {"objectType": "Device"}
