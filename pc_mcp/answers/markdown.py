"""Small pieces of Markdown."""

from collections.abc import Iterable, Sequence


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def table_head(columns: Sequence[str]) -> str:
    """The two lines above a table's rows."""
    return f"{row(columns)}\n|{' --- |' * len(columns)}"


def table(columns: Sequence[str], rows: Sequence[str]) -> str:
    """A table of rows made by `row`; nothing when there are none."""
    return "\n".join([table_head(columns), *rows]) if rows else ""


def bullets(lines: Iterable[str]) -> str:
    """A list with a line for each."""
    return "\n".join(f"- {line}" for line in lines)


def sections(*parts: str) -> str:
    """The parts that are not empty, with a blank line between."""
    return "\n\n".join(part for part in parts if part)
