"""The token of the next page: where it is found, and a list whose next page cannot be asked for is not complete."""

import json

import pytest

from pc_mcp.partner_center.errors import BrokenPaging
from pc_mcp.sandbox import ScriptedResponse
from tests.double import asking, page, raw, serving
from tests.partner_center.walks import ids, link, tokens_sent, walked


@pytest.mark.parametrize("end", [{}, {"continuationToken": None}, {"ContinuationToken": ""}])
async def test_a_missing_null_or_empty_token_is_the_last_page(end):
    links = [{}, {"links": None}, {"links": []}, {"links": {"next": None}}, {"links": {"self": {"uri": "/v1/x"}}}]
    answers = [raw(json.dumps({"items": [{"id": "1"}]} | end | more).encode()) for more in links]
    async with serving(*answers) as service, asking(service.base_url) as client:
        for number, _ in enumerate(links, 1):
            assert await walked(client.devices("c", "b")) == ([["1"]], None)
            assert len(service.requests) == number


MORE = [
    {"links": {"next": "two"}},
    {"links": {"next": {"uri": "/v1/elsewhere"}}},
    {"links": {"next": {"headers": {"key": "MS-ContinuationToken"}}}},
    {"links": {"next": {"headers": [None, "x", {"key": None}, {"key": [[]]}, {"value": "two"}]}}},
    {"Links": {" Next ": {"uri": "/v1/elsewhere"}}},
    {"links": [{"rel": "self"}, {"rel": "Next", "href": "/v1/elsewhere"}]},
    {"nextLink": "https://elsewhere.invalid/v1"},
    {"@odata.nextLink": "https://elsewhere.invalid/v1"},
    {"hasMore": True},
    {"attributes": {"continuationToken": "two"}},
    {"pagination": {"continuation_token": "two"}},
    {"links": {"nextPage": {"uri": "/v1/elsewhere"}}},
    {"_links": {"next": {"href": "/v1/elsewhere"}}},
    {"links": [{"rel": ["next"], "href": "/v1/elsewhere"}]},
    {"skipToken": "two"},
    {"isTruncated": True},
    {"isLastPage": False},
    {"page": {"last": False}},
    {"links": [{"rel": "self"}] * 1000},
    link("two", key="Authorization"),
    link(""),
    link(None),
]


@pytest.mark.parametrize("kind", ["devices", "device_batches", "configuration_policies", "customers"])
async def test_a_page_that_another_one_follows_without_a_token_is_no_last_page(kind):
    ids_of = {"devices": ("c", "b"), "customers": ()}.get(kind, ("c",))
    answers = [page({"id": "1"}, **more) for more in MORE]
    async with serving(*answers) as service, asking(service.base_url) as client:
        for number, more in enumerate(MORE, 1):
            got, error = await walked(getattr(client, kind)(*ids_of))
            assert (got, type(error), len(service.requests)) == ([["1"]], BrokenPaging, number), more
            assert "another one follows" in str(error)


@pytest.mark.parametrize(
    "key",
    ["ContinuationToken", "CONTINUATIONTOKEN", " continuationToken ", "continuation_token", "MS-ContinuationToken"],
)
async def test_a_token_is_found_in_any_case(key):
    answers = (
        raw(json.dumps({"items": [{"id": "1"}], "continuationToken": None, key: "two"}).encode()),
        page({"id": "2"}),
    )
    async with serving(*answers) as service, asking(service.base_url) as client:
        for kind, ids_of in (("devices", ("c", "b")), ("device_batches", ("c",))):
            service.requests.clear()
            got, error = await walked(getattr(client, kind)(*ids_of))
            assert (got, error, tokens_sent(service)) == ([["1"], ["2"]], None, [None, "two"])


async def test_the_token_of_the_body_goes_before_that_of_the_link():
    answers = page({"id": "1"}, token="body", **link("link")), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        await walked(client.devices("c", "b"))
    assert tokens_sent(service) == [None, "body"]


@pytest.mark.parametrize("key", ["MS-ContinuationToken", "ms-continuationtoken"])
async def test_the_header_of_a_link_is_found_in_any_case(key):
    answers = page({"id": "1"}, **link("two", key=key)), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        await walked(client.devices("c", "b"))
    assert tokens_sent(service) == [None, "two"]


@pytest.mark.parametrize(("token", "sent"), [(12, "12"), ("a b+/=%&~", "a b+/=%&~")])
async def test_a_token_is_sent_back_as_it_came(token, sent):
    answers = page({"id": "1"}, token=token), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, _ = await walked(client.devices("c", "b"))
    assert tokens_sent(service) == [None, sent]
    assert len(got) == 2


@pytest.mark.parametrize(
    "token", ["tökén", "a\r\nAuthorization: x", "\ud800", "   ", ["two"], {"value": "two"}, True, 10**200]
)
async def test_a_list_whose_token_cannot_be_sent_is_not_complete(token):
    async with serving(page({"id": "1"}, token=token)) as service, asking(service.base_url) as client:
        pages = client.devices("c", "b")
        first = await anext(pages)
        with pytest.raises(BrokenPaging, match="cannot be sent back"):
            await anext(pages)
        got, error = await walked(client.devices("c", "b", first.next_token))
    assert ids(first) == ["1"]
    assert first.next_token is not None
    assert got == []
    assert isinstance(error, BrokenPaging)
    assert len(service.requests) == 1


async def test_an_answer_says_that_a_list_whose_token_cannot_be_sent_is_not_complete(sandbox, connect, mode):
    sandbox.switches.scripted.append(
        ScriptedResponse("/devices", body=json.dumps({"items": [{"id": "1"}], "continuationToken": "é"}).encode())
    )
    arguments = {"customer": "47021739-3426-40bf-9601-61b4b6d7c793", "batch": "Test batch"}
    async with connect(mode) as client:
        for _ in range(2):
            result = await client.call_tool("list_devices", arguments)
            assert not result.is_error
            assert result.structured_content["complete"] is False
            assert result.structured_content["devices_total"] == 1
            assert result.content[0].text.startswith("INCOMPLETE:")
