"""A client's file on disk: read as a whole, backed up, and replaced in one step. It may hold other servers' secrets."""

import codecs
import itertools
import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pc_mcp.commands.install.entry import FileRefused
from pc_mcp.commands.install.json_text import line_of
from pc_mcp.runtime import private_files
from pc_mcp.runtime.private_files import OTHERS, PRIVATE

_BYTE_ORDER_MARK = codecs.BOM_UTF8.decode()
_MOST_BACKUPS = 1000
_BACKUP, _KEPT = ".before-pc-mcp", ".kept-by-pc-mcp"
_MOST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file as it was found: `raw` is None where there is none. `path` is the file itself, no link to it."""

    path: Path
    raw: bytes | None

    @property
    def mark(self) -> str:
        """The byte-order mark that it begins with, if it does; it stays."""
        return _BYTE_ORDER_MARK if (self.raw or b"").startswith(codecs.BOM_UTF8) else ""

    @property
    def text(self) -> str:
        """Its text without the mark. Raises `FileRefused`."""
        return _decoded(self.path, self.raw or b"")

    def backups(self) -> list[Path]:
        """The backups beside it, the oldest first."""
        return [path for number in range(1, _MOST_BACKUPS) if (path := self._backup(number)).is_file()]

    def back_up(self) -> Path | None:
        """Keeps the file as it was found; an earlier backup stays. None where there was nothing to keep."""
        if self.raw is None:
            return None
        self._refuse_what_is_to_stay()
        for number in range(1, _MOST_BACKUPS):
            path = self._backup(number)
            try:
                with open(path, "xb", opener=_only_mine) as backup:
                    backup.write(self.raw)
                with suppress(OSError):
                    path.chmod(stat.S_IMODE(self.path.stat().st_mode))
            except FileExistsError:
                if _same(path, self.raw):
                    return path
            except OSError as error:
                raise _refused(path, "backed up", error) from None
            else:
                return path
        raise FileRefused(f"There are {_MOST_BACKUPS} backups beside {self.path}. Remove some, and try again.")

    def set_aside(self) -> list[Path]:
        """Renames the backups, since the connection is over; one that says what the file says again goes.

        Their new places.
        """
        return [kept for path in self.backups() if (kept := self._set_aside(path))]

    def _set_aside(self, path: Path) -> Path | None:
        numbers = itertools.count(2)
        other = self.path.with_name(f"{self.path.name}{_KEPT}")
        while os.path.lexists(other):
            other = self.path.with_name(f"{self.path.name}{_KEPT}-{next(numbers)}")
        try:
            if self.path.is_file() and _same(path, self.path.read_bytes()):
                path.unlink()
                return None
            path.rename(other)
        except OSError:
            return path
        return other

    @property
    def is_open(self) -> bool:
        """Whether accounts other than its owner's may read it, as far as the file says."""
        return self.raw is not None and private_files.is_open(self.path.stat())

    def replace(self, text: str, *, marked: bool = True, private: bool = False) -> None:
        """Writes `text` in one step, with the file's permissions. Raises `FileRefused`.

        marked: whether a byte-order mark stays; private: whether other accounts lose theirs.
        """
        self._refuse_what_is_to_stay()
        try:
            content = ((self.mark if marked else "") + text).encode()
        except UnicodeEncodeError:
            raise FileRefused(
                "The path of pc-mcp, or of its configuration file, cannot be written as text. Give the folder another "
                "name, and try again. The file was left as it was."
            ) from None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            mode = PRIVATE if self.raw is None else stat.S_IMODE(self.path.stat().st_mode)
            mode = mode & ~OTHERS if private else mode
            private_files.replace(self.path, content, mode=mode, before=self._refuse_what_changed)
        except OSError as error:
            raise _refused(self.path, "written", error) from None

    def _refuse_what_changed(self) -> None:
        if found(self.path).raw != self.raw:
            raise FileRefused(
                f"{self.path} was changed by another program at the same moment, and was left to it. Try again."
            )

    def remove(self) -> None:
        """Removes the file. Raises `FileRefused`."""
        self._refuse_what_is_to_stay()
        try:
            self.path.unlink()
        except OSError as error:
            raise _refused(self.path, "removed", error) from None

    def _refuse_what_is_to_stay(self) -> None:
        """Another file could take the place of one that is write-protected, or of a device, but must not."""
        self._refuse_what_is_somebody_elses()
        try:
            mode = self.path.stat().st_mode
        except OSError:
            return  # there is none, or whoever writes will say what is wrong
        if not stat.S_ISREG(mode):
            raise FileRefused(f"{self.path} is no file that can be written, and was left as it was. Name another one.")
        if not mode & stat.S_IWUSR:
            raise FileRefused(
                f"{self.path} is write-protected and was left as it was. Make it writable, and try again."
            )

    def _refuse_what_is_somebody_elses(self) -> None:
        """What root writes in a person's home, with `sudo` for instance, that person could not read any more."""
        if sys.platform == "win32" or os.geteuid() != 0:
            return
        place = next((place for place in (self.path, *self.path.parents) if place.exists()), self.path)
        if place.stat().st_uid != 0:
            raise FileRefused(
                f"{place} belongs to another user, and what you write there as root they could not read. Nothing was "
                "changed. Run this as that user, without sudo."
            )

    def _backup(self, number: int) -> Path:
        suffix = f"-{number}" if number > 1 else ""
        return self.path.with_name(f"{self.path.name}{_BACKUP}{suffix}")


def found(path: Path) -> ClientFile:
    """The file at `path`, or where a link there leads. Raises `FileRefused`."""
    try:
        path = path.resolve()
        mode = path.stat().st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            raise FileRefused(f"{path} is a pipe, no file, and was left as it was. Remove it, and try again.")
        with path.open("rb") as file:  # a device has no size and no end
            raw = file.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise FileRefused(f"{path} is far too large for a configuration, and was left as it was.")
    except FileNotFoundError:
        return ClientFile(path, None)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round in a circle
        raise _refused(path, "read", error) from None
    return ClientFile(path, raw)


def text_of(path: Path) -> str | None:
    """The text of a backup, or None where it is none."""
    try:
        return _decoded(path, path.read_bytes())
    except (OSError, FileRefused):
        return None


def _decoded(path: Path, raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileRefused(
            f"{path} is UTF-16 text and was left as it was. Save it as UTF-8 (in Notepad: Save as, encoding UTF-8), "
            "and try again."
        )
    try:
        return raw.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = line_of(raw[: error.start].decode("latin-1"), error.start)
        raise FileRefused(
            f"{path}, line {line}: this is not UTF-8 text. The file was left as it was. Save it as UTF-8, and try "
            "again."
        ) from None


def _only_mine(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)


def _same(path: Path, raw: bytes) -> bool:
    try:
        return path.read_bytes() == raw
    except OSError:
        return False


def _refused(path: Path, what: str, error: Exception) -> FileRefused:
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    advice = "Correct that, and try again."
    if isinstance(error, PermissionError):
        advice = "Quit the application that uses it, check that you may write there, and try again."
    return FileRefused(f"{path} cannot be {what}: {reason}. The file was left as it was. {advice}")
