"""How fast one account asks Partner Center: as fast as it likes, until the service says otherwise.

No limit is published for devices, so it is found by running into it: a 429 stops every request of the
account for as long as it says, and halves how many are under way at once. Each answer after that
permits a little more, until there are as many as before.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Pace:
    """The pace of one account. most: how many requests may be under way at once; `answers` counts those
    that were not refused."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._allowed = self._most
        self._limiter = anyio.CapacityLimiter(most)
        self._resume_at = self._slowed_at = 0.0
        self.answers = 0

    @property
    def at_once(self) -> int:
        """How many requests may be under way at once now."""
        return int(self._limiter.total_tokens)

    @property
    def wait_seconds(self) -> float:
        """How long the service wants no request."""
        return max(0.0, self._resume_at - anyio.current_time())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until another request may be sent, and holds its place while it is under way."""
        async with self._limiter:
            # Another 429 may move the moment on meanwhile.
            while anyio.current_time() < self._resume_at:  # noqa: ASYNC110
                await anyio.sleep_until(self._resume_at)
            yield

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
        if int(self._allowed) != self.at_once:
            self._limiter.total_tokens = int(self._allowed)
