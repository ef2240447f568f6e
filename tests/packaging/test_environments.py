"""`make` fills an environment from the locks, whatever has been released since, and keeps no broken one."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.indexes import BACKEND, Index

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = "Scripts" if sys.platform == "win32" else "bin"
# What ensurepip of Python 3.11.0 brings is the oldest that an environment can begin with.
OLDEST_PIP = "pip==22.3"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def index(tmp_path) -> Index:
    return Index(tmp_path / "index")


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with our Makefile and two locks with nothing in them."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copyfile(ROOT / "Makefile", folder / "Makefile")
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("")
    return folder


@pytest.fixture
def make(project, index) -> Make:
    def made(target: str, *variables: str) -> subprocess.CompletedProcess[str]:
        # What an outer make hands on would speak to this one.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PIP_"))}
        return subprocess.run(
            ["make", "--no-print-directory", target, *variables],
            cwd=project,
            env=inherited | index.environment | {"PYTHONWARNINGS": ""},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return made


def interpreter(project: Path) -> Path:
    return project / ".venv" / PROGRAMS / "python"


def has_pip(project: Path, requirement: str) -> None:
    """Puts another pip into the environment, from the registry, as this machine is configured."""
    command = [interpreter(project), "-m", "pip", "install", "--quiet", "--upgrade", requirement]
    subprocess.run(command, timeout=120, check=True)


def python(folder: Path, name: str = "python3", says: str = "pass") -> str:
    """A command that is this Python, and says what `says` makes it say of itself; its environments have no pip."""
    program = folder / name
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -c ]; then exec "{sys.executable}" -c \'import sys; {says}; exec(sys.argv[1])\' "$2"; fi\n'
        f'exec "{sys.executable}" "$@" --without-pip\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return f"PYTHON={program}"


@pytest.mark.parametrize("pip", [OLDEST_PIP, "pip"], ids=["oldest", "newest"])
def test_a_newer_release_of_what_is_asked_for_with_an_extra_changes_nothing(make, project, index, pip):
    asked = index.add("asked", "1.0", extra="toml")
    asking = index.add("asking", "1.0", needs="asked[toml]")
    index.add("asked", "2.0", extra="toml")
    (project / "requirements.txt").write_text(asking + asked)
    assert make(".venv/.made").returncode == 0
    has_pip(project, pip)
    done = make(".venv/.dev")
    assert done.returncode == 0, done.stderr
    frozen = subprocess.run([interpreter(project), "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
    assert {"asked==1.0", "asking==1.0"} <= set(frozen.stdout.splitlines())


def test_a_lock_that_lacks_something_ends_with_its_name_and_is_not_taken_for_done(make, project, index):
    (project / "requirements.txt").write_text(index.add("asking", "1.0", needs="asked"))
    for _ in range(2):
        done = make(".venv/.run")
        assert done.returncode != 0
        assert "asking 1.0 requires asked, which is not installed" in done.stdout
    (project / "requirements.txt").write_text(index.add("asking", "1.0", needs="asked") + index.add("asked", "1.0"))
    assert make(".venv/.run").returncode == 0
    assert make(".venv/.run").stdout == ""


def test_an_interpreter_that_is_too_old_is_named_before_anything_is_made_or_lost(make, project, tmp_path):
    old = python(tmp_path, "python3.9", says="sys.version_info = (3, 9, 18)")
    for _ in range(2):
        done = make(".venv/.made", old)
        assert done.returncode != 0
        assert "needs Python 3.11 or newer, this is 3.9\n" in done.stderr
        assert not (project / ".venv").exists()
    assert make(".venv/.made", python(tmp_path)).returncode == 0
    assert make(".venv/.made", old).returncode != 0
    assert interpreter(project).exists()


def test_an_environment_is_made_anew_exactly_where_it_is_not_whole_or_not_the_one_that_is_asked_for(
    make, project, tmp_path
):
    environment = project / ".venv"
    kept = environment / "kept"
    same = python(tmp_path)
    path = f"PATH={tmp_path}{os.pathsep}{os.environ['PATH']}"

    def is_made_anew(variable: str = path) -> bool:
        kept.touch()
        done = make(".venv/.made", variable)
        assert done.returncode == 0, done.stderr
        assert interpreter(project).exists()
        return not kept.exists()

    environment.mkdir()
    assert is_made_anew(), "what an older failure left"
    assert not is_made_anew()
    assert not is_made_anew(same)
    assert is_made_anew(python(tmp_path, "other", says='sys.base_prefix = "elsewhere"'))
    assert not is_made_anew(), "no interpreter is asked for"
    (environment / ".unfinished").touch()
    assert is_made_anew(), "pip was interrupted"
    interpreter(project).unlink()
    assert is_made_anew(), "its interpreter is gone"
    (environment / ".made").write_text("/another/folder\n")
    assert is_made_anew(), "the folder was moved"


def test_wherever_a_lock_is_installed_nothing_is_resolved_again_and_what_is_installed_is_checked():
    installs = [
        line.strip()
        for name in ("Makefile", "Dockerfile", ".ci/run")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "install" in line and "-m pip" in line
    ]
    assert len(installs) == 3
    assert all("--no-deps" in line for line in installs)
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert dockerfile.index("-m pip check") > dockerfile.rindex("pip install")
