"""The wheel and the source distribution: whole, alike, and enough in an empty environment without the source tree."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.commands.processes import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
UV = [sys.executable, "-m", "uv", "--quiet", "--cache-dir", str(ROOT / ".cache" / "uv")]


def uv(*arguments: str | Path) -> None:
    done = subprocess.run([*UV, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path, Path]:
    """The wheel of the source tree, the source distribution, and the wheel of that."""
    direct, through = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("through")
    build = ["build", "--no-build-isolation", "--python", sys.executable]
    uv(*build, "--wheel", "--out-dir", direct, ROOT)
    uv(*build, "--out-dir", through, ROOT)  # makes the wheel from the source distribution
    return next(direct.glob("*.whl")), next(through.glob("*.tar.gz")), next(through.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(built, tmp_path_factory) -> Path:
    """The programs of an environment that holds the wheel, what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], timeout=60, check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    install = ["pip", "install", "--python", programs / "python"]
    uv(*install, "--require-hashes", "-r", ROOT / "requirements.txt")
    uv(*install, "--no-deps", built[0])
    return programs


def ran(folder: Path, *command: str | Path) -> str:
    env = environment(folder)
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_both_hold_the_prompts(built):
    wheel, source, _ = built
    prompts = {path.name for path in (ROOT / "prompts").glob("*.md")}
    assert prompts
    assert {f"pc_mcp/prompts/{name}" for name in prompts} <= set(contents(wheel))
    with tarfile.open(source) as archive:
        assert {f"prompts/{name}" for name in prompts} <= {name.partition("/")[2] for name in archive.getnames()}


def test_the_source_distribution_makes_the_same_wheel(built):
    wheel, _, through_source = built
    assert contents(through_source) == contents(wheel)
    assert wheel.name == through_source.name


@pytest.mark.timeout(240)
def test_the_demonstration_runs_from_the_wheel_alone(programs, tmp_path):
    where = ran(tmp_path, programs / "python", "-c", "import pc_mcp; print(pc_mcp.__file__)")
    assert Path(where.strip()).is_relative_to(programs.parent)
    shown = ran(tmp_path, programs / "pc-mcp", "demo")
    assert '100,000 devices of "Fabrikam Manufacturing"' in shown
    assert "14,608 of 100,000 devices" in shown


@pytest.mark.timeout(240)
def test_the_prompts_are_found_in_the_wheel(programs, tmp_path):
    script = "from pc_mcp.protocol.prompts import load_prompts; print(*[prompt.name for prompt in load_prompts()])"
    found = ran(tmp_path, programs / "python", "-c", script).split()
    assert sorted(found) == sorted(path.stem for path in (ROOT / "prompts").glob("*.md"))
