"""Standard input, output and error that were closed before the program began (`pc-mcp status >&-`).

Python has no stream for such a descriptor, and the next file that is opened gets its number.
"""

import os
import sys

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
