"""The environment variables of this process."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def process_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """This process, and what it starts, have no other variables meanwhile."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
