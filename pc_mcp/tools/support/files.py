"""Writes a file into the folder for exports: never outside it, never over another file, never half of one."""

import errno
import itertools
import logging
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import anyio

from pc_mcp.inventory import QuestionError
from pc_mcp.inventory.product_keys import without_keys
from pc_mcp.runtime.waiting import in_daemon_thread

logger = logging.getLogger(__name__)

# With a date, a format and a number a name stays far below the 255 bytes of common file systems.
_MAX_NAME_PART = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


_PART = re.compile(r"\.pc-mcp-[0-9a-f]{16}\.part")
_DESCRIPTORS = "/proc/self/fd"
_LOOK_SECONDS = 2.0
"""How long a folder has to answer."""
_OLD_SECONDS = 24 * 60 * 60

_GONE = ("it is not there", "make it again or choose another folder")
_LINK = ("a link has taken its place, and links are not followed", "put a folder there or choose another one")
_CLOSED = ("nothing may be written there", "change its permissions or choose another folder")
_FULL = ("there is no space left", "free some or choose another folder")
_OTHERWISE = "look after it or choose another folder"
_REASONS: Mapping[int, tuple[str, str]] = {
    errno.ENOENT: _GONE,
    errno.ENOTDIR: ("it is no folder", _GONE[1]),
    errno.ELOOP: _LINK,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: _CLOSED,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: ("a file may not be so large there", "raise that limit or choose another folder"),
}
"""What is wrong, and what a person can do, by the number of an `OSError`."""


class FileNotWritten(QuestionError):
    """The folder or its file system does not let a file be written; the text says why."""


@dataclass(eq=False)
class NewFile:
    """A file that is being written, without a name or under a temporary one.

    `path` is set when it is whole and has its own.
    """

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


async def real_folder(folder: Path) -> Path:
    """The folder that `folder` names, links followed; as it is where it does not answer in time.

    One that is not there does not keep anybody from asking: the log says so, and later the tool.
    """
    try:
        with anyio.fail_after(_LOOK_SECONDS):
            real, is_there = await in_daemon_thread(lambda: (folder.resolve(), os.path.isdir(folder)))
    except TimeoutError:
        logger.warning("the folder for exports, %s, did not answer within %g s", folder, _LOOK_SECONDS)
        return folder
    except (OSError, RuntimeError, ValueError):  # too long a path, links in a circle
        real, is_there = folder, False
    if not is_there:
        logger.warning(
            "there is no folder %s, which the setting exports.folder names, or none that you may open", folder
        )
    return real


async def check_answers(folder: Path) -> None:
    """Raises `FileNotWritten` for a folder on a network, say, that does not answer: nobody waits for it any longer."""
    try:
        with anyio.fail_after(_LOOK_SECONDS):
            await in_daemon_thread(partial(os.path.isdir, folder))
    except TimeoutError:
        raise _not_written(folder, "it does not answer", "connect it again or choose another folder") from None


@contextmanager
def new_file(folder: Path, stem: str, ending: str, *, hidden: bool = False) -> Iterator[NewFile]:
    """A file to write into `folder`, which gets its name when the block ends well, and is private to its owner.

    folder: a real one, no link (see `real_folder`): what was put in its place since the server started is not followed.
    The name is `stem.ending`, or the next free one with a number. What earlier runs left behind is
    removed. hidden: with a name that is hidden meanwhile, also where a file needs none. Raises
    `FileNotWritten`, also for an `OSError` in the block.
    """
    temporary = folder / f".pc-mcp-{secrets.token_hex(8)}.part"
    try:
        if folder.is_symlink():
            raise _not_written(folder, *_LINK)
        _remove_old_parts(folder)
        descriptor = None if hidden else _without_name(folder)
        with open(temporary, "xb", opener=_private) if descriptor is None else os.fdopen(descriptor, "wb") as stream:
            file = NewFile(stream)
            yield file
            stream.flush()
            os.fsync(stream.fileno())  # some file systems say only now that they are full
            if descriptor is not None:
                file.path = _named(folder, stem, ending, partial(_link, descriptor))
        if descriptor is None:
            file.path = _named(folder, stem, ending, partial(_rename, temporary))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what, then = _REASONS.get(error.errno or 0, (reason, _OTHERWISE))
        raise _not_written(folder, what, then) from None
    finally:
        _remove(temporary)


def _not_written(folder: Path, what: str, then: str) -> FileNotWritten:
    return FileNotWritten(
        f"No file was written into the folder of the setting exports.folder, {folder}: {what}. Tell the user, who can "
        f"{then}."
    )


def _remove(path: Path) -> None:
    """Removes a file, or at least what is in it, where the folder does not let go of it any more."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            os.truncate(path, 0)


def _remove_old_parts(folder: Path) -> None:
    """Removes the files that runs which were ended did not finish; another one may be at work on a young one."""
    before = time.time() - _OLD_SECONDS
    with os.scandir(folder) as entries:
        old = [
            entry.path
            for entry in entries
            if _PART.fullmatch(entry.name)
            and entry.is_file(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_mtime < before
        ]
    for path in old:
        with suppress(OSError):
            os.unlink(path)


def _private(path: str, flags: int) -> int:
    """Opens a file that is its owner's alone: it holds a list of devices."""
    return os.open(path, flags, 0o600)


def _named(folder: Path, stem: str, ending: str, put: Callable[[Path], None]) -> Path:
    """The first free name, to which `put` moves the file, which is whole; it raises `FileExistsError` for one that is
    taken."""
    for number in itertools.count(1):
        path = folder / (f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}")
        with suppress(FileExistsError):
            put(path)
            return path
    raise AssertionError("there is always a free number")


def _rename(temporary: Path, path: Path) -> None:
    """Takes the name by creating an empty file, which fails where it exists in whatever case or as a link; the next
    step replaces that file, so only a crash between the two leaves it empty."""
    path.open("xb").close()
    try:
        os.replace(temporary, path)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _without_name(folder: Path) -> int | None:
    """A file of which nothing can be left behind, since it has no name; not every system has such."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_DESCRIPTORS):
        return None
    with suppress(OSError):  # what is wrong with the folder is said of the other kind of file
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    return None


def _link(descriptor: int, path: Path) -> None:
    """Gives such a file its name. Only with a folder's descriptor does the call follow the link that /proc has."""
    os.link(f"{_DESCRIPTORS}/{descriptor}", path, src_dir_fd=descriptor)


def name_part(text: str) -> str:
    """What of `text` may stand in a file name: empty where no letter of it is a Latin one, and no digit.
    No product key is."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", without_keys(ascii_only)).strip("-")[:_MAX_NAME_PART].strip("-")
