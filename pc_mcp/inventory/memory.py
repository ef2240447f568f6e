"""What the process takes of the machine's memory."""

import ctypes
import sys


def give_back_freed_memory() -> None:
    """Hands memory that was freed back to the system, where that has to be asked for.

    glibc keeps most of it, so that a process stays as large as it ever was; macOS and Windows do not
    need to be asked.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
