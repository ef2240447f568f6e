"""Tasks side by side, whose errors keep their type."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def tasks_ended_by(*errors: type[Exception]) -> AsyncIterator[TaskGroup]:
    """A task group that the first of these errors ends, and that raises it by itself, not in an `ExceptionGroup`."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if found := group.subgroup(errors):
            raise _first_of(found) from None
        raise


def _first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
