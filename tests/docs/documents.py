"""The documents as tests read them: their fenced blocks, links, headings and inline code.

A fenced block that is not run says why in the word after its language, such as ```` ```sh tenant ````.
"""

import itertools
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]

RUN = {"sh", "bash", "python"}
"""Languages whose blocks are run, unless marked."""
READ = {"json", "toml", "powershell", "mermaid"}
"""Languages whose blocks are held against a parser; of mermaid there is one, which test_diagram.py reads."""
MARKS = {
    "tenant": "needs a partner's tenant",
    "docker": "needs Docker",
    "npm": "installs from npm; the tests use the version that node_tools pins",
    "pypi": "installs from PyPI",
    "writes": "writes files of the checkout",
    "tests": "runs tests, of which this is one",
}
"""Why a block is not run."""


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is where it begins in `document`."""

    document: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def tokens(document: Path) -> list[Token]:
    return MarkdownIt("gfm-like", {"linkify": False}).parse(document.read_text(encoding="utf-8"))


def blocks(document: Path) -> list[Block]:
    """The fenced blocks, in their order."""
    found = []
    for token in tokens(document):
        if token.type == "fence":
            assert token.map
            language, *marks = token.info.split() or [""]
            found.append(Block(document, token.map[0] + 1, language, tuple(marks), token.content))
    return found


def inline(document: Path) -> list[Token]:
    """What stands in the lines of text: words, code, links, images."""
    return [child for token in tokens(document) for child in token.children or []]


def links(document: Path) -> list[str]:
    """Where links and images lead to."""
    targets = [token.attrGet("href") or token.attrGet("src") for token in inline(document)]
    return [str(target) for target in targets if target]


def code(document: Path) -> list[str]:
    """The pieces of inline code."""
    return [token.content for token in inline(document) if token.type == "code_inline"]


def anchors(document: Path) -> set[str]:
    """The names that headings have as targets of links."""
    found = tokens(document)
    titles = [after.content for token, after in itertools.pairwise(found) if token.type == "heading_open"]
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def column(document: Path, heading: str) -> list[str]:
    """The first cell of each row of the table whose first heading is `heading`."""
    lines = document.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    return [line.split(" | ")[0].removeprefix("| ") for line in takewhile(bool, lines[start + 2 :])]


def runnable(document: Path) -> list[Block]:
    """The blocks that are run, in their order."""
    return [block for block in blocks(document) if block.language in RUN and not block.marks]


def shown_after(block: Block) -> str | None:
    """What the document shows that `block` prints: the block of text that follows it, if that is the next one."""
    found = blocks(block.document)
    following = found[found.index(block) + 1 :]
    return following[0].text if following and following[0].marks == ("output",) else None
