"""Tasks side by side, whose errors keep their type."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def tasks_ended_by(*errors: type[Exception]) -> AsyncIterator[TaskGroup]:
    """A task group that the first of these errors ends, and that raises it by itself, in no `ExceptionGroup`; unless
    something else failed too."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        found, others = group.split(errors)
        if found is None or others is not None:
            raise
        raise _first_of(found) from None


def _first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
