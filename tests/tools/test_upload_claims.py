"""What is said of an upload is what its rows show: nothing is called well that nobody has seen."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pc_mcp.sandbox import ScriptedResponse

QUESTION = {"customer": "47021739-3426-40bf-9601-61b4b6d7c793", "batch_tracking_id": "0127ED8E-ff72"}
OVER = ("finished", "finished_with_errors")


@pytest.fixture
def told(connect, sandbox):
    """The answers to what each of these bodies says of the upload, as (first line, structured content)."""

    async def call(*bodies):
        async with connect() as client:
            answers = []
            for body in bodies:
                said = json.dumps({"batchTrackingId": "0127ed8e-FF72"} | body).encode()
                sandbox.switches.scripted = [ScriptedResponse("/batchJobStatus", body=said)]
                result = await client.call_tool("get_batch_upload_status", QUESTION)
                assert not result.is_error, result.content[0].text
                first_line = result.content[0].text.splitlines()[0]
                data = result.structured_content
                assert first_line.startswith("INCOMPLETE: ") != data["complete"]
                assert ("none failed" in first_line) <= (data["devices_failed"] == data["devices_not_known"] == 0)
                answers.append((first_line, data))
            return answers

    return call


def rows(*statuses):
    return {"devicesStatus": [{"serialNumber": f"S{number}", "status": each} for number, each in enumerate(statuses)]}


@pytest.mark.slow
async def test_an_upload_without_rows_is_one_of_whose_devices_nothing_is_known(told):
    missing = [{}, {"devicesStatus": None}, {"devicesStatus": []}, {"devicesStatus": {}}, {"devicesCount": 7}]
    for status in (*OVER, "queued", "unknown", None):
        for first_line, data in await told(*({"status": status} | each for each in missing)):
            assert "what became of the devices is not known" in first_line
            counts = ("devices_total", "devices_finished", "devices_failed", "devices_not_known")
            assert [data[name] for name in counts] == [None] * 4
            assert data["next_step"] == ("none" if status in OVER else "ask_again")
            assert data["next_step_seconds"] == (None if status in OVER else 120)


@pytest.mark.parametrize(
    "status",
    ["finished_with_errors", "Finished With Errors", "error", "ERROR", "failed", "Failure", "rejected", "canceled"],
)
async def test_a_row_that_says_in_any_word_that_it_failed_has_failed(told, status):
    [(first_line, data)] = await told({"status": "finished"} | rows("finished", status))
    assert first_line.startswith("1 of 2 devices failed")
    assert (data["devices_finished"], data["devices_failed"], data["devices_not_known"]) == (1, 1, 0)
    assert data["devices"][0]["status"] == status


@pytest.mark.slow
async def test_a_row_with_an_error_has_failed_whatever_its_status(told):
    failed = ("808", 808, 808.0, "x", True, ["808"], ["0", "808"], {"code": 808}, {"ErrorCode": "808"}, {"x": 1}, [[1]])
    none = (
        "0",
        0,
        0.0,
        "00",
        None,
        "",
        " ",
        False,
        [],
        {},
        "none",
        "null",
        "NULL",
        "Success",
        ["none"],
        {"code": None},
    )
    rows = [{"status": "finished", "errorCode": code} for code in (*failed, *none)]
    rows += [{"status": "finished", "ErrorCode": 808}, {"status": "finished", "errorcode ": "808"}]
    for row, answer in zip(
        rows, await told(*({"status": "finished", "devicesStatus": [row]} for row in rows)), strict=True
    ):
        first_line, data = answer
        has_failed = rows.index(row) not in range(len(failed), len(failed) + len(none))
        assert data["devices_failed"] == has_failed, row
        assert ("none failed" in first_line) != has_failed


async def test_a_row_that_finished_with_words_about_an_error_and_no_code_is_not_known(told):
    cases = [("Hardware hash is bad", None, 1), ("x", "", 1), ("Success", None, 0), (" ", None, 0), ("Done", "0", 0)]
    for words, code, not_known in cases:
        row = {"status": "finished", "errorDescription": words, "errorCode": code}
        [(first_line, data)] = await told({"status": "finished", "devicesStatus": [row]})
        assert (data["devices_not_known"], data["devices_failed"]) == (not_known, 0), words
        assert ("none failed" in first_line) != not_known


@pytest.mark.parametrize("status", ["queued", "processing", "in-progress", "unknown", None])
async def test_rows_that_all_finished_of_an_upload_that_has_not_ended_may_not_be_all(told, status):
    [(first_line, data)] = await told({"status": status} | rows("finished", "finished"))
    assert "2 of 2 devices finished, none failed so far" in first_line
    assert (data["next_step"], data["next_step_seconds"]) == ("ask_again", 120)
    assert any("there may be more rows to come" in note for note in data["notes"])


async def test_more_rows_that_are_said_to_follow_are_missing(told):
    more = [{"continuationToken": "abc"}, {"links": {"next": {"uri": "/x"}}}, {"nextLink": "https://x"}]
    for first_line, data in await told(*({"status": "finished"} | rows("finished") | each for each in more)):
        assert "none failed" not in first_line
        assert data["next_step"] == "none"
        assert any("more rows follow" in note for note in data["notes"])


async def test_an_upload_whose_rows_come_twice_is_no_answer(connect, sandbox):
    body = b'{"batchTrackingId": "0127ed8e-FF72", "devicesStatus": [{"status": "error"}], "devicesStatus": []}'
    sandbox.switches.scripted = [ScriptedResponse("/batchJobStatus", body=body)]
    async with connect() as client:
        result = await client.call_tool("get_batch_upload_status", QUESTION)
    assert result.is_error
    assert "cannot be read" in result.content[0].text


@pytest.mark.parametrize("status", ["unknown", "skipped", "finished?!x", "", None, 7, ["finished"]])
async def test_a_row_with_a_status_that_says_nothing_is_counted_as_not_known(told, status):
    [(first_line, data)] = await told({"status": "finished"} | rows("finished", status))
    assert first_line.startswith("1 of 2 devices finished, 1 not known")
    assert (data["devices_total"], data["devices_not_known"], data["complete"]) == (2, 1, True)


async def test_none_failed_is_said_of_rows_that_all_finished_and_so_far_of_others(told):
    finished, running = await told(
        {"status": "finished"} | rows("finished", "FINISHED"),
        {"status": "processing"} | rows("finished", "in-progress"),
    )
    assert finished[0].startswith("2 of 2 devices finished, none failed ")
    assert running[0].startswith("1 of 2 devices finished, 1 not ended, none failed so far ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": "finished_with_errors"} | rows("finished"), "no row shows one"),
        ({"status": "failed"} | rows("finished", "unknown"), "no row shows one"),
        ({"status": "finished", "devicesCount": 3} | rows("finished"), "3 devices, and its answer has rows for 1."),
        ({"status": "finished", "totalCount": "5"} | rows("failed"), "5 devices, and its answer has rows for 1."),
        ({"status": "finished", "devicesStatus": [{"status": "finished"}, 7]}, "1 device of the service could not be"),
    ],
)
async def test_rows_that_do_not_show_what_the_upload_says_make_the_answer_incomplete(told, body, words):
    [(first_line, data)] = await told(body)
    assert "as far as could be read" in first_line
    assert "none failed" not in first_line
    assert any(words in note for note in data["notes"])
    assert data["next_step"] == "none"


async def test_a_count_that_agrees_with_the_rows_is_no_news(told):
    [(_, data)] = await told({"status": "finished", "devicesCount": 2, "totalCount": 2} | rows("finished", "finished"))
    assert (data["complete"], data["notes"]) == (True, [])


@pytest.mark.parametrize(
    "body",
    [
        {"code": 1000, "description": "x"},
        {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds."},
        {},
        {"id": "x", "status": "finished", "devicesCount": 5},
        {"items": [], "totalCount": 0},
        {"batchTrackingId": "another", "status": "finished", "devicesStatus": []},
        {"batchTrackingId": "0127ed8e-ff72", "status": "finished", "devicesStatus": [], "error": {"code": "x"}},
    ],
)
async def test_what_is_no_upload_or_another_one_is_an_error(connect, sandbox, body):
    sandbox.switches.scripted = [ScriptedResponse("/batchJobStatus", body=json.dumps(body).encode())]
    async with connect() as client:
        result = await client.call_tool("get_batch_upload_status", QUESTION)
    assert result.is_error
    assert result.content[0].text.startswith("Partner Center sent an answer that cannot be read.")
    assert "correlation id" in result.content[0].text


async def test_a_customer_whose_id_is_another_than_was_asked_for_is_an_error(connect, sandbox):
    asked = "00000000-0000-4000-8000-000000000001"
    sandbox.switches.scripted = [ScriptedResponse(f"/customers/{asked}", body=b'{"id": "other"}')]
    async with connect() as client:
        result = await client.call_tool("list_device_batches", {"customer": asked})
    assert result.is_error
    assert "of another id than was asked for" in result.content[0].text


@pytest.mark.parametrize("status", ["processing", "queued", "In-Progress"])
async def test_an_upload_that_runs_for_more_than_a_day_is_called_stuck(told, status):
    now = datetime.now(UTC)
    day, hour, unknown = [
        {"status": status, "startedTime": started} | rows("finished", "processing")
        for started in ((now - timedelta(hours=25)).isoformat(), (now - timedelta(hours=23)).isoformat(), None)
    ]
    stuck, *others = await told(day, hour, unknown)
    assert f'the upload is stuck, "{status}" since {day["startedTime"][:10]}' in stuck[0]
    assert stuck[0] == stuck[1]["summary"]
    assert any("for more than a day: it is called stuck" in note for note in stuck[1]["notes"])
    for first_line, data in others:
        assert "stuck" not in first_line
        assert any("ask again in a few minutes" in note for note in data["notes"])


async def test_an_upload_that_has_ended_is_not_called_stuck_however_long_ago_it_began(told):
    [(first_line, _)] = await told({"status": "finished", "startedTime": "2024-01-01T00:00:00Z"} | rows("finished"))
    assert "stuck" not in first_line


async def test_devices_that_failed_come_first_and_that_is_said(connect, sandbox):
    body = {"batchTrackingId": "0127ed8e-FF72", "status": "finished"} | rows("finished", "failed", "finished")
    sandbox.switches.scripted = [ScriptedResponse("/batchJobStatus", body=json.dumps(body).encode())]
    async with connect() as client:
        result = await client.call_tool("get_batch_upload_status", QUESTION)
    assert [device["status"] for device in result.structured_content["devices"]] == ["failed", "finished", "finished"]
    assert "\n\nDevices that failed come first:\n\n| serial number |" in result.content[0].text
