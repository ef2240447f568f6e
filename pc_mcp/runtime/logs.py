"""What goes to standard error: one line an event, for people or as JSON.

Nothing here is secret to begin with: no code logs a token, a product key or an argument of a tool.
The libraries that would log request URLs or authorization codes are held to warnings.

Nobody need read standard error. Lines wait for a reader in a queue that a daemon thread empties;
where it is full, lines are dropped and counted, and whoever logs goes on.
"""

import io
import json
import logging
import queue
import re
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from typing import Literal, TextIO

_QUIET = ("asyncio", "httpcore2", "httpx2", "mcp", "sse_starlette", "starlette", "uvicorn")
LINES_KEPT = 1000
_LAST_LINES_SECONDS = 0.5
_BEARER = re.compile(r"(?i)(bearer\s+|eyJ)[A-Za-z0-9._~+/=-]+")


def configure_logging(level: str, style: Literal["human", "json"]) -> None:
    """Sends this program's events to standard error, from `level` up."""
    handler = _Lines(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Human())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Lines(logging.Handler):
    """Writes lines from a thread of its own, past the stream's buffer, whose lock others would wait for.

    The descriptor is left as it is: to make it non-blocking would change it for every process that shares it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._queue: queue.Queue[str] = queue.Queue(LINES_KEPT)
        self._dropped = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._queue.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1
        except Exception:  # a line that cannot be written must end nothing
            self._dropped += 1

    def flush(self) -> None:
        """Waits for what is left to be written, but not for long: at the end this is the last that is done."""
        end = time.monotonic() + _LAST_LINES_SECONDS
        while self._queue.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)

    def _write_all(self) -> None:
        while True:
            line = self._queue.get()
            try:
                self._write(line)
                if self._dropped and self._queue.empty():
                    dropped, self._dropped = self._dropped, 0
                    self._write(f"({dropped} lines were dropped here, since nobody read them)")
            except (OSError, ValueError):  # closed: there is nobody to tell
                pass
            finally:
                self._queue.task_done()

    def _write(self, line: str) -> None:
        buffer = getattr(self._stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)
        if not isinstance(raw, io.RawIOBase):
            self._stream.write(f"{line}\n")
            return
        left = memoryview(f"{line}\n".encode(self._stream.encoding, "backslashreplace"))
        while left:
            left = left[raw.write(left) or 0 :]


class _OneLine(logging.Formatter):
    """The event's text on one line; a token that a library might have put there is removed."""

    def text(self, record: logging.LogRecord) -> str:
        text = _BEARER.sub(r"\1[removed]", record.getMessage())
        # Line ends of every kind, what a terminal would obey, and what would show the line otherwise than it is.
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

    def time(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def trace(self, record: logging.LogRecord) -> str:
        """The traceback of an exception, whose own text may hold what the service sent: left out."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return ""
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        cause = error.__cause__
        return f"{type(error).__name__} at {places}" + (f"; from {self._cause(cause)}" if cause else "")

    def _cause(self, error: BaseException) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        return f"{type(error).__name__} at {places}"


class _Human(_OneLine):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.time(record)} {record.levelname.lower():7} {record.name}: {self.text(record)}"
        trace = self.trace(record)
        return f"{line} [{trace}]" if trace else line


class _Json(_OneLine):
    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": self.time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self.text(record),
        }
        if trace := self.trace(record):
            event["trace"] = trace
        return json.dumps(event)
