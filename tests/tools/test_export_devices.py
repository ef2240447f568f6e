"""`export_devices` writes the whole list into the folder of the setting: whole, never outside it, never over a file."""

import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from pc_mcp.protocol.server import Server, build_server
from pc_mcp.sandbox import ScriptedResponse
from pc_mcp.tools import App, all_tools
from pc_mcp.tools.support.addresses import uri_of
from pc_mcp.tools.support.files import file_stem
from tests.answers.reading import check_halves, unescaped
from tests.conftest import settings_for
from tests.tools.exporting import COHO, ONE_BATCH, content, exported


async def test_without_the_setting_there_is_no_such_tool(connect, mode):
    async with connect(mode) as client:
        assert "export_devices" not in {tool.name for tool in (await client.list_tools()).tools}
        for name in ("export_devices", "export_device", "exportDevices"):
            result = await client.call_tool(name, {"customer": COHO})
            assert result.is_error
            words = unescaped(result.content[0].text)
            assert words.startswith("The tool export_devices is switched off. The setting exports.folder")
            assert 'the field "Folder for exports"' in words
        listed = await client.call_tool("list_devices", {"customer": COHO, "limit": 1})
    assert "export_devices" not in listed.content[0].text


async def test_where_rows_are_left_out_the_tool_is_named_beside_the_address_of_the_whole_list(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        listed = await client.call_tool("list_devices", {"customer": COHO, "limit": 1})
    assert "the tool export_devices writes it; or the resource pc-mcp://" in unescaped(listed.content[0].text)


async def test_the_tool_says_that_it_writes_and_all_definitions_together_stay_small(connect, folder, mode):
    async with connect(mode, exports={"folder": folder}) as client:
        tools = (await client.list_tools()).tools
    assert tools[-1].name == "export_devices"
    hints = tools[-1].annotations.model_dump(exclude_none=True)
    del hints["title"]
    assert hints == {
        "read_only_hint": False,
        "destructive_hint": False,
        "idempotent_hint": False,
        "open_world_hint": True,
    }
    definitions = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    outputs = [definition.pop("outputSchema") for definition in definitions]
    assert len(json.dumps(definitions)) <= 14_000
    assert len(json.dumps(outputs)) <= 14_000
    assert len(tools[-1].description.split()) <= 60


@pytest.mark.parametrize("file_format", ["csv", "json"])
async def test_the_file_is_the_resource_and_the_answer_says_where_it_is(connect, world, folder, mode, file_format):
    uri = uri_of(world.customer_id(COHO), ONE_BATCH["batch"], file_format)
    async with connect(mode, exports={"folder": folder}) as client:
        result = await client.call_tool("export_devices", ONE_BATCH | {"format": file_format})
        resource = (await client.read_resource(uri)).contents[0].text
    data, text = result.structured_content, result.content[0].text
    (path,) = folder.iterdir()
    assert content(folder) == {path.name: resource.encode()}
    assert path.name == f"devices-Coho-Vineyard-R-D-phase-1-{data['as_of'][:10]}.{file_format}"
    assert (data["path"], data["bytes"]) == (str(path), path.stat().st_size)
    assert (data["complete"], data["devices_total"], data["batch"]) == (True, 81, ONE_BATCH["batch"])
    check_halves(text, data, 8000)
    assert text.startswith('81 devices of batch "R&D; phase=1" of "Coho Vineyard" written; complete as of ')
    assert unescaped(text.split("\n\n")[1]) == f"File ({data['bytes']:,} bytes): {path}"


async def test_the_whole_customer_is_written_and_no_file_is_written_over(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        data, path = await exported(client, customer=COHO)
        written = content(folder)
        for number, customer in ((2, COHO), (3, "COHO VINEYARD")):
            _, another = await exported(client, customer=customer)
            assert another.name == f"{path.stem}-{number}.csv"
    assert len(written) == 1
    assert content(folder) == {f"{path.stem}{end}.csv": written[path.name] for end in ("", "-2", "-3")}
    assert data["devices_total"] == written[path.name].count(b"\r\n") - 1


async def test_files_that_are_written_at_the_same_time_have_names_of_their_own(connect, folder):
    written: list[Path] = []
    async with connect(exports={"folder": folder}) as client, anyio.create_task_group() as tasks:

        async def export() -> None:
            written.append((await exported(client, **ONE_BATCH))[1])

        for _ in range(3):
            tasks.start_soon(export)
    assert sorted(content(folder)) == sorted(path.name for path in written)
    assert len({path.read_bytes() for path in written}) == 1
    assert len(set(written)) == 3


@pytest.mark.slow
async def test_names_from_uploaded_files_stay_inside_the_folder(connect, world, folder):
    customer = world.customer_id("Proseware Inc")
    written: list[str] = []
    async with connect(exports={"folder": folder}) as client:
        for batch in world.batches(customer):
            arguments = {"customer": customer, "batch": batch["id"].replace("\n", " ")}
            result = await client.call_tool("export_devices", arguments)
            if not result.is_error and result.structured_content["complete"]:
                written.append(result.structured_content["path"])
    assert len(written) > 5
    assert sorted(written) == sorted(str(folder / name) for name in content(folder))
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("parts", "stem"),
    [
        (("CON", "", "2025-01-02"), "devices-CON-2025-01-02"),
        (("../..", "/etc/passwd"), "devices-etc-passwd"),
        (("C:\\x", "a:b.txt."), "devices-C-x-a-b-txt"),
        (("Bäckerei Müller", "東京オフィス 2024"), "devices-Backerei-Muller-2024"),
        (("x" * 300, "-rf"), "devices-" + "x" * 60 + "-rf"),
        (("NUL.txt", "COM1", ". ."), "devices-NUL-txt-COM1"),
        (("a\0b\n", "\u202egpj.exe", "C\u200bON "), "devices-a-b-gpj-exe-CON"),
        (("株式会社", "", "2025-01-02"), "devices-2025-01-02"),
        (("\uff0e\uff0e\uff0f\uff45\uff54\uff43", "~", "$HOME"), "devices-etc-HOME"),
    ],
)
def test_a_file_name_is_one_that_every_system_takes(parts, stem):
    assert file_stem(*parts) == stem


async def test_a_list_that_is_not_complete_is_not_written(sandbox, connect, folder, mode):
    sandbox.switches.scripted.append(ScriptedResponse("/R&D; phase=1/devices", 403, b'{"code": 900308}'))
    async with connect(mode, exports={"folder": folder}) as client:
        result = await client.call_tool("export_devices", {"customer": COHO})
        assert list(folder.iterdir()) == []
        sandbox.switches.scripted.clear()
        whole = await client.call_tool("export_devices", {"customer": COHO})
    data, text = result.structured_content, result.content[0].text
    assert not result.is_error
    assert (data["complete"], data["path"], data["bytes"]) == (False, None, None)
    assert "No file was written." in text
    check_halves(text, data, 8000)
    assert "4 of 5 batches read to the end" in data["notes"][1]
    assert whole.structured_content["complete"]
    assert len(list(folder.iterdir())) == 1


async def test_unknown_names_are_refused_as_by_the_other_tools(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        for arguments in ({"customer": "Nobody"}, {"customer": COHO, "batch": "No"}, ONE_BATCH | {"format": "xlsx"}):
            assert (await client.call_tool("export_devices", arguments)).is_error
    assert list(folder.iterdir()) == []


@asynccontextmanager
async def read_but_out_of_time(settings, customer: str) -> AsyncIterator[Client]:
    """A client of a server that has read the customer's devices, and whose calls have no time left for more."""
    server = build_server(settings)
    async with server.settings.lifespan(server) as app:

        @asynccontextmanager
        async def lifespan(_: object) -> AsyncIterator[App]:
            yield app

        @asynccontextmanager
        async def late(_: object) -> AsyncIterator[App]:
            yield replace(app, time_budget_seconds=0)

        tools = all_tools(exports=True)
        async with Client(Server("in time", tools=tools, lifespan=lifespan, subscriptions=False)) as client:
            read = await client.call_tool("list_devices", {"customer": customer, "limit": 0})
            assert read.structured_content["complete"]
        async with Client(Server("late", tools=tools, lifespan=late, subscriptions=False)) as client:
            yield client


async def test_where_writing_takes_too_long_it_is_said_and_no_file_is_left(sandbox, world, folder):
    settings, customer = settings_for(sandbox, exports={"folder": folder}), world.customer_id(COHO)
    async with read_but_out_of_time(settings, customer) as client:
        of_all = await client.call_tool("export_devices", {"customer": customer})
        of_batch = await client.call_tool("export_devices", ONE_BATCH | {"customer": customer})
        with pytest.raises(MCPError) as resource:
            await client.read_resource(uri_of(customer, None, "csv"))
    for words in (of_all.content[0].text, of_batch.content[0].text, resource.value.error.message):
        assert "devices were read, but writing them took longer than a call may take" in unescaped(words)
        assert "raise the setting answers.time_budget_seconds" in unescaped(words)
        assert "Partner Center did not answer" not in words
    assert of_all.is_error
    assert "ask for one batch at a time" in of_all.content[0].text
    assert "ask for one batch at a time" not in of_batch.content[0].text
    assert list(folder.iterdir()) == []


@pytest.mark.slow
async def test_a_long_list_is_written_in_little_memory(sandbox, connect, folder):
    batch, devices = "Long" * 100, 50_000
    items = [{"id": str(number), "serialNumber": f"S{number}"} for number in range(devices)]
    body = json.dumps({"totalCount": devices, "items": items}).encode()
    sandbox.switches.scripted.append(ScriptedResponse(f"/deviceBatches/{batch}/devices", 200, body))
    async with connect(exports={"folder": folder}) as client:
        await client.call_tool("list_devices", {"customer": COHO, "batch": batch, "limit": 0})
        tracemalloc.start()
        try:
            data, path = await exported(client, customer=COHO, batch=batch)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert data["devices_total"] == devices
    assert path.stat().st_size > 20_000_000
    assert peak < path.stat().st_size / 2


@pytest.mark.parametrize(
    ("company", "domain", "batch", "name"),
    [
        ("\u682a\u5f0f\u4f1a\u793e", "adatum.example", "\u6771\u4eac", "devices-adatum-example-batch-"),
        ("\u682a\u5f0f\u4f1a\u793e", "\u4f8b.example", None, "devices-example-"),
        ("\u682a\u5f0f\u4f1a\u793e", None, None, "devices-0d2f5b7e-6c1a-4f43-9a83-5e8b7a0c4d19-"),
    ],
)
async def test_a_name_without_latin_letters_is_replaced_by_what_has_some(
    sandbox, connect, folder, company, domain, batch, name
):
    customer = {
        "id": "0d2f5b7e-6c1a-4f43-9a83-5e8b7a0c4d19",
        "companyProfile": {"companyName": company, "domain": domain},
    }
    scripts = {
        "/devices": {"totalCount": 1, "items": [{"id": "1", "serialNumber": "S1"}]},
        "/deviceBatches": {"totalCount": 0, "items": []},
        "/policies": {"totalCount": 0, "items": []},
        f"/customers/{customer['id']}": customer,
    }
    for match, answer in scripts.items():
        sandbox.switches.scripted.append(ScriptedResponse(match, 200, json.dumps(answer).encode()))
    arguments = {"customer": customer["id"]} | ({"batch": batch} if batch else {})
    async with connect(exports={"folder": folder}) as client:
        data, path = await exported(client, **arguments)
    assert path.name == f"{name}{data['as_of'][:10]}.csv"
