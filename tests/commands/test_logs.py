"""What goes to standard error: one line an event, and nothing secret."""

import json
import re
import subprocess
import sys

import pytest

from pc_mcp.sandbox import Sandbox, World
from tests.commands.processes import SOON, ask, environment, greet, reading, started

pytestmark = pytest.mark.slow

CUSTOMER = "Contoso Ltd"
FABLE = """
import logging
from pc_mcp.runtime.logs import configure_logging

configure_logging("debug", {style!r})
logger = logging.getLogger("pc_mcp.fable")


def fall():
    raise ValueError("a secret\\nin two lines")


try:
    try:
        fall()
    except ValueError as error:
        raise RuntimeError("another secret") from error
except RuntimeError:
    logger.exception("it\\r\\nfell\\x1b[31m\\u2028over")
logger.info("sent Authorization: Bearer abc.def-ghi and eyJhbGciOi.eyJ0eXAi")
logging.getLogger("httpx2").info("GET https://example.com/?token=1")
logging.getLogger("mcp.server").warning("from the SDK")
"""
HUMAN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) +[\w.]+: .+")


def told(style: str) -> list[str]:
    command = [sys.executable, "-c", FABLE.format(style=style)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_human_event_is_one_line_its_traceback_included():
    fell, sent, sdk = told("human")
    for line in (fell, sent, sdk):
        assert HUMAN.fullmatch(line), line
    assert re.search(r"pc_mcp\.fable: it\\r\\nfell\\x1b\[31m\\u2028over \[RuntimeError at ", fell)
    assert re.search(r"; from ValueError at <string>:\d+ fall < <string>:\d+ <module>\]$", fell)
    assert "secret" not in fell
    assert sent.endswith("sent Authorization: Bearer [removed] and eyJ[removed]")
    assert sdk.endswith("mcp.server: from the SDK")


def test_a_json_event_is_one_line_its_traceback_included():
    fell, sent, sdk = (json.loads(line) for line in told("json"))
    assert (fell["level"], fell["logger"]) == ("error", "pc_mcp.fable")
    assert fell["event"] == "it\\r\\nfell\\x1b[31m\\u2028over"
    assert fell["trace"].startswith("RuntimeError at ")
    assert "; from ValueError at " in fell["trace"]
    assert "secret" not in json.dumps(fell)
    assert sent == {
        "time": sent["time"],
        "level": "info",
        "logger": "pc_mcp.fable",
        "event": "sent Authorization: Bearer [removed] and eyJ[removed]",
    }
    assert sdk["level"] == "warning"


def test_lines_that_nobody_reads_are_dropped_and_counted_and_keep_nothing_up():
    many = 'for _ in range(4000):\n    logger.info("x" * 200)\nprint("done", flush=True)\ninput()\nlogger.info("last")'
    fable = FABLE.format(style="human").partition("\n\ndef")[0] + "\n" + many
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", fable], **pipes) as process:
        assert process.stdout.readline() == b"done\n"
        process.stdin.close()
        lines = process.stderr.read().decode().splitlines()
        assert process.wait(SOON) == 1  # `input` found the end
    (told,) = [line for line in lines if "were dropped here, since nobody read them" in line]
    assert len([line for line in lines if "xxx" in line]) + int(told[1:].split()[0]) == 4000


def session(sandbox: Sandbox, folder, style: str, level: str) -> list[str]:
    """The log of a session in which every tool is called, with good and with bad arguments."""
    customer_id = sandbox.world.customer_id(CUSTOMER)
    batch = sandbox.world.batches(customer_id)[0]["id"]
    device = device_with_key(sandbox.world)
    sample = "47021739-3426-40bf-9601-61b4b6d7c793"
    calls = [
        ("find_customers", {"query": "contoso"}),
        ("list_device_batches", {"customer": CUSTOMER, "name_contains": "laptops"}),
        ("list_devices", {"customer": CUSTOMER, "serial_number": device["serialNumber"]}),
        ("list_devices", {"customer": CUSTOMER, "batch": batch}),
        ("list_devices", {"customer": CUSTOMER, "serial": device["serialNumber"]}),
        ("find_devices", {"customer": CUSTOMER, "identifiers": [device["productKey"], device["id"]]}),
        ("list_configuration_policies", {"customer": customer_id}),
        ("get_batch_upload_status", {"customer": sample, "batch_tracking_id": "0127ed8e-ff72"}),
    ]
    sandbox.switches.fail_every = 7
    sandbox.switches.fail_status = 503
    variables = {"PC_MCP_LOGGING__LEVEL": level, "PC_MCP_LOGGING__FORMAT": style}
    with started("serve", env=environment(folder, **reading(sandbox, **variables))) as process:
        greet(process, "auto")
        for tool, arguments in calls:
            ask(process, "auto", "tools/call", name=tool, arguments=arguments)
            assert "result" in process.receive()
        process.stdin.close()
        assert process.wait(SOON) == 0
        lines = process.logged().splitlines()
    whole = "\n".join(lines)
    said = [device["serialNumber"], device["productKey"], device["id"], customer_id, batch, sample, CUSTOMER]
    for word in [sandbox.token, "Bearer", "contoso", "laptops", "0127ed8e-ff72", *said]:
        assert word.lower() not in whole.lower(), word
    return lines


def device_with_key(world: World):
    customer_id = world.customer_id(CUSTOMER)
    for batch in world.batches(customer_id):
        for device in world.devices(customer_id, batch["id"]):
            if device.get("productKey") and device.get("serialNumber"):
                return device
    raise AssertionError("there is no such device")


def test_a_session_at_debug_level_tells_what_happened_and_nothing_of_whom(sandbox, tmp_path):
    lines = session(sandbox, tmp_path, "json", "debug")
    events = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "event"} <= set(event) for event in events)
    texts = [event["event"] for event in events]
    assert any(re.fullmatch(r"list_devices answered, \d+ ms, correlation id [0-9a-f-]{36}", t) for t in texts)
    assert any(t.startswith("list_devices refused (arguments)") for t in texts)
    assert any(t.startswith("attempt 1 failed, trying again") for t in texts)
    assert any(re.fullmatch(r"GET /customers/…/deviceBatches/…/devices: 200 in \d+ ms", t) for t in texts)
    assert {event["level"] for event in events} >= {"debug", "info"}


def test_a_human_log_has_the_same_events(sandbox, tmp_path):
    lines = session(sandbox, tmp_path, "human", "info")
    for line in lines:
        assert HUMAN.fullmatch(line), line
    assert not [line for line in lines if " debug " in line]
    assert any("list_devices answered" in line for line in lines)
