"""Reads an answer as a model would: tables of the text, numbers and notes of both halves."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from pc_mcp.runtime.text import match_key

HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LIVE_LINK = re.compile(r"(?<!\\)\[|(?<!\\)\]\(|(?<!\\)<|(?<!\\)`")


def tables(text: str) -> list[list[list[str]]]:
    """Every table of a Markdown text: its head and its rows, as lists of cells, escapes undone."""
    found: list[list[list[str]]] = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if len(lines) > 2 and re.fullmatch(r"\|( --- \|)+", lines[1]):
            found.append([cells(lines[0]), *map(cells, lines[2:])])
    return found


def cells(line: str) -> list[str]:
    """The cells of a table's row."""
    assert line.startswith("| "), line
    assert line.endswith(" |"), line
    return [unescaped(cell) for cell in line[2:-2].split(" | ")]


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def table_below(text: str, *head: str) -> list[list[str]]:
    """The rows of the table that has this head; none where there is no such table."""
    return next((table[1:] for table in tables(text) if table[0] == list(head)), [])


def notes(text: str) -> list[str]:
    """The notes at the end of a text."""
    _, found, tail = text.rpartition("\n\nNotes:\n")
    return [unescaped(line.removeprefix("- ")) for line in tail.split("\n")] if found else []


def cell_of(value: str | int | None) -> str:
    """What a row of the text shows for a value of the structured content: one that reads as if it were absent
    stands in quotation marks."""
    if isinstance(value, str):
        return f'"{value}"' if match_key(value).strip("' ") in {"-", "(none)", "none"} else value
    return "-" if value is None else f"{value:,}"


def texts(data: object) -> Iterator[str]:
    """Every text in structured content."""
    if isinstance(data, str):
        yield data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from texts(value)


def numbers(data: object) -> Iterator[int]:
    """Every number in structured content."""
    if isinstance(data, int) and not isinstance(data, bool):
        yield data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from numbers(value)


def size(data: object) -> int:
    return len(json.dumps(data, ensure_ascii=False))


def hidden(text: str) -> list[str]:
    """The characters of a text that nobody sees; line breaks, as the text half has them, apart."""
    return [
        f"U+{ord(char):04X}"
        for char in text.replace("\n", "")
        if unicodedata.category(char) in HIDDEN_CATEGORIES or 0xE0000 <= ord(char) <= 0xE0FFF
    ]


def check_cleaned(text: str, data: Any) -> None:
    """Fails for text that hides, breaks a line or a table, links, or is too long."""
    assert hidden(text) == []
    assert LIVE_LINK.search(text) is None
    for value in texts(data):
        assert hidden(value) == []
        assert "\n" not in value
        assert "|" not in value


def check_halves(text: str, data: Any, max_chars: int) -> None:
    """Fails when a half breaks the budget, when the two begin with different words, or when the text lacks a note or
    the cursor."""
    assert next(iter(data.items())) == ("summary", unescaped(text.partition("\n")[0]))
    assert len(text) <= max_chars
    assert size(data) <= max_chars
    assert notes(text) == data["notes"]
    cursor = data.get("next_cursor")
    assert (f"pass cursor: {cursor}" in text) == (cursor is not None)
    assert text.startswith("INCOMPLETE:") == (not data.get("complete", True))
