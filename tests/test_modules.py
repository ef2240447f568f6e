"""The program stays readable: modules, classes and functions have their bounds, only one folder knows an engine, and
what measures the program does not lean on its tests."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

import pc_mcp

pytestmark = pytest.mark.no_cover
ROOT = Path(pc_mcp.__file__).parent
TREE = Path(__file__).parents[1]
MODULES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}
STORE = Path("inventory", "store")
AN_ENGINE = re.compile(
    r"(?i:sqlite|psycopg|duckdb)"
    r"|\b(SELECT .*\bFROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET|(CREATE|DROP) (TABLE|INDEX)|PRAGMA \w+)"
)
PAGE = re.compile(r"\bdocs/[\w-]+\.md\b")
MOST_LINES, MOST_LINES_OF_A_CLASS, MOST_LINES_OF_A_FUNCTION = 400, 150, 60


def too_long(kind, most):
    """The definitions of a kind that have more lines, by where they are."""
    nodes = chain.from_iterable(
        ((place, node) for node in ast.walk(ast.parse(text)) if isinstance(node, kind))
        for place, text in MODULES.items()
    )
    lines = {f"{place}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for place, node in nodes}
    return {place: length for place, length in lines.items() if length > most}


def test_no_module_is_longer_than_400_lines():
    lengths = {place: len(text.splitlines()) for place, text in MODULES.items()}
    assert {place: lines for place, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_class_is_longer_than_150_lines():
    assert too_long(ast.ClassDef, MOST_LINES_OF_A_CLASS) == {}


def test_no_function_is_longer_than_60_lines():
    assert too_long(ast.FunctionDef | ast.AsyncFunctionDef, MOST_LINES_OF_A_FUNCTION) == {}


def test_only_the_store_knows_an_engine_and_its_language():
    elsewhere = {place: text for place, text in MODULES.items() if STORE not in Path(place).parents}
    assert {place: found[0] for place, text in elsewhere.items() if (found := AN_ENGINE.search(text))} == {}
    assert AN_ENGINE.search(MODULES[str(STORE / "sqlite.py")])


def test_what_measures_packs_or_judges_the_program_imports_nothing_of_the_tests():
    folders = ("bench", "bundle", "conformance", "node_tools")
    beside = [path for folder in folders for path in TREE.glob(f"{folder}/**/*.py")]
    assert len(beside) > 20
    imports = re.compile(r"^\s*(from|import) tests\b", re.MULTILINE)
    assert [path.name for path in beside if imports.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
def test_only_the_module_that_says_where_pages_are_names_one_in_a_message():
    """Neither the wheel nor the bundle brings the pages along."""
    naming = {place for place, text in MODULES.items() if any(PAGE.search(each) for each in messages(text))}
    assert naming == {"runtime/guides.py"}
    assert not any(map(PAGE.search, messages((TREE / "bundle" / "serve.py").read_text(encoding="utf-8"))))


def messages(text):
    """The texts of a module but for its docstrings."""
    tree = ast.parse(text)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return [node.value for node in constants if isinstance(node.value, str)]
