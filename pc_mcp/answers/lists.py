"""How an answer that lists something is written: one builder for every list.

A list names its columns and its words. What is fixed comes first, then the notes, then as many rows as
still fit into both halves, so that both give the same rows, no row is cut, and what is left out is counted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pc_mcp.answers.budget import Room, notes_that_fit, rows_that_fit
from pc_mcp.answers.clean import escaped, minute, plural, value_cell
from pc_mcp.answers.markdown import row, sections, table, table_head
from pc_mcp.answers.parts import Answer, notes_section
from pc_mcp.inventory.questions.paging import Continuation

LONGEST_CURSOR = "x" * 96
NOTES_SHARE = 0.3


class Rest(Protocol):
    """What an answer says of those items of a list that it does not give."""

    @property
    def total(self) -> int:
        """How many items there are, given or not."""

    @property
    def longest(self) -> str:
        """As long as `line` may be."""

    def line(self, given: int) -> str:
        """What stands below the rows, where so many are given."""

    def next_cursor(self, given: int) -> Mapping[str, str | None]:
        """The field that leads on, for a list that has pages."""


@dataclass(frozen=True, slots=True)
class PagedRest:
    """Of a list that has pages: the cursor behind the last row leads on. what: the items, such as `Devices`; order:
    in which they are given, such as `newest first`."""

    page: Continuation
    total: int
    what: str
    order: str

    @property
    def longest(self) -> str:
        return self._line(self.total, self.total, LONGEST_CURSOR)

    def line(self, given: int) -> str:
        if not given:
            return ""
        return self._line(self.page.before + 1, self.page.before + given, self.page.cursors[given - 1])

    def next_cursor(self, given: int) -> Mapping[str, str | None]:
        return {"next_cursor": self.page.cursors[given - 1] if given else None}

    def _line(self, first: int, last: int, cursor: str | None) -> str:
        line = f"{self.what} {first:,} to {last:,} of {self.total:,}, {self.order}."
        return f"{line} For the next ones pass cursor: {cursor}" if cursor else line


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Of a list without pages: the rest is counted. noun, nouns: one item, several; why: ends the sentence."""

    total: int
    noun: str
    nouns: str
    why: str

    @property
    def longest(self) -> str:
        return self.line(0)

    def line(self, given: int) -> str:
        left_out = self.total - given
        return f"{plural(left_out, f'more {self.noun}', f'more {self.nouns}')} left out{self.why}." if left_out else ""

    def next_cursor(self, given: int) -> Mapping[str, str | None]:  # noqa: ARG002 - both kinds are asked alike
        return {}


@dataclass(frozen=True, slots=True)
class Rows:
    """A list as both halves give it.

    key: its name in the structured content; columns: {head of a column: the field that is its cell}; items: what may
    be given, each as it stands in the structured content; cells: of an item whose cells are not simply its fields.
    """

    key: str
    columns: Mapping[str, str]
    items: Sequence[Mapping[str, Any]]
    cells: Callable[[Any], Iterable[object]] | None = None

    @property
    def lines(self) -> list[str]:
        """The row of each item."""
        return [row(map(value_cell, self._cells(item))) for item in self.items]

    def table(self, given: int) -> str:
        """The table of so many items."""
        return table(list(self.columns), self.lines[:given])

    def _cells(self, item: Mapping[str, Any]) -> Iterable[object]:
        return self.cells(item) if self.cells else (item[field] for field in self.columns.values())


def columns(*names: str) -> dict[str, str]:
    """Columns that are called as their fields are."""
    return dict(zip(names, names, strict=True))


class ListDraft:
    """An answer that lists something, while it is written: what is written first has room first.

    summary: the sentence with which each half begins. facts: the structured content but for it, rows and notes, in
    its order; a part that has to find its room yet is empty there, and `answer` gets it. head: the lines below the
    summary; reserved: the heads of such parts in the text.
    """

    def __init__(
        self,
        max_chars: int,
        summary: str,
        facts: Mapping[str, Any],
        rows: Rows,
        rest: Rest,
        *,
        head: Sequence[str] = (),
        reserved: Sequence[str] = (),
    ) -> None:
        self.notes: list[str] = []
        self.given = 0
        self._head, self._rows, self._rest = [escaped(summary), *head], rows, rest
        self._lines = rows.lines
        self._data: dict[str, Any] = {
            "summary": summary,
            **facts,
            rows.key: [],
            "shown": rest.total,
            "omitted": rest.total,
        }
        self._data |= dict.fromkeys(rest.next_cursor(0), LONGEST_CURSOR) | {"notes": []}
        fixed = sections(*self._head, *reserved, table_head(list(rows.columns)), rest.longest, "Notes:")
        self.room = Room.beside(max_chars, fixed, self._data)

    def take_notes(self, notes: Sequence[str], share: float = NOTES_SHARE) -> None:
        """The notes that fit into this share of the room, the most important first."""
        self.notes += notes_that_fit(notes, self.room.part(share))

    def take_first_row(self) -> None:
        """Before parts that would take all of its room: without a row there is no way on."""
        self.given = rows_that_fit(self._lines[:1], self._rows.items[:1], self.room)

    def take_rows(self) -> None:
        """The rows, or the other rows, as far as there is room."""
        begun = self.given
        self.given += rows_that_fit(self._lines[begun:], self._rows.items[begun:], self.room)

    def answer(self, *parts: str, **found: Any) -> Answer:
        """Both halves. parts: what stands between head and table; found: the same in the structured content."""
        self._data |= found
        self._data |= {
            self._rows.key: list(self._rows.items[: self.given]),
            "shown": self.given,
            "omitted": self._rest.total - self.given,
            **self._rest.next_cursor(self.given),
            "notes": self.notes,
        }
        text = sections(
            *self._head,
            *parts,
            table(list(self._rows.columns), self._lines[: self.given]),
            self._rest.line(self.given),
            notes_section(self.notes),
        )
        return Answer(text, self._data)


def list_answer(
    max_chars: int,
    summary: str,
    facts: Mapping[str, Any],
    rows: Rows,
    rest: Rest,
    notes: Sequence[str],
    *,
    head: Sequence[str] = (),
) -> Answer:
    """The answer that has nothing besides: its head, as many rows as fit, and notes."""
    draft = ListDraft(max_chars, summary, facts, rows, rest, head=head)
    draft.take_notes(notes)
    draft.take_rows()
    return draft.answer()


def counted_summary(counted: str, of_what: str, as_of: datetime, *, complete: bool) -> str:
    """How an answer begins: how many, of what, and whether that is all. counted: such as `3 of 27 customers`."""
    if not complete:
        return f"INCOMPLETE: {counted} read so far{of_what}; as of {minute(as_of)}."
    return f"{counted}{of_what}; complete as of {minute(as_of)}."
