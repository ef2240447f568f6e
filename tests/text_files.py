"""Snapshots as text files, one each, in tests/snapshots."""

import re
from pathlib import Path
from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

FOLDER = Path(__file__).parent / "snapshots"
NORMALISED = [
    (re.compile(r"(?<=pass cursor: )[\w-]{24,96}|(?<=\"next_cursor\": \")[\w-]{24,96}"), "<cursor>"),
    (re.compile(r"(?<=as of )\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "<now>"),
    (re.compile(r'(?<="as_of": ")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'), "<now>"),
    (re.compile(r"(?<=correlation id )[0-9a-f-]{36}"), "<correlation id>"),
]


class TextFile(SingleFileSnapshotExtension):
    """One text file a snapshot, all in one folder."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(FOLDER / test_location.basename)

    def serialize(self, data: Any, **_: Any) -> str:
        for pattern, word in NORMALISED:
            data = pattern.sub(word, data)
        return str(data).rstrip("\n") + "\n"
