"""A new tool: a stranger who does what docs/contributing.md says, and nothing else, has one that passes every check."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, blocks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.skipif(os.name == "nt", reason="paths of bin/")]

MOST_FILES = 8
BIN = Path(sys.executable).parent
# What the targets of `make` run that the last step names, and of the tests those that look at every tool.
EVERY_TOOL = (
    *("tool_definitions", "arbitrary_arguments", "bad_input", "host_arguments", "hostile_text"),
    *("text_of_the_service", "list_uploaders"),
)
SNAPSHOTS = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/tools/test_snapshots.py"]
DOCUMENTS = ["python", "-m", "tests.documentation"]
WRITES = [["ruff", "format", "."], [*SNAPSHOTS, "--snapshot-update"], [*DOCUMENTS, "--write"]]
CHECKS = [
    ["ruff", "format", "--check", "."],
    ["ruff", "check", "."],
    ["mypy"],
    ["lint-imports", "--no-cache"],
    DOCUMENTS,
    [*SNAPSHOTS, *(f"tests/tools/test_{name}.py" for name in EVERY_TOOL)],
]


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of what is under version control, as it stands here."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def run(tree: Path, program: str, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(BIN / program), *arguments]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"


def contents(tree: Path) -> dict[str, bytes]:
    """Every file that version control would see, but for what the tools keep for themselves."""
    kept = {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__"}
    files = [path for path in tree.rglob("*") if path.is_file() and not kept.intersection(path.parts)]
    return {str(path.relative_to(tree)): path.read_bytes() for path in files}


def put(tree: Path, name: str, before: str, line: str) -> None:
    """Puts a line before another one that is there once."""
    text = (tree / name).read_text(encoding="utf-8")
    assert text.count(before) == 1, (name, before)
    (tree / name).write_text(text.replace(before, line + before), encoding="utf-8")


def test_a_tool_that_is_added_in_five_steps_touches_few_files_and_passes_every_check(tree):
    before = contents(tree)
    for block in blocks(tree / "docs" / "contributing.md"):
        if block.language == "python" and block.marks == ("writes",):
            first, _, text = block.text.partition("\n")
            (tree / first.removeprefix("# ")).write_text(text, encoding="utf-8")
    imported = "from pc_mcp.tools.list_uploaders import list_uploaders\n"
    put(tree, "pc_mcp/tools/__init__.py", "from pc_mcp.tools.sign_in import", imported)
    put(tree, "pc_mcp/tools/__init__.py", "    sign_in,\n", "    list_uploaders,\n")
    with (tree / "CHANGELOG.md").open("a", encoding="utf-8") as changelog:
        changelog.write("- The tool `list_uploaders` says who uploaded a customer's batches.\n")
    for command in [*WRITES, *CHECKS]:
        run(tree, *command)

    after = contents(tree)
    touched = sorted(name for name in before | after if before.get(name) != after.get(name))
    assert len(touched) <= MOST_FILES, touched
    assert "docs/tools.md" in touched
    assert (tree / "docs" / "tools.md").read_text(encoding="utf-8").count("`list_uploaders`") >= 2
