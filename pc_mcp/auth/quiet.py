"""Work that must not ask a person to sign in: whoever types an argument does not expect a browser window."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quietly() -> Iterator[None]:
    """Where only a person could bring a token, what runs in it gets `SignInNeeded`, and nobody is asked."""
    before = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(before)


def is_quiet() -> bool:
    """Whether this task must not ask a person."""
    return _quiet.get()
