"""Files that only their owner may read: read where they are, replaced in one step, by one process at a time.

Every function raises `OSError`, whose `strerror` says as a clause what is wrong.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

PRIVATE = 0o600
OTHERS = 0o077
"""The permissions of whoever is not the owner."""
_OTHERS_MAY_WRITE = 0o022
# Windows has none of these but the last.
_FLAGS = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")

Identity = tuple[int, int, int, int]
"""What tells a file from another one in its place, or from itself after a change."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was in a file. is_open: whether other accounts may read or change it."""

    raw: bytes
    identity: Identity
    is_open: bool


def identity(path: Path) -> Identity | None:
    """What is at that place now; None where nothing is."""
    try:
        return _identity(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def read(path: Path, most_bytes: int) -> Found:
    """A file of this user's, up to `most_bytes` and one. A link is not followed, a pipe is not waited for."""
    if path.is_symlink():
        raise OSError(0, "it is a link")
    try:
        descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, name, 0) for name in _FLAGS))
    except NotADirectoryError:
        raise FileNotFoundError(0, "it is not there") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no file")
        if sys.platform != "win32" and found.st_uid != os.geteuid():
            raise OSError(0, "it belongs to another account")
        with open(descriptor, "rb", closefd=False) as file:
            return Found(file.read(most_bytes + 1), _identity(found), is_open(found))
    finally:
        os.close(descriptor)


def why(error: OSError) -> str:
    """What is wrong, as a clause."""
    return error.strerror or type(error).__name__


def is_open(found: os.stat_result) -> bool:
    """Whether accounts other than its owner's may read or change a file, as far as the file says."""
    return sys.platform != "win32" and bool(found.st_mode & OTHERS)


def close_to_others(path: Path) -> bool:
    """Takes the permissions of other accounts; whether that is so now, which some file systems do not let be."""
    with suppress(OSError):
        os.chmod(path, PRIVATE)
    return not is_open(os.lstat(path))


def replace(path: Path, content: bytes, *, mode: int = PRIVATE, before: Callable[[], None] | None = None) -> Identity:
    """Puts a file with this content in the place of whatever is there, or leaves that as it is.

    before: is called last, when nothing but the replacement is left to do, and may raise.
    """
    new = _written(path, content)
    try:
        if mode != PRIVATE:
            os.chmod(new, mode)
        if before:
            before()
        written = _identity(os.lstat(new))
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    return written


def try_out(path: Path, size: int) -> None:
    """Finds out whether `replace` could write a file of `size` bytes, and leaves everything as it is."""
    os.unlink(_written(path, bytes(size)))


def alone(path: Path, seconds: float, remark: Callable[[str], None]) -> AbstractContextManager[object]:
    """Keeps other processes from the file, and other accounts from its folder, which is made if need be.

    Use as a context manager. seconds: how long the others are waited for; remark: is told what was mended. Raises
    `filelock.Timeout` besides.
    """
    if private_folder(path.parent):
        remark(f"Others could write into the folder {path.parent}; now they cannot.")
    return FileLock(f"{path}.lock", timeout=seconds, mode=PRIVATE).acquire()


def private_folder(folder: Path) -> bool:
    """Makes the folder if need be, so that nobody else can write into it; whether one could before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":  # the folders of the user's profile are the user's
        return False
    found = os.stat(folder)
    if not stat.S_IMODE(found.st_mode) & _OTHERS_MAY_WRITE:
        return False
    if found.st_uid != os.geteuid():
        raise OSError(0, f"others can write into the folder {folder}, which is not yours")
    os.chmod(folder, 0o700)
    return True


def _written(path: Path, content: bytes) -> str:
    """The name of a new file beside `path`, with the mode 0600, that has reached the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    return name


def _identity(found: os.stat_result) -> Identity:
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
