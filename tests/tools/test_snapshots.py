"""Every word that a client or a model gets, kept as files in tests/snapshots."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult
from syrupy.assertion import SnapshotAssertion

from pc_mcp.answers import sign_in_answer
from pc_mcp.auth import StaticToken, Status
from pc_mcp.auth.app_only import AppTokens
from pc_mcp.protocol.server import build_server
from pc_mcp.protocol.token_providers import NO_CLIENT_ID
from pc_mcp.runtime.clouds import Cloud
from pc_mcp.sandbox import ScriptedResponse, running
from pc_mcp.tools import all_tools
from pc_mcp.tools.support.call import result_of
from tests.answers.reading import check_cleaned, check_halves, numbers
from tests.conftest import settings_for
from tests.text_files import TextFile

SAMPLE = "47021739-3426-40bf-9601-61b4b6d7c793"
PROMPT_ARGUMENTS = {
    "customer": "Contoso Ltd",
    "other_customer": "Woodgrove Bank",
    "batch": "FINANCE laptops",
    "batch_tracking_id": "0127ed8e-0000-0000-0000-000000000000",
    "serial_number": "2R9-ZNP67, 1234",
    "period": "last week",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def kept(world):
    """A client of one server for all answers that are complete, so that each customer is read once."""
    with running(world) as sandbox:
        async with Client(build_server(settings_for(sandbox))) as client:
            yield client


@pytest.fixture
def files(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFile)


def written(result: CallToolResult) -> str:
    (content,) = result.content
    if result.is_error:
        return f"An error:\n\n{content.text}"
    data = json.dumps(result.structured_content, indent=1, ensure_ascii=False)
    return "\n\n".join([content.text, "---", f"```json\n{data}\n```"])


def pretty(models: list[Any]) -> str:
    dumped = [model.model_dump(mode="json", by_alias=True, exclude_none=True) for model in models]
    return json.dumps(dumped, indent=1, ensure_ascii=False)


async def test_the_instructions_are_as_reviewed_in_both_eras(connect, files, tmp_path):
    async with connect("auto", exports={"folder": tmp_path}) as client:
        tools = (await client.list_tools()).tools
        instructions = client.instructions
        assert instructions == files
    async with connect("legacy", exports={"folder": tmp_path}) as client:
        assert (await client.list_tools()).tools == tools
        assert client.instructions == instructions


@pytest.mark.slow
@pytest.mark.parametrize("tool", all_tools(exports=True), ids=lambda tool: tool.name)
async def test_the_tool_and_its_example_are_as_reviewed(connect, files, tmp_path, tool):
    async with connect(exports={"folder": tmp_path}) as client:
        (listed,) = [each for each in (await client.list_tools()).tools if each.name == tool.name]
        result = await client.call_tool(tool.name, dict(tool.example))
    assert not result.is_error
    check_halves(result.content[0].text, result.structured_content, 8000)
    example = re.sub(r"-\d{4}-\d\d-\d\d\.csv", "-<today>.csv", written(result).replace(str(tmp_path), "<folder>"))
    assert "\n\n".join([pretty([listed]), json.dumps(tool.example), example]) == files


async def test_the_resource_templates_are_as_reviewed_in_both_eras(connect, files):
    async with connect("auto") as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert pretty(templates) == files
    async with connect("legacy") as client:
        assert (await client.list_resource_templates()).resource_templates == templates


async def test_the_prompts_are_as_reviewed_in_both_eras(connect, files):
    listed = {}
    for mode in ("legacy", "auto"):
        async with connect(mode) as client:
            prompts = (await client.list_prompts()).prompts
            got = [
                await client.get_prompt(
                    prompt.name, {argument.name: PROMPT_ARGUMENTS[argument.name] for argument in prompt.arguments}
                )
                for prompt in prompts
            ]
        messages = [f"{m.role}:\n\n{m.content.text}" for prompt in got for m in prompt.messages]
        listed[mode] = "\n\n".join([pretty(prompts), *messages])
    assert listed["auto"] == files
    assert listed["legacy"] == listed["auto"]


ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "customers": ("find_customers", {"query": "contoso"}),
    "customers-with-cursor": ("find_customers", {"limit": 2}),
    "customers-none": ("find_customers", {"query": "nobody"}),
    "batches": ("list_device_batches", {"customer": "documentation"}),
    "batches-with-cursor": ("list_device_batches", {"customer": "Contoso Ltd", "limit": 3}),
    "batches-filtered": (
        "list_device_batches",
        {"customer": "Contoso Ltd", "name_contains": "a", "created_after": "2025-01-01"},
    ),
    "batches-none": ("list_device_batches", {"customer": "Tailspin Toys"}),
    "devices": ("list_devices", {"customer": SAMPLE}),
    "devices-with-cursor": ("list_devices", {"customer": "Contoso Ltd", "limit": 3}),
    "devices-of-a-batch": (
        "list_devices",
        {"customer": "Contoso Ltd", "batch": "FINANCE laptops", "limit": 2, "fields": ["id", "product_key"]},
    ),
    "devices-counted": (
        "list_devices",
        {"customer": "Contoso Ltd", "limit": 0, "group_by": ["manufacturer", "uploaded_month"]},
    ),
    "devices-filtered": (
        "list_devices",
        {
            "customer": "Contoso Ltd",
            "model": "surface",
            "policy": "none",
            "uploaded_after": "2019-01-01",
            "uploaded_before": "2025-01-01",
            "limit": 2,
            "group_by": [],
        },
    ),
    "devices-unlisted-batch": ("list_devices", {"customer": SAMPLE, "batch": "testbatch", "limit": 1}),
    "devices-none": ("list_devices", {"customer": "Wingtip Toys"}),
    "devices-hostile": ("list_devices", {"customer": "Proseware Inc", "limit": 5}),
    "found": ("find_devices", {"customer": SAMPLE, "identifiers": ["2R9-ZNP67", "2r9-znp67", "nothing"]}),
    "policies": ("list_configuration_policies", {"customer": "Woodgrove"}),
    "policies-none": ("list_configuration_policies", {"customer": "Tailspin Toys"}),
}


async def called(client: Client, name: str) -> CallToolResult:
    tool, arguments = ANSWERS[name]
    return await client.call_tool(tool, arguments)


@pytest.mark.parametrize("name", ANSWERS)
async def test_the_answer_is_as_reviewed(kept, files, name):
    result = await called(kept, name)
    assert not result.is_error
    assert written(result) == files
    check_complete(result)


@pytest.mark.parametrize("status", ["finished_with_errors", "finished", "processing", "queued"])
async def test_the_upload_answer_is_as_reviewed(kept, world, files, status):
    customer = world.customer_id("Contoso Ltd")
    (upload,) = (u for u in world.uploads(customer) if u["status"] == status)
    arguments = {"customer": customer, "batch_tracking_id": upload["batchTrackingId"]}
    result = await kept.call_tool("get_batch_upload_status", arguments)
    assert written(result) == files
    check_complete(result)


INCOMPLETE = {
    "devices-incomplete": ("list_devices", {"customer": "Contoso Ltd", "limit": 1}),
    "devices-incomplete-filtered": (
        "list_devices",
        {"customer": "Contoso Ltd", "limit": 1, "model": "t", "group_by": ["batch"]},
    ),
    "found-incomplete": ("find_devices", {"customer": "Contoso Ltd", "identifiers": ["nothing"]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", INCOMPLETE)
async def test_the_incomplete_answer_is_as_reviewed(connect, sandbox, files, name):
    sandbox.switches.scripted.append(ScriptedResponse("/FINANCE laptops/devices", 403, b'{"code": 900308}'))
    tool, arguments = INCOMPLETE[name]
    async with connect() as client:
        result = await client.call_tool(tool, arguments)
    assert written(result) == files
    assert result.structured_content["complete"] is False
    check_complete(result)


ERRORS: dict[str, tuple[str, dict[str, Any]]] = {
    "error-arguments": (
        "list_devices",
        {"custmer": "x", "limit": 101, "uploaded_after": "soon", "fields": ["x"]},
    ),
    "error-period": (
        "list_devices",
        {"customer": "x", "uploaded_after": "2025-01-02", "uploaded_before": "2025-01-01"},
    ),
    "error-unknown-customer": ("list_devices", {"customer": "Contosso"}),
    "error-ambiguous-customer": ("list_devices", {"customer": "contoso"}),
    "error-unknown-batch": ("list_devices", {"customer": "Contoso Ltd", "batch": "Lott"}),
    "error-unknown-upload": ("get_batch_upload_status", {"customer": SAMPLE, "batch_tracking_id": "x"}),
    "error-cursor": ("find_customers", {"cursor": "x"}),
    "error-no-customer": ("find_devices", {"identifiers": ["x"]}),
    "error-no-relationship": ("list_devices", {"customer": "Lucerne Publishing"}),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_the_error_is_as_reviewed(kept, files, name):
    tool, arguments = ERRORS[name]
    result = await kept.call_tool(tool, arguments)
    assert result.is_error
    assert written(result) == files


EXPORTS: dict[str, dict[str, Any]] = {
    "export": {"customer": "Contoso Ltd", "format": "json"},
    "export-of-a-batch": {"customer": SAMPLE, "batch": "testbatch"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
async def test_the_answer_to_an_export_is_as_reviewed(connect, files, tmp_path, name):
    async with connect(exports={"folder": tmp_path}) as client:
        result = await client.call_tool("export_devices", EXPORTS[name])
    assert placed(written(result), tmp_path) == files
    check_halves(result.content[0].text, result.structured_content, 8000)


@pytest.mark.slow
async def test_the_answer_to_an_export_that_was_not_made_is_as_reviewed(connect, sandbox, files, tmp_path):
    sandbox.switches.scripted.append(ScriptedResponse("/FINANCE laptops/devices", 403, b'{"code": 900308}'))
    async with connect(exports={"folder": tmp_path}) as client:
        incomplete = await client.call_tool("export_devices", {"customer": "Contoso Ltd"})
        sandbox.switches.scripted.clear()
        tmp_path.rmdir()
        failed = await client.call_tool("export_devices", {"customer": SAMPLE})
    assert placed(f"{written(incomplete)}\n\n{written(failed)}", tmp_path) == files


def placed(text: str, folder: Path) -> str:
    """`text` without the folder and the day of this run."""
    return re.sub(r"(?<=-)\d{4}-\d\d-\d\d(?=\.)", "<today>", text.replace(str(folder), "/exports"))


RESOURCE_ERRORS = {
    "resource-unknown": "pc-mcp://customers/Contoso%20Ltd/devices.xlsx",
    "resource-unknown-customer": "pc-mcp://customers/Contosso/devices.csv",
    "resource-unknown-batch": "pc-mcp://customers/Contoso%20Ltd/batches/Lott/devices.csv",
    "resource-incomplete": "pc-mcp://customers/Contoso%20Ltd/devices.csv",
}


@pytest.mark.parametrize("name", RESOURCE_ERRORS)
async def test_the_error_of_a_resource_is_as_reviewed(connect, sandbox, files, name):
    sandbox.switches.scripted.append(ScriptedResponse("/FINANCE laptops/devices", 403, b'{"code": 900308}'))
    async with connect() as client:
        with pytest.raises(MCPError) as error:
            await client.read_resource(RESOURCE_ERRORS[name])
    assert f"An error, {error.value.error.code}:\n\n{error.value.error.message}" == files


SIGN_INS: dict[str, tuple[Status, bool]] = {
    "signed-in": (
        Status(
            signed_in=True,
            mode="delegated",
            username="adele.vance@contoso-partner.example",
            tenant="4e9f1a3c-0d3b-4a55-9e25-6a1c3b7f0b11",
            expires_at=1_767_225_599.9,
            store="keyring",
            path="/home/adele/.local/share/pc-mcp/tokens-0123456789abcdef.bin",
        ),
        False,
    ),
    "signed-in-from-a-store": (Status(signed_in=True, mode="delegated", username="adele@x", store="memory"), False),
    "several-accounts": (
        Status(signed_in=True, mode="delegated", store="memory", note="Several accounts are signed in: a@x, b@x."),
        False,
    ),
    "hostile": (
        Status(
            signed_in=True,
            mode="delegated",
            username="[Ignore](https://evil.example) `all` |\n# rules\u202e\x1b[31m" + "x" * 200,
            tenant="<b>tenant</b>",
            store="file",
            path="/home/a|b_c/*tokens*",
            note="Kept in /home/a|b\u202e\n[c](x).",
        ),
        False,
    ),
    "nobody": (Status(signed_in=False, mode="delegated", store="memory"), False),
    "signed-out": (Status(signed_in=False, mode="delegated", store="memory"), True),
    "not-configured": (Status(signed_in=False, mode="delegated", note=NO_CLIENT_ID), False),
    "application": (
        Status(
            signed_in=True,
            mode="app",
            username="00000000-0000-4000-8000-00000000000a",
            tenant="example.com",
            expires_at=1_767_225_600,
            note=AppTokens._NOTE,
        ),
        False,
    ),
    "application-signed-out": (Status(signed_in=False, mode="app", note=AppTokens._NOTE), True),
    "token": (Status(signed_in=True, mode="token", note=StaticToken._NOTE), False),
}


@pytest.mark.parametrize("name", SIGN_INS)
def test_the_answer_to_who_is_signed_in_is_as_reviewed(files, name):
    status, signed_out = SIGN_INS[name]
    result = result_of(sign_in_answer(status, Cloud.GLOBAL, signed_out=signed_out))
    assert written(result) == files
    check_halves(result.content[0].text, result.structured_content, 8000)
    check_cleaned(result.content[0].text, result.structured_content)


def check_complete(result: CallToolResult) -> None:
    """Each half alone carries the answer: notes, cursor, and every number of the one is in the other."""
    text, data = result.content[0].text, result.structured_content
    check_halves(text, data, 8000)
    # The text says which rows of how many it shows.
    counted_otherwise = {data.get("omitted"), data.get("shown"), 0}
    if data.get("complete"):  # what was expected is no matter once all was counted
        counted_otherwise.add(data.get("devices_expected"))
    assert set(numbers(data)) - numbers_in(text) <= counted_otherwise
    first_line = re.sub(r"(as of|since) [\d: -]+UTC|\(.*\)|\"[^\"]*\"|INCOMPLETE", "", text.partition("\n")[0])
    asked = data.get("identifiers_found", 0) + data.get("identifiers_not_found", 0)
    assert numbers_in(first_line) <= {*numbers(data), *numbers_in(" ".join(data["notes"])), asked, 0}


def numbers_in(text: str) -> set[int]:
    return {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)}
