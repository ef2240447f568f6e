"""The program stays readable: modules and functions have their bounds."""

import ast
from pathlib import Path

import pc_mcp

MODULES = sorted(Path(pc_mcp.__file__).parent.rglob("*.py"))
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60


def test_no_module_is_longer_than_400_lines():
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_function_is_longer_than_60_lines():
    found = {
        f"{path}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {place: lines for place, lines in found.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}
