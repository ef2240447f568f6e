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
    """A file that is being written under a temporary name. `path` is set when it is whole and has its own."""

    stream: BinaryIO
    size: int = 0
    path: Path | None = None

    def write(self, text: str) -> None:
        """Raises `OSError`."""
        self.size += self.stream.write(text.encode())


def file_stem(*parts: str) -> str:
    """A file name, without ending, that every system takes: it begins with `devices`, so that it
    names no device of Windows, and consists of ASCII letters, digits and hyphens."""
    return "-".join(filter(None, ["devices", *map(name_part, parts)]))


@contextmanager
def new_file(folder: Path, stem: str, ending: str) -> Iterator[NewFile]:
    """A file to write into `folder`, which gets its name when the block ends well, and is private to its owner.

    The name is `stem.ending`, or the next free one with a number. Raises `FileNotWritten`, also for
    an `OSError` in the block.
    """
    temporary = folder / f".pc-mcp-{secrets.token_hex(8)}.part"
    try:
        with open(temporary, "xb", opener=_private) as stream:
            file = NewFile(stream)
            yield file
        file.path = _named(temporary, folder, stem, ending)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FileNotWritten(
            f"No file could be written into the folder of the setting exports.folder, {folder}: {reason}. Tell the "
            "user, who can free space, change the folder's permissions or choose another folder."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    """Opens a file that is its owner's alone: it holds a list of devices."""
    return os.open(path, flags, 0o600)


def _named(temporary: Path, folder: Path, stem: str, ending: str) -> Path:
    """Moves the file, which is whole, to the first free name.

    The name is taken by creating an empty file, which fails where it exists in whatever case or as
    a link; the next step replaces that file, so only a crash between the two leaves it empty. Hard
    links would do it in one step, but not every file system has them.
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


def name_part(text: str) -> str:
    """What of `text` may stand in a file name: empty where no letter of it is a Latin one, and no digit."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", ascii_only).strip("-")[:_MAX_NAME_PART].strip("-")
