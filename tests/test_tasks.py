"""Errors of tasks side by side come by themselves."""

import anyio
import anyio.lowlevel
import pytest

from pc_mcp.runtime.tasks import tasks_ended_by

pytestmark = pytest.mark.anyio


async def fails(error):
    raise error


@pytest.mark.parametrize("nested", [False, True])
async def test_an_error_that_is_meant_ends_the_others_and_comes_by_itself(nested):
    ended = []

    async def waits():
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("others")

    async def inner():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fails, KeyError("meant"))

    async def all_of_them():
        async with tasks_ended_by(KeyError) as tasks:
            tasks.start_soon(waits)
            await anyio.lowlevel.checkpoint()
            if nested:
                tasks.start_soon(inner)
            else:
                await fails(KeyError("meant"))

    with pytest.raises(KeyError, match="meant"):
        await all_of_them()
    assert ended == ["others"]


async def test_another_error_comes_in_its_group():
    async def fails_so():
        async with tasks_ended_by(KeyError) as tasks:
            tasks.start_soon(fails, ValueError("other"))

    with pytest.raises(ExceptionGroup) as raised:
        await fails_so()
    assert [type(each) for each in raised.value.exceptions] == [ValueError]


async def test_what_else_fails_is_not_swallowed():
    async def fails_late():
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("a fault")

    async def both():
        async with tasks_ended_by(KeyError) as tasks:
            tasks.start_soon(fails_late)
            await anyio.lowlevel.checkpoint()
            await fails(KeyError("meant"))

    with pytest.raises(ExceptionGroup) as raised:
        await both()
    assert {type(each) for each in raised.value.exceptions} == {KeyError, ValueError}


async def test_cancellation_from_outside_is_no_error():
    with anyio.move_on_after(0):
        async with tasks_ended_by(KeyError) as tasks:
            tasks.start_soon(anyio.sleep_forever)
