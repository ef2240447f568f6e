"""Writes a file into the folder for exports: never outside it, never over another file, never half of one."""

import itertools
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pc_mcp.inventory import QuestionError

# With a date, a format and a number a name stays far below the 255 bytes of common file systems.
_MAX_NAME_PART = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


class FileNotWritten(QuestionError):
    """The folder or its file system does not let a file be written; the text says why."""


@dataclass(eq=False)
class NewFile:
    """A file that is being written under a name of its own. `path` is set when it is whole."""

    stream: BinaryIO
    size: int = 0
    path: Path | None = None

    def write(self, text: str) -> None:
        """Raises `OSError`."""
        self.size += self.stream.write(text.encode())


def file_stem(*parts: str) -> str:
    """A file name, without ending, that every system takes: it begins with `devices`, so that it
    names no device of Windows, and consists of ASCII letters, digits and hyphens."""
    return "-".join(filter(None, ["devices", *map(_plain, parts)]))


@contextmanager
def new_file(folder: Path, stem: str, ending: str) -> Iterator[NewFile]:
    """A file to write into `folder`, which gets its name when the block ends well.

    The name is `stem.ending`, or the next free one with a number. Raises `FileNotWritten`, also for
    an `OSError` in the block.
    """
    temporary = folder / f".pc-mcp-{secrets.token_hex(8)}.part"
    try:
        with temporary.open("xb") as stream:
            file = NewFile(stream)
            yield file
        file.path = _named(temporary, folder, stem, ending)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FileNotWritten(
            f"No file could be written into the folder of the setting exports.folder, {folder}: {reason}. Tell the "
            "agent, who can free space, change the folder's permissions or choose another folder."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _named(temporary: Path, folder: Path, stem: str, ending: str) -> Path:
    """Moves the file to the first free name.

    The name is taken by creating it, which fails where it exists in whatever case or as a link;
    what is then replaced is that empty file alone. Hard links would do it in one step, but not
    every file system has them.
    """
    for number in itertools.count(1):
        path = folder / (f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}")
        try:
            path.open("xb").close()
        except FileExistsError:
            continue
        try:
            os.replace(temporary, path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path
    raise AssertionError("there is always a free number")


def _plain(text: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", ascii_only).strip("-")[:_MAX_NAME_PART].strip("-")
