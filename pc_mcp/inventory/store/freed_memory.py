"""What the process takes of the machine's memory."""

import ctypes
import sys
from typing import Any

ITEMS_AT_ONCE = 1000


def let_go(items: list[Any]) -> None:
    """Empties a list step by step: to free very many objects at once keeps other threads from running."""
    while items:
        del items[-ITEMS_AT_ONCE:]


def give_back_freed_memory() -> None:
    """Hands memory that was freed back to the system, where that has to be asked for.

    glibc keeps most of it, so that a process stays as large as it ever was; macOS and Windows do not
    need to be asked.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
