"""The budget of an answer: its text and its structured content may each have so many characters.

An answer is drafted with its fixed parts first; rows are then taken one by one for as long as they
fit into both halves, so that both show the same rows and no row is cut.
"""

from collections.abc import Mapping, Sequence

from pc_mcp.answers.clean import escaped, json_length

_SEPARATOR = ", "
_LINE_BREAK = "\n"
# For the lines that count what was left out, which are written when the room is gone.
_RESERVED = 160


class Room:
    """What is left of the budget in each half. A part draws on the whole that it is a part of."""

    def __init__(self, text: int, data: int, whole: "Room | None" = None) -> None:
        self.text = text
        self.data = data
        self._whole = whole

    @classmethod
    def beside(cls, max_chars: int, text: str, data: Mapping[str, object]) -> "Room":
        """What the fixed parts of an answer leave of `max_chars`."""
        left = max_chars - _RESERVED
        return cls(left - len(text), left - json_length(data))

    def part(self, share: float) -> "Room":
        """At most this share of what is left."""
        return Room(int(self.text * share), int(self.data * share), self)

    def take(self, line: str, item: object) -> bool:
        """Takes the room for a line of text and an item of structured content, if both fit."""
        text, data = len(line) + len(_LINE_BREAK), json_length(item) + len(_SEPARATOR)
        if not self._fits(text, data):
            return False
        self._use(text, data)
        return True

    def _fits(self, text: int, data: int) -> bool:
        fits = text <= self.text and data <= self.data
        return fits and (self._whole is None or self._whole._fits(text, data))

    def _use(self, text: int, data: int) -> None:
        self.text -= text
        self.data -= data
        if self._whole:
            self._whole._use(text, data)


def notes_that_fit(notes: Sequence[str], room: Room) -> list[str]:
    """The notes, most important first, as far as there is room; those left out are counted."""
    kept: list[str] = []
    for note in notes:
        if not room.take(f"- {escaped(note)}", note):
            left_out = len(notes) - len(kept)
            return [*kept, f"{left_out} more {'note' if left_out == 1 else 'notes'} left out for length."]
        kept.append(note)
    return kept


def rows_that_fit(lines: Sequence[str], items: Sequence[object], room: Room) -> int:
    """How many rows, from the first, there is room for; their room is taken."""
    for number, (line, item) in enumerate(zip(lines, items, strict=True)):
        if not room.take(line, item):
            return number
    return len(lines)
