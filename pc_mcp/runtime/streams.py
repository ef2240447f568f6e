"""Standard input, output and error that are not what a program expects.

One may have been closed before the program began (`pc-mcp status >&-`): Python has no stream for such a
descriptor, and the next file that is opened gets its number. Standard output may be a file on a disk that is full.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pc_mcp.runtime.failures import Failure

_closed: set[int] = set()


def open_closed_streams() -> None:
    """Puts the null device where a descriptor is closed; to be called before anything else is opened."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            _closed.add(descriptor)
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    # A program without a console, such as pythonw, has descriptors and no streams.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def closed_at_start() -> frozenset[int]:
    """The descriptors that were closed."""
    return frozenset(_closed)


class NotWritten(Failure):
    """Standard output takes nothing more, and nobody left on purpose, as a pager's reader does."""


def say_what_cannot_be_written() -> None:
    """Lets standard output raise `NotWritten` wherever something is printed; characters that it has not become `?`.

    Streams of others, such as those of tests, are left as they are.
    """
    if sys.stdout is not sys.__stdout__ or type(sys.stdout) is not io.TextIOWrapper:
        return
    # A pipe or a file need not be UTF-8, and a path may hold anything.
    sys.stdout = _Output(sys.stdout.buffer, sys.stdout.encoding, "replace", line_buffering=sys.stdout.line_buffering)


def write_no_more(descriptor: int) -> None:
    """What is still to be written there goes nowhere, so that the end of the program fails at nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


class _Output(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        with _in_words():
            return super().write(text)

    def flush(self) -> None:
        with _in_words():
            super().flush()


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise NotWritten(
            f"standard output cannot be written ({error.strerror}). What the command had done by then is done."
        ) from None
