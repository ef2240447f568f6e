"""Calls of one account take turns, before a 429 and after it."""

import asyncio
from dataclasses import replace

import anyio
import pytest
from anyio.lowlevel import checkpoint

from pc_mcp.partner_center.pace import Pace
from pc_mcp.partner_center.transport import SPARE_CONNECTIONS
from tests.double import asking, customer, raw, serving

MANY = 12
AT_ONCE = 1 + SPARE_CONNECTIONS


class OneByOne:
    """Lets requests be answered one at a time, as a test says; notes whose they are, in their order."""

    def __init__(self, *first):
        self.first = list(first)
        self._came: asyncio.Queue[str] = asyncio.Queue()
        self._may_answer = anyio.Semaphore(0)

    async def __call__(self, request):
        whose = request.target.rpartition("/")[2]
        if self.first:
            return self.first.pop()
        self._came.put_nowait(whose)
        await self._may_answer.acquire()
        return customer(id=whose)

    async def next(self):
        with anyio.fail_after(20):
            return await self._came.get()

    def answer_one(self):
        self._may_answer.release()


@pytest.mark.parametrize("throttled", [False, True])
async def test_a_call_that_wants_one_page_waits_for_no_more_than_one_of_a_call_that_wants_many(throttled):
    answers = OneByOne(*[raw(status=429, Retry_After="0")] * throttled)
    at_once = AT_ONCE // 2 if throttled else AT_ONCE
    async with (
        serving(answer_to=answers) as service,
        asking(service.base_url, concurrency=1) as walk,
        anyio.create_task_group() as tasks,
    ):
        if throttled:
            tasks.start_soon(walk.customer, "many")
            assert await answers.next() == "many"
            answers.answer_one()
        for _ in range(MANY):
            tasks.start_soon(walk.customer, "many")
        assert [await answers.next() for _ in range(at_once)] == ["many"] * at_once
        tasks.start_soon(replace(walk, correlation_id="another call").customer, "one")
        await anyio.wait_all_tasks_blocked()
        answers.answer_one()
        # After a 429 the answer permits one more besides, and two may overtake each other on their way.
        assert "one" in [await answers.next() for _ in range(1 + throttled)]
        for _ in range(MANY):
            answers.answer_one()


async def asked_in_turns(pace, wanted, *, given_up=0):
    """In which order the calls `wanted` get their turns, which wait while another one is under way."""
    order = []

    async def ask(call, scope):
        with scope:
            async with pace.turn(call):
                order.append(call)
                await checkpoint()

    async with anyio.create_task_group() as tasks, pace.turn("before"):
        scopes = [anyio.CancelScope() for _ in wanted]
        for call, scope in zip(wanted, scopes, strict=True):
            tasks.start_soon(ask, call, scope)
        await anyio.wait_all_tasks_blocked()
        for scope in scopes[:given_up]:
            scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert order == []
    return "".join(order)


async def test_each_call_gets_its_turn_after_the_others_had_theirs():
    assert await asked_in_turns(Pace(1), "aaaabbc") == "abcabaa"


async def test_who_gives_up_leaves_its_turn_to_the_others():
    pace = Pace(1)
    assert await asked_in_turns(pace, "aabbc", given_up=2) == "bcb"
    with anyio.fail_after(5):
        assert await asked_in_turns(pace, "ab") == "ab"


async def test_who_gives_up_at_the_moment_of_its_turn_hands_it_on():
    pace, scope = Pace(1), anyio.CancelScope()

    async def give_up():
        with scope:
            async with pace.turn("late"):
                await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        async with pace.turn("before"):
            tasks.start_soon(give_up)
            await anyio.wait_all_tasks_blocked()
        scope.cancel()
    with anyio.fail_after(5):
        assert await asked_in_turns(pace, "a") == "a"


async def test_who_waits_because_of_a_429_keeps_nobodys_place():
    pace = Pace(1)
    pace.throttled(0.05, anyio.current_time())
    assert await asked_in_turns(pace, "aab") in {"aba", "baa", "aab"}
    assert pace.wait_seconds == 0
