"""Which part of a list an answer gives, and the cursors that go on behind each of its items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pc_mcp.inventory.errors import CursorRefused
from pc_mcp.inventory.questions.cursors import Cursor, CursorMint
from pc_mcp.inventory.reading.inventory import Call

START = -1
GONE = (
    "The list that this cursor pages is no longer kept, or more of it was read since. Ask again "
    "without cursor to start from the first row."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Continuation:
    """`before` items were shown on the pages before this one.

    cursors: for each item given, in order, the cursor that goes on behind it; None: it is the last.
    """

    before: int
    cursors: Sequence[str | None]


class Paging:
    """How one question pages its list: from the start, or on from `cursor`, which reads nothing more.

    Raises `CursorRefused` for a cursor of another question.
    """

    def __init__(self, call: Call, question: object, cursor: str | None) -> None:
        self._mint = CursorMint(call.inventory.key, question)
        self._cursor = self._mint.read(cursor) if cursor else None

    @property
    def goes_on(self) -> bool:
        return self._cursor is not None

    def begin(self, generation: int) -> Cursor:
        """Where the page begins in the list as it is now. Raises `CursorRefused` where it has changed."""
        if self._cursor is None:
            return Cursor(generation, START, 0)
        return kept(self._cursor if self._cursor.generation == generation else None)

    def page(self, begun: Cursor, keys: Sequence[int], total: int) -> Continuation:
        """The page that began at `begun` and gives the items with these keys, of `total` in the list."""
        cursors = [
            self._mint.mint(Cursor(begun.generation, key, given)) if given < total else None
            for given, key in enumerate(keys, begun.before + 1)
        ]
        return Continuation(begun.before, cursors)


def kept(thing: T | None) -> T:
    """What a cursor goes on with. Raises `CursorRefused` where it is gone."""
    if thing is None:
        raise CursorRefused(GONE)
    return thing
