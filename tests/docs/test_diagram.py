"""What the pages for those who change the program say of it: the diagram, and the files that are named."""

import itertools
import re

import grimp
import pytest

from tests.docs.documents import ROOT, blocks, code

pytestmark = pytest.mark.slow

PAGE, CONTRIBUTING = ROOT / "docs" / "how-it-works.md", ROOT / "docs" / "contributing.md"
LEFT_OUT = {"__main__", "runtime"}
WINGS = "inventory"
"""The room whose own rooms are drawn within it."""

Pairs = set[tuple[str, str]]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("pc_mcp", cache_dir=None)


@pytest.fixture(scope="module")
def lines() -> Pairs:
    """The lines that stand for imports: (who imports, what)."""
    (diagram,) = [block.text for block in blocks(PAGE) if block.language == "mermaid"]
    found: Pairs = set()
    for line in diagram.splitlines():
        if " --> " in line:
            importers, imported = (side.split(" & ") for side in line.strip().split(" --> "))
            found |= set(itertools.product(importers, imported))
    return found


def boxes(lines: Pairs) -> set[str]:
    return set(itertools.chain(*lines))


def followed(lines: Pairs, start: str) -> set[str]:
    """Where the lines lead to from `start`."""
    ends = {end for begin, end in lines if begin == start}
    return ends.union(*(followed(lines, end) for end in ends))


def imports(graph: grimp.ImportGraph, root: str, among: set[str]) -> Pairs:
    def one_imports(importer: str, imported: str) -> bool:
        names = {"importer": f"{root}.{importer}", "imported": f"{root}.{imported}"}
        return graph.direct_import_exists(**names, as_packages=True)

    return {pair for pair in itertools.permutations(among, 2) if one_imports(*pair)}


def rooms(graph: grimp.ImportGraph, root: str) -> set[str]:
    return {name.removeprefix(f"{root}.") for name in graph.find_children(root)}


def wings(graph: grimp.ImportGraph) -> set[str]:
    root = f"pc_mcp.{WINGS}"
    return {name for name in rooms(graph, root) if graph.find_children(f"{root}.{name}")}


def test_its_boxes_are_the_rooms_but_for_those_that_the_page_leaves_out(graph, lines):
    assert boxes(lines) == (rooms(graph, "pc_mcp") | wings(graph)) - LEFT_OUT
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in boxes(lines) | LEFT_OUT - {"__main__"})


def test_every_line_is_an_import_and_every_import_follows_from_the_lines(graph, lines):
    inner = wings(graph)
    real = imports(graph, "pc_mcp", boxes(lines) - inner) | imports(graph, f"pc_mcp.{WINGS}", inner)
    assert lines <= real
    assert {pair for pair in real if pair[1] not in followed(lines, pair[0])} == set()


def test_no_line_follows_from_the_others(lines):
    assert {line for line in lines if line[1] in followed(lines - {line}, line[0])} == set()


@pytest.mark.parametrize("page", [PAGE, CONTRIBUTING], ids=lambda page: page.stem)
def test_the_files_that_a_page_names_are_there(page):
    named = [name for name in code(page) if re.fullmatch(r"[\w.-]+/[\w./-]+|[\w-]+\.(md|toml|py)", name)]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
