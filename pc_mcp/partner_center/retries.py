"""When a request that failed is made again, and how long that waits.

Only what may pass is tried again (the error says so: `may_pass`), with growing, jittered waits, or after as
long as the service says in `Retry-After` or in words; never beyond the deadline of the task that asks.
"""

import email.utils
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from pc_mcp.partner_center.errors import PartnerCenterError, Throttled
from pc_mcp.partner_center.pace import Pace

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 5
MAX_ASKED_SECONDS = 300.0
MAX_BACKOFF_SECONDS = 8.0

_MOST_READ = 4096  # bytes of a body, and characters of a header
_SECONDS = re.compile(r"\d+(\.\d*)?")
# What Azure's gateways write into the body of a 429: "Rate limit is exceeded. Try again in 3 seconds."
_IN_WORDS = re.compile(
    rb"\b(?:try again|retry) (?:in|after) (\d{1,9}(?:\.\d{1,9})?) ?(milliseconds?|ms|seconds?|s|minutes?|min)\b",
    re.IGNORECASE,
)
_UNITS = {b"m": 60.0, b"s": 1.0}


class Failed(Exception):
    """An attempt, begun at `began`, that failed: `error` is what to raise unless it is repeated.

    asked_seconds: how long the service wants to be left alone, where it says so.
    """

    def __init__(self, error: PartnerCenterError, began: float, asked_seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.began = began
        self.asked_seconds = asked_seconds


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures, from 1, where the service does not say how long."""
    return random.uniform(0, min(MAX_BACKOFF_SECONDS, 2.0 ** (failures - 2)))  # noqa: S311 - no secret


async def retried(attempt: Callable[[], Awaitable[T]], pace: Pace, backoff: Callable[[int], float] = backoff) -> T:
    """What `attempt` gives, which raises `Failed`.

    Raises the error of what will not pass at once, else that of the last one after `ATTEMPTS`, or where the next one
    would be after the deadline.
    A 429 is no attempt as long as the service answers other requests of the account in the meantime:
    then it was only the turn of another one.
    """
    failures = in_vain = 0
    answers = pace.answers
    while True:
        try:
            return await attempt()
        except Failed as caught:
            failed = caught
        if not failed.error.may_pass:
            raise failed.error
        failures += 1
        throttled = isinstance(failed.error, Throttled)
        if throttled and pace.answers > answers:
            answers = pace.answers
        else:
            in_vain += 1
        asked = failed.asked_seconds
        seconds = backoff(failures) if asked is None else asked
        if throttled:
            pace.throttled(seconds, failed.began)
        if in_vain >= ATTEMPTS or seconds > seconds_left():
            failed.error.wait_seconds = asked
            raise failed.error
        logger.info("attempt %d failed, trying again: %s", failures, failed.error)
        await anyio.sleep(seconds)


def seconds_left() -> float:
    """Seconds until the deadline of the task that asks; infinite without one."""
    return anyio.current_effective_deadline() - anyio.current_time()


def asked_seconds(retry_after: str | None, body: bytes) -> float | None:
    """How long the service asks to wait; None where it does not say, or in no way that can be read."""
    seconds = _of_header((retry_after or "")[:_MOST_READ].strip())
    if seconds is None and (found := _IN_WORDS.search(body[:_MOST_READ])):
        unit = found[2].lower()
        seconds = float(found[1]) * (0.001 if unit.startswith((b"ms", b"milli")) else _UNITS[unit[:1]])
    return None if seconds is None else min(max(seconds, 0.0), MAX_ASKED_SECONDS)


def _of_header(value: str) -> float | None:
    """`Retry-After` in seconds, which some write with a fraction, or as an HTTP date."""
    if value.isascii() and _SECONDS.fullmatch(value):
        return float(value)
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
