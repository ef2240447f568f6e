"""The folder for exports: what else is there, what becomes of it, and what is left in it."""

import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client

from pc_mcp.inventory import QuestionError
from pc_mcp.settings import ConfigurationError, load_settings
from pc_mcp.tools.support.files import new_file
from tests.answers.reading import unescaped
from tests.tools.exporting import ONE_BATCH, content, exported


def link_instead(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


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


async def test_a_folder_that_is_gone_is_an_error_with_words(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        folder.rmdir()
        result = await client.call_tool("export_devices", ONE_BATCH)
    assert result.is_error
    words = unescaped(result.content[0].text)
    assert words.startswith(
        f"No file was written into the folder of the setting exports.folder, {folder}: it is not there."
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
        assert "it is no folder" in await exporting_fails(client)
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


async def test_a_file_is_its_owners_alone(connect, folder):
    async with connect(exports={"folder": folder}) as client:
        _, path = await exported(client, **ONE_BATCH)
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


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


def test_a_setting_that_can_name_no_folder_is_an_error_at_start(monkeypatch):
    monkeypatch.setenv("PC_MCP_EXPORTS__FOLDER", "exports")
    with pytest.raises(ConfigurationError, match=r"^The setting exports\.folder is wrong: must be an absolute path"):
        load_settings()


@pytest.mark.parametrize("name", ["gone/", "file", "file/within", "n" * 5000, "circle"])
async def test_a_folder_that_is_not_there_keeps_nobody_from_asking(connect, tmp_path, name, caplog):
    """It may come back, as one on a network does."""
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    async with connect(exports={"folder": tmp_path / name}) as client:
        assert not (await client.call_tool("find_customers", {})).is_error
        assert "No file was written into the folder of the setting exports.folder" in await exporting_fails(client)
        if name == "gone/":
            (tmp_path / name).mkdir()
            await exported(client, **ONE_BATCH)
    assert "there is no folder" in caplog.text


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("PC_MCP_EXPORTS__FOLDER", "~")
    assert load_settings().exports.folder == tmp_path
