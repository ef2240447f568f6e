"""Where the files of a user are; on Windows, where every application sees the same ones."""

import os
import pwd
import sys
from pathlib import Path

import pytest

from pc_mcp.auth.store import TokenStore, file_name
from pc_mcp.runtime.places import Places
from tests.auth.token_store.stores import NAME, SECRET, secret_in, sign_in
from tests.commands.processes import environment, run_to_end

STORE_PYTHON = "PythonSoftwareFoundation.Python.3.13_qbz5n2kfra8p0"
FILE = file_name(NAME)


def windows(home: Path) -> Places:
    """The places as they are once the program has begun."""
    places = Places({"USERPROFILE": str(home), "LOCALAPPDATA": str(home / "AppData" / "Local")}, "win32")
    places.bring_home()
    return places


def private_copy(home: Path, package: str = STORE_PYTHON) -> Path:
    """Where what that application of the Store writes into AppData goes."""
    return home / "AppData" / "Local" / "Packages" / package / "LocalCache" / "Local" / "pc-mcp"


def write(path: Path, text: str, age: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def test_on_windows_no_file_is_in_appdata(tmp_path):
    places = windows(tmp_path)
    assert places.configuration("config.toml") == tmp_path / ".pc-mcp" / "config.toml"
    assert places.data(FILE) == tmp_path / ".pc-mcp" / FILE
    assert not (tmp_path / ".pc-mcp").exists()


def test_elsewhere_files_are_where_the_platform_keeps_them(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    places = Places(platform="linux")
    assert places.configuration("config.toml").name == "config.toml"
    assert places.left("config.toml") == []


@pytest.mark.parametrize("package", [None, STORE_PYTHON, "Claude_pzs8sxrjxfjjc"])
def test_what_an_earlier_version_left_in_appdata_is_moved(tmp_path, package):
    folder = private_copy(tmp_path, package) if package else tmp_path / "AppData" / "Local" / "pc-mcp"
    earlier = write(folder / "config.toml", "ours")
    path = windows(tmp_path).configuration("config.toml")
    assert path.read_text() == "ours"
    assert not earlier.exists()


def test_of_several_earlier_files_the_latest_counts_and_the_others_are_known(tmp_path):
    older = write(tmp_path / "AppData" / "Local" / "pc-mcp" / FILE, "older", age=60)
    write(private_copy(tmp_path) / FILE, "latest")
    places = windows(tmp_path)
    assert places.data(FILE).read_text() == "latest"
    assert places.left(FILE) == [older]


def test_a_file_at_its_place_is_not_replaced(tmp_path):
    write(tmp_path / ".pc-mcp" / "config.toml", "here", age=3600)
    write(tmp_path / "AppData" / "Local" / "pc-mcp" / "config.toml", "newer")
    assert windows(tmp_path).configuration("config.toml").read_text() == "here"


def test_what_another_application_wrote_into_its_own_copy_is_not_taken(tmp_path):
    write(private_copy(tmp_path, "Evil.PythonSoftwareFoundation.Python.3.13_1234567890abc") / "config.toml", "planted")
    places = windows(tmp_path)
    assert not places.configuration("config.toml").exists()
    assert places.left("config.toml") == []


def test_signing_out_removes_what_is_left_at_other_places_and_says_what_it_cannot(tmp_path):
    sign_in(TokenStore(private_copy(tmp_path), NAME, "file"))
    sign_in(TokenStore(tmp_path / "AppData" / "Local" / "pc-mcp", NAME, "file"), "another")
    places = windows(tmp_path)
    store = TokenStore(places.data(FILE).parent, NAME, "file", left=lambda: places.left(FILE))
    assert secret_in(store) in {SECRET, "another"}
    (left,) = places.left(FILE)
    assert f"An older sign-in is still at {left}; pc-mcp logout removes it." in store.notice
    store.with_cache(store.forget)
    assert places.left(FILE) == []
    assert (secret_in(store), store.notice) == (None, "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it has a profile instead")
@pytest.mark.parametrize("named", ["", "relative", "./x"])
def test_a_home_that_is_no_absolute_folder_is_not_taken(named, tmp_path):
    env = environment(tmp_path, HOME=named, XDG_CONFIG_HOME=named, XDG_DATA_HOME=named)
    program = "from pc_mcp.commands.cli import main; main(['version']); import pathlib; print(pathlib.Path.home());"
    program += "from pc_mcp.settings import usual_config_file; print(usual_config_file())"
    done = run_to_end([sys.executable, "-c", program], env=env, cwd=tmp_path)
    _, home, file = done.stdout.splitlines()
    own = pwd.getpwuid(os.getuid()).pw_dir
    assert home == own
    assert file.startswith(f"{own}/")
    assert list(tmp_path.iterdir()) == []
