"""What stands in the documents is well formed, true of the program, and either run by a test or marked."""

import argparse
import json
import re
import subprocess
import tomllib

import pytest

import node_tools
from pc_mcp.commands.cli import parser
from pc_mcp.settings import Settings
from tests.docs.documents import DOCUMENTS, MARKS, READ, ROOT, RUN, anchors, blocks, code, links, runnable
from tests.docs.powershell import faulty

pytestmark = pytest.mark.slow

BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
FOUND = {language: [block for block in BLOCKS if block.language == language] for language in READ | {"text"}}
SCRIPTING = ROOT / "docs" / "scripting.md"
COMMAND = re.compile(r"pc-mcp(?: ([a-z]+)(.*))?$")
STARTS_A_PROGRAM = re.compile(r"^(pc-mcp|make|python3?|pip|docker|npm|npx|mcp-inspector|uv|pipx) ", re.MULTILINE)

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)


def each(language: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", FOUND[language], ids=str)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_run_or_read_or_says_why_not(block):
    if block.language == "text":
        assert block.marks in {(), ("output",)}
    else:
        assert block.language in RUN | READ
        assert set(block.marks) <= set(MARKS)


@each("text")
def test_a_block_of_text_hides_no_command(block):
    assert not STARTS_A_PROGRAM.search(block.text)


@each("json")
def test_json_is_json(block):
    assert json.loads(block.text)


@each("toml")
def test_a_configuration_is_one_that_the_program_takes(block, tmp_path):
    # The folders that it names are not on this machine.
    sections = tomllib.loads(re.sub(r'^folder = ".+"', f"folder = '{tmp_path}'", block.text, flags=re.MULTILINE))
    settings = Settings(**sections)
    assert all(getattr(settings, name) for name in sections)


SHELL = [block for block in BLOCKS if block.language in {"sh", "bash"} and block.marks]


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_script_that_is_not_run_is_one_that_the_shell_takes(block):
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@each("powershell")
def test_powershell_is_powershell(block):
    assert not faulty(block.text)


@pytest.mark.parametrize("wrong", ["if ($a -eq 1 { 'x' }", "'open", "$a = @{ 'b' = 1", "a | | b"])
def test_what_is_no_powershell_is_noticed(wrong):
    assert faulty(wrong)


def options() -> dict[str, set[str]]:
    """Each command of `pc-mcp` and its options."""
    (commands,) = [action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: set(command._option_string_actions) for name, command in commands.items()}


@each_document
def test_every_command_and_option_that_is_named_exists(document):
    """In blocks that are run, that shows by itself."""
    known = options()
    marked = [text for block in blocks(document) if block.marks for text in block.text.splitlines()]
    for text in [*marked, *code(document)]:
        command = COMMAND.match(text)
        if command and command[1]:
            assert command[1] in known, text
            assert {word for word in command[2].split() if word.startswith("-")} <= known[command[1]], text


def targets(script: str) -> set[str]:
    return set(re.findall(r"^make ([a-z-]+)$", script, re.MULTILINE))


def needed(target: str) -> set[str]:
    """`target` and what the Makefile makes for it."""
    makefile = (ROOT / "Makefile").read_text()
    line = re.search(rf"^{re.escape(target)}:([^#\n]*)", makefile, re.MULTILINE)
    assert line, f"there is no make {target}"
    return {target}.union(*(needed(each) for each in line[1].split() if not each.startswith((".", "$"))))


@each_document
def test_every_make_target_exists_and_ci_makes_those_that_stand_alone(document):
    for text in code(document):
        assert not text.startswith("make ") or needed(text.removeprefix("make "))
    made = set().union(*map(needed, targets((ROOT / ".ci" / "run").read_text())))
    assert set().union(*(targets(block.text) for block in runnable(document))) <= made


def test_the_inspector_of_the_scripts_is_the_one_that_they_are_tested_with():
    pinned = json.loads((node_tools.HERE / "package.json").read_text())["dependencies"]
    (block,) = [block for block in blocks(SCRIPTING) if block.marks == ("npm",)]
    name, _, version = block.text.split()[-1].rpartition("@")
    assert pinned[name] == version


@each_document
def test_every_file_of_the_repository_that_is_named_is_there(document):
    marked = [word for block in blocks(document) if "tests" in block.marks for word in block.text.split()]
    for name in [*code(document), *marked]:
        if re.match(r"(pc_mcp|tests|bench|docs|prompts|bundle|conformance|node_tools)/[\w./-]+$", name):
            assert (ROOT / name).exists(), name


@each_document
def test_every_link_leads_somewhere(document):
    for target in links(document):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.is_relative_to(ROOT), target
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_every_document_is_linked_from_the_readme():
    readme, *others = DOCUMENTS
    assert {str(path.relative_to(ROOT)) for path in others} <= set(links(readme))
