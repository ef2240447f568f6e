"""Which part of a list an answer gives, and the cursors that go on behind each of its items."""

from collections.abc import Sequence
from dataclasses import dataclass

from pc_mcp.inventory.errors import CursorRefused
from pc_mcp.inventory.questions.cursors import Cursor, CursorMint

START = -1


@dataclass(frozen=True, slots=True)
class Page:
    """`before` items were shown on the pages before this one.

    cursors: for each item given, in order, the cursor that goes on behind it; None: it is the last.
    """

    before: int
    cursors: Sequence[str | None]


def begin(mint: CursorMint, text: str | None, question: object, list_id: str) -> Cursor:
    """Where a page begins. Raises `CursorRefused` when the cursor is of another question or list."""
    if text is None:
        return Cursor(list_id, START, 0)
    cursor = mint.read(text, question)
    if cursor.list_id != list_id:
        raise gone()
    return cursor


def page(mint: CursorMint, begun: Cursor, question: object, keys: Sequence[int], total: int) -> Page:
    """The page that began at `begun` and gives the items with these keys, of `total` in the list."""
    cursors = [
        mint.mint(Cursor(begun.list_id, key, shown), question) if shown < total else None
        for shown, key in enumerate(keys, begun.shown + 1)
    ]
    return Page(begun.shown, cursors)


def gone() -> CursorRefused:
    """The error for a cursor whose list is no longer kept, or has grown since."""
    return CursorRefused(
        "The list that this cursor pages is no longer kept, or more of it was read since. Ask again "
        "without cursor to start from the first row."
    )
