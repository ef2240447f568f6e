"""What tests of the doctor look at: a service of their own, and a user of it."""

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pc_mcp.commands.cli import main
from pc_mcp.sandbox import Sandbox, World, running
from tests.commands.doctor.results import Doctor
from tests.commands.processes import run
from tests.commands.signing_in import signing_in_to


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(service: Sandbox) -> Iterator[Sandbox]:
    """The service, in which nothing goes wrong."""
    entra, switches = vars(service.entra.switches).copy(), vars(service.switches).copy()
    yield service
    vars(service.entra.switches).update(entra)
    vars(service.switches).update(switches | {"scripted": []})


@pytest.fixture
def env(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of this process too, until the test ends."""
    variables = signing_in_to(sandbox, tmp_path, measured=True)
    for name in os.environ.keys() - variables.keys():
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def doctor(env, capsys, monkeypatch) -> Iterator[Doctor]:
    """`doctor(status, NAME=value)` runs the command, which is to end with `status`: check -> (state, words)."""
    before = logging.getLogger().handlers[:], logging.getLogger().level

    def examine(status: int, *options: str, **variables: str | None) -> dict[str, tuple[str, str]]:
        for name, value in variables.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        capsys.readouterr()
        assert main(["doctor", *options]) == status
        shown = capsys.readouterr()
        assert shown.err == ""
        found = {}
        for line in shown.out.splitlines():
            match = re.fullmatch(r"(ok|warning|wrong|not set up|not checked) {2,}(\S+( \S+)*) {2,}(.*)", line)
            assert match, line
            found[match[2]] = match[1], match[4]
        return found

    yield examine
    logging.getLogger().handlers[:], logging.getLogger().level = before


@pytest.fixture(scope="module")
def store(service: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token store in which the first account is signed in."""
    home = tmp_path_factory.mktemp("signed-in")
    assert run("login", env=signing_in_to(service, home)).returncode == 0
    return home / "data"


@pytest.fixture
def login(store: Path, tmp_path: Path) -> Callable[[], None]:
    return lambda: shutil.copytree(store, tmp_path / "data", dirs_exist_ok=True)
