"""How fast one account asks Partner Center: as fast as it likes, until the service says otherwise.

No limit is published for devices, so it is found by running into it: a 429 stops every request of the
account for as long as it says, and halves how many are under way at once. Each answer after that
permits a little more, until there are as many as before.

Calls that ask side by side take turns: one that wants a single page does not wait behind all that
another one wants.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Pace:
    """The pace of one account. most: how many requests may be under way at once; `answers` counts those
    that were not refused."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._allowed = self._most
        self._under_way = Counter[str]()  # by call
        self._waiting = OrderedDict[str, deque[anyio.Event]]()  # by call; whose last turn is longest ago comes first
        self._resume_at = self._slowed_at = 0.0
        self.answers = 0

    @property
    def at_once(self) -> int:
        """How many requests may be under way at once now."""
        return int(self._allowed)

    @property
    def wait_seconds(self) -> float:
        """How long the service wants no request."""
        return max(0.0, self._resume_at - anyio.current_time())

    @asynccontextmanager
    async def turn(self, call: str) -> AsyncIterator[None]:
        """Waits until another request of `call` may be sent, and counts it while it is under way."""
        await self._begin(call)
        # A 429 may have come meanwhile; whoever waits because of it keeps nobody's place.
        while anyio.current_time() < self._resume_at:
            self._end(call)
            await anyio.sleep_until(self._resume_at)
            await self._begin(call)
        try:
            yield
        finally:
            self._end(call)

    def throttled(self, seconds: float, began: float) -> None:
        """The service wants no request for so long, as it said to a request that `began` then."""
        now = anyio.current_time()
        if began >= self._slowed_at:  # the answers to what was under way already count once
            self._allow(self._allowed / 2)
            self._slowed_at = now
        self._resume_at = max(self._resume_at, now + seconds)

    def answered(self) -> None:
        """The service gave an answer."""
        self.answers += 1
        if self._allowed < self._most:
            self._allow(self._allowed + 1 / self._allowed)

    def _allow(self, requests: float) -> None:
        self._allowed = min(max(requests, 1.0), self._most)
        self._give_turns()

    async def _begin(self, call: str) -> None:
        if not self._waiting and self._under_way.total() < self.at_once:
            self._under_way[call] += 1
            return
        turn = anyio.Event()
        self._waiting.setdefault(call, deque()).append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self._end(call)
            else:
                self._leave(call, turn)
            raise

    def _end(self, call: str) -> None:
        self._under_way[call] -= 1
        if not self._under_way[call]:
            del self._under_way[call]
        self._give_turns()

    def _give_turns(self) -> None:
        """As many as there may be, each to the call that has the fewest under way."""
        while self._waiting and self._under_way.total() < self.at_once:
            call = min(self._waiting, key=self._under_way.__getitem__)
            self._waiting.move_to_end(call)
            turn = self._waiting[call][0]
            self._leave(call, turn)
            self._under_way[call] += 1
            turn.set()

    def _leave(self, call: str, turn: anyio.Event) -> None:
        self._waiting[call].remove(turn)
        if not self._waiting[call]:
            del self._waiting[call]
