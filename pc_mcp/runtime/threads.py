"""Work on many things, off the event loop."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import anyio.to_thread

T = TypeVar("T")
U = TypeVar("U")

ITEMS_AT_ONCE = 500
"""Between two looks at whether somebody still wants the rest."""


async def in_steps(function: Callable[[T], U], items: Sequence[T]) -> list[U]:
    """What `function` makes of each item, in a worker thread; when it is cancelled no work goes on behind it."""
    made: list[U] = []
    for start in range(0, len(items), ITEMS_AT_ONCE):
        some = items[start : start + ITEMS_AT_ONCE]
        made += await anyio.to_thread.run_sync(partial(_each, function, some))
    return made


def _each(function: Callable[[T], U], items: Sequence[T]) -> list[U]:
    return list(map(function, items))
