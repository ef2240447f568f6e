"""Work on many things, off the event loop."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio
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


@asynccontextmanager
async def entered_in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """`manager`, entered and left in a worker thread: it may wait for a disk. It is always left."""
    thing = await anyio.to_thread.run_sync(manager.__enter__)
    try:
        yield thing
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            if not await anyio.to_thread.run_sync(manager.__exit__, type(error), error, error.__traceback__):
                raise
    else:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(manager.__exit__, None, None, None)


def _each(function: Callable[[T], U], items: Sequence[T]) -> list[U]:
    return list(map(function, items))
