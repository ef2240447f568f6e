"""`export_devices` writes the whole list into the folder of the setting: whole, never outside it, never over a file."""

import json
import os
import stat
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from pc_mcp.inventory import QuestionError
from pc_mcp.protocol.server import Server, build_server
from pc_mcp.sandbox import ScriptedAnswer
from pc_mcp.settings import ConfigurationError, load_settings
from pc_mcp.tools import App, all_tools
from pc_mcp.tools.support.addresses import uri_of
from pc_mcp.tools.support.files import file_stem, new_file
from tests.answers.reading import check_halves, unescaped
from tests.conftest import settings_for

COHO = "Coho Vineyard"
ONE_BATCH = {"customer": COHO, "batch": "R&D; phase=1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exports [of] the `team`"
    folder.mkdir()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """The files in a folder; a link that leads nowhere is none."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def link_instead(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


async def test_without_the_setting_there_is_no_such_tool(connect, mode):
    async with connect(mode) as client:
        assert "export_devices" not in {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("export_devices", {"customer": COHO})
    assert result.is_error
    assert "There is no tool export_devices" in result.content[0].text


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
    assert text.startswith('**81 devices** of batch "R&D; phase=1" of "Coho Vineyard" written; complete as of ')
    assert unescaped(text.split("\n\n")[1]) == f"File ({data['bytes']:,} bytes): {path}"


async def exported(client: Client, **arguments: str) -> tuple[dict[str, Any], Path]:
    result = await client.call_tool("export_devices", arguments)
    assert not result.is_error, result.content
    return result.structured_content, Path(result.structured_content["path"])


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


async def test_a_link_with_the_files_name_is_not_followed(connect, folder, tmp_path):
    async with connect(exports={"folder": folder}) as client:
        _, path = await exported(client, **ONE_BATCH)
        link_instead(path, tmp_path / "outside.csv")
        _, again = await exported(client, **ONE_BATCH)
    assert again.name == f"{path.stem}-2.csv"
    assert set(content(tmp_path)) == set()
    assert set(content(folder)) == {again.name}


async def test_a_link_to_another_file_or_a_folder_with_the_files_name_stays_as_it_is(connect, folder, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("theirs")
    async with connect(exports={"folder": folder}) as client:
        _, path = await exported(client, **ONE_BATCH)
        link_instead(path, outside)
        path.with_stem(f"{path.stem}-2").mkdir()
        _, again = await exported(client, **ONE_BATCH)
    assert again.name == f"{path.stem}-3.csv"
    assert outside.read_text() == "theirs"
    assert path.is_symlink()
    assert len(list(folder.iterdir())) == 3


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
    sandbox.switches.scripted.append(ScriptedAnswer("/R&D; phase=1/devices", 403, b'{"code": 900308}'))
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


async def test_a_folder_that_is_gone_is_an_error_with_words(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        folder.rmdir()
        result = await client.call_tool("export_devices", ONE_BATCH)
    assert result.is_error
    words = unescaped(result.content[0].text)
    assert words.startswith(
        f"No file was written into the folder of the setting exports.folder, {folder}: it is not there any more."
    )
    assert "Tell the user, who can make it again or choose another folder." in words


async def exporting_fails(client: Client) -> str:
    result = await client.call_tool("export_devices", ONE_BATCH)
    assert result.is_error
    return unescaped(result.content[0].text)


async def test_what_took_the_folders_place_is_not_written_to(connect, folder, tmp_path):
    """A link is followed where the setting names one, not where it came since."""
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (link := tmp_path / "link").symlink_to(folder)
    async with connect(exports={"folder": link}) as client:
        _, path = await exported(client, **ONE_BATCH)
        assert path.parent == folder
        path.unlink()
        folder.rmdir()
        folder.symlink_to(elsewhere)
        assert "a link has taken its place" in await exporting_fails(client)
        folder.unlink()
        folder.touch()
        assert "it is no folder any more" in await exporting_fails(client)
    assert list(elsewhere.iterdir()) == []


@pytest.fixture
def nobodys(tmp_path_factory) -> Iterator[Path]:
    """A folder of whoever runs this test, who is not root meanwhile: root may write anywhere."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        (folder := place / "folder").mkdir()
        root = os.geteuid() == 0
        if root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield folder
            folder.chmod(0o755)
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
async def test_a_folder_that_turned_read_only_is_said(connect, nobodys):
    async with connect(exports={"folder": nobodys}) as client:
        nobodys.chmod(0o555)
        words = await exporting_fails(client)
    assert f"{nobodys}: nothing may be written there. Tell the user, who can change its permissions" in words
    assert list(nobodys.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
@pytest.mark.parametrize("hidden", [True, False])
def test_a_folder_that_turns_read_only_meanwhile_is_said_and_nothing_of_the_list_stays(nobodys, hidden):
    def write() -> None:
        with new_file(nobodys, "devices", "csv", hidden=hidden) as file:
            file.write("half of it")
            nobodys.chmod(0o555)

    with pytest.raises(QuestionError, match="nothing may be written there"):
        write()
    # Where a file needs a name meanwhile, what cannot be removed is emptied, and goes later.
    assert [path.stat().st_size for path in nobodys.iterdir()] in ([], [0] if hidden or sys.platform != "linux" else [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
async def test_a_disk_that_is_full_is_said_and_nothing_is_left(connect, folder):
    """A limit of the process stands for the disk's."""
    import resource  # noqa: PLC0415 - Windows has none

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with connect(exports={"folder": folder}) as client:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            words = await exporting_fails(client)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "a file may not be so large there" in words
        assert list(folder.iterdir()) == []
        assert (await exported(client, **ONE_BATCH))[1].stat().st_size > 100


async def test_what_ended_runs_left_behind_goes_and_nothing_else(connect, folder):
    old, young, link, other, named = (
        folder / name
        for name in (
            ".pc-mcp-0123456789abcdef.part",
            ".pc-mcp-1123456789abcdef.part",
            ".pc-mcp-2123456789abcdef.part",
            ".pc-mcp-notes.part",
            "devices.part",
        )
    )
    for path in (old, young, other, named):
        path.touch()
    link.symlink_to(named)
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    for path in (old, link, other, named):
        os.utime(path, (two_days_ago, two_days_ago), follow_symlinks=False)
    async with connect(exports={"folder": folder}) as client:
        _, path = await exported(client, **ONE_BATCH)
    assert set(folder.iterdir()) == {path, young, link, other, named}


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


async def test_a_file_is_its_owners_alone(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        _, path = await exported(client, **ONE_BATCH)
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_a_long_list_is_written_in_little_memory(sandbox, connect, folder):
    batch, devices = "Long" * 100, 50_000
    items = [{"id": str(number), "serialNumber": f"S{number}"} for number in range(devices)]
    body = json.dumps({"totalCount": devices, "items": items}).encode()
    sandbox.switches.scripted.append(ScriptedAnswer(f"/deviceBatches/{batch}/devices", 200, body))
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
        sandbox.switches.scripted.append(ScriptedAnswer(match, 200, json.dumps(answer).encode()))
    arguments = {"customer": customer["id"]} | ({"batch": batch} if batch else {})
    async with connect(exports={"folder": folder}) as client:
        data, path = await exported(client, **arguments)
    assert path.name == f"{name}{data['as_of'][:10]}.csv"


@pytest.mark.parametrize("hidden", [True, False])
def test_a_file_that_is_not_finished_leaves_nothing(tmp_path, hidden):
    for error, words in (
        (KeyError("x"), "x"),
        (OSError(28, "No space left on device"), "exports.folder.*no space left"),
    ):
        with pytest.raises((KeyError, QuestionError), match=words):
            half_written(tmp_path, error, hidden=hidden)
        assert list(tmp_path.iterdir()) == []


def half_written(folder: Path, error: Exception, *, hidden: bool) -> None:
    with new_file(folder, "devices", "csv", hidden=hidden) as file:
        file.write("half of it")
        assert [path.suffix for path in folder.iterdir()] in ([".part"], [] if not hidden else None)
        raise error


@pytest.mark.parametrize("hidden", [True, False])
def test_whichever_way_it_is_written_it_gets_the_first_free_name_and_is_private(tmp_path, hidden):
    (tmp_path / "devices.csv").write_text("theirs")
    (tmp_path / "devices-2.csv").symlink_to(tmp_path / "nowhere")
    with new_file(tmp_path, "devices", "csv", hidden=hidden) as file:
        file.write("all of it")
    assert file.path == tmp_path / "devices-3.csv"
    assert file.path.read_text() == "all of it"
    assert os.name != "posix" or stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert (tmp_path / "devices.csv").read_text() == "theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"devices.csv", "devices-2.csv", "devices-3.csv"}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("exports", "must be an absolute path"),
        ("/nothing/here", "there is no folder /nothing/here"),
        (__file__, "no folder"),
    ],
)
def test_a_setting_that_names_no_folder_is_an_error_at_start(monkeypatch, value, why):
    monkeypatch.setenv("PC_MCP_EXPORTS__FOLDER", value)
    with pytest.raises(ConfigurationError, match=f"^The setting exports.folder is wrong: .*{why}"):
        load_settings()


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("PC_MCP_EXPORTS__FOLDER", "~")
    assert load_settings().exports.folder == tmp_path
