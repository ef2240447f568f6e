"""Cells that spreadsheets take for formulas: how a file guards them, and how a cell that is pasted back is read.

A cell that begins with one of four signs, or with the full-width form of one, is a formula to Excel and
its like; an apostrophe makes it text. Where Excel splits at semicolons, it sees no cell's quotation marks
but the first one's of a row, so that a cell begins behind every semicolon too, and what stands in quotation
marks there.
"""

import re

_CELL = r'(?:^|(?<=;))([\s"]*)'
# With apostrophes before it already, so that what was guarded can be told from what was not.
_FORMULA = r"'*[=+\-@\uff1d\uff0b\uff0d\uff20]"
_UNGUARDED = re.compile(f"{_CELL}(?={_FORMULA})")
_GUARDED = re.compile(f"{_CELL}'(?={_FORMULA})")


def guarded(text: str) -> str:
    """`text` as a cell that is no formula."""
    if (not text or text[0].isalnum()) and ";" not in text:
        return text  # as nearly all are, in lists of a million rows
    return _UNGUARDED.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """What `guarded` was given; a text that it never gives is what it is."""
    return _GUARDED.sub(r"\1", text)
