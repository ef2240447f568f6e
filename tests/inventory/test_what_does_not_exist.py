"""Only 404 means that something does not exist; every other answer is said as what it is."""

import json

import pytest

from pc_mcp.sandbox import ScriptedResponse

ID = "47021739-3426-40bf-9601-61b4b6d7c793"
QUESTIONS = {
    "batch": ("list_devices", {"customer": ID, "batch": "Lot"}, "/devices"),
    "upload": ("get_batch_upload_status", {"customer": ID, "batch_tracking_id": "Lot"}, "/batchJobStatus"),
}
RELATIONSHIP = "The relationship between the partner and customer does not exist"
HTML = b"<html><body>The batch does not exist</body></html>"


def error(code):
    return json.dumps({"code": code, "description": RELATIONSHIP}).encode()


ANSWERS = {
    (404, error(1000), "code 1000"): "The customer has no {}",
    (404, HTML, ""): "The customer has no {}",
    (404, error(60003), "code 60003"): "Partner Center does not know this customer.",
    (400, error(2000), "code 2000"): "Partner Center does not know the {}",
    (400, error(3000), "code 3000"): "Partner Center does not know the {}",
    (400, error(900118), "code 900118"): "Partner Center calls the customer id invalid.",
    (400, error(1000), "code 1000"): "Partner Center refused the request as invalid.",
    (400, HTML, ""): "Partner Center refused the request as invalid.",
    (403, error(20002), "code 20002"): "The partner has no reseller relationship",
    (405, error(3000), "code 3000"): "Partner Center does not let this address be read.",
    (409, error(2000), "code 2000"): "Partner Center says that the request is in conflict",
    (410, error(1000), "code 1000"): "Partner Center says that what was asked for was here and is gone",
    (414, HTML, ""): "The address of what was asked for is too long.",
    (422, error(3000), "code 3000"): "Partner Center refused the request, without saying",
    (431, HTML, ""): "The headers of the request are too large",
    (451, HTML, ""): "Access to this is blocked for legal reasons.",
    (206, error(1000), ""): "Partner Center sent an answer that cannot be read.",
    (501, error(3000), "code 3000"): "Partner Center failed to answer.",
}


@pytest.mark.parametrize("kind", QUESTIONS)
async def test_what_an_answer_says_of_one_thing_is_all_that_is_claimed_of_it(connect, sandbox, kind):
    tool, arguments, path = QUESTIONS[kind]
    async with connect() as client:
        for (status, body, code), beginning in ANSWERS.items():
            sandbox.switches.scripted = [ScriptedResponse(path, status, body)]
            result = await client.call_tool(tool, arguments)
            words = result.content[0].text
            assert result.is_error
            assert words.startswith(beginning.format(kind)), (status, words)
            assert f"HTTP {status}" in words
            assert code in words
            assert "correlation id" in words
            assert (f"has no {kind}" in words) == beginning.startswith("The customer has no"), words
            assert RELATIONSHIP not in words


@pytest.mark.parametrize("kind", QUESTIONS)
async def test_an_id_of_dots_is_refused_and_nothing_is_asked(connect, sandbox, kind):
    tool, arguments, path = QUESTIONS[kind]
    async with connect() as client:
        for dots in (".", ".."):
            name = "batch" if kind == "batch" else "batch_tracking_id"
            result = await client.call_tool(tool, arguments | {name: dots})
            assert result.is_error
            assert "one or two dots" in result.content[0].text
    assert not [request for request in sandbox.requests if path in request.path]


async def test_a_listed_batch_whose_id_is_dots_costs_no_other_one(connect, sandbox):
    batches = json.dumps({"items": [{"id": ".."}, {"id": "Test batch"}]}).encode()
    sandbox.switches.scripted = [ScriptedResponse("/deviceBatches", body=batches)]
    async with connect() as client:
        result = await client.call_tool("list_devices", {"customer": ID})
    data = result.structured_content
    assert (data["complete"], data["batches_read"], data["batches_total"]) == (False, 1, 2)
    assert any("one or two dots" in note for note in data["notes"])
