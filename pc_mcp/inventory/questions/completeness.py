"""One rule for every answer: what makes it incomplete, and what to do next.

An answer is complete when nothing of what it counts is missing. Whatever could not be read, be it a page,
the rest of a list or a single item, makes it incomplete.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import anyio

from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.shelf import Kept
from pc_mcp.partner_center.errors import Gone, NotFound, Remedy


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that an answer lacks, why, in sentences, and of which batches (none: of the list itself).

    remedy: what may bring it, after so many seconds; on_refresh: it is asked for again only with refresh;
    may_be_gone: it was there before.
    """

    reason: str
    correlation_id: str | None
    batches: tuple[str, ...] = ()
    remedy: Remedy = "none"
    seconds: float | None = None
    on_refresh: bool = False
    may_be_gone: bool = False


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do about what is missing: `remedy`, after how many seconds (None: at once, or never), and why."""

    remedy: Remedy
    seconds: int | None
    reason: str


A_MINUTE = 60.0
"""Where the service does not say how long to wait."""

OUT_OF_TIME = "Time ran out before everything was read. Ask the same again: reading goes on where it stopped."
TRY_AGAIN = "Ask the same again in {} s: what is missing is asked for again, and what was read is kept."
REFRESH = "Ask the same again with refresh in {} s: what is missing is asked for again."
SIGN_IN = "Sign in again with sign_in, then ask the same again: reading goes on where it stopped."
WAIT = "Wait {} s, then ask the same again: Partner Center takes no request until then; what was read is kept."
NOTHING = "Asking again will not help: what is missing is refused or cannot be read. Say what is missing."
GONE = (
    "Asking again will not help but with refresh, which reads what there is now: what is missing may be gone. "
    "Say what is missing."
)


def missing(problem: Problem, batches: Iterable[str] = (), *, on_refresh: bool = False) -> Missing:
    """What a problem means for an answer."""
    seconds = problem.wait_seconds or A_MINUTE
    gone = problem.is_a(NotFound, Gone)
    return Missing(problem.reason, problem.correlation_id, tuple(batches), problem.remedy, seconds, on_refresh, gone)


def next_step(problems: Sequence[Missing] = (), *, unreadable: int = 0, out_of_time: bool = False) -> NextStep | None:
    """What to do about an answer that is not complete; None: it is complete.

    unreadable: items that could not be read; out_of_time: reading goes on when the same is asked again.
    Of several problems the one that stands in the way of the others comes first: without a sign-in nothing is
    answered, while the service is throttled nothing is read; then what asking again brings, and only where
    nothing brings anything, that. The longest wait of the chosen remedy counts.
    """
    by_remedy = {remedy: [problem for problem in problems if problem.remedy == remedy] for remedy in get_args(Remedy)}
    if by_remedy["sign_in"]:
        return NextStep("sign_in", None, SIGN_IN)
    if waiting := by_remedy["wait"]:
        seconds = _longest(waiting)
        return NextStep("wait", seconds, WAIT.format(seconds))
    if out_of_time:
        return NextStep("ask_again", None, OUT_OF_TIME)
    if passing := by_remedy["ask_again"]:
        seconds = _longest(passing)
        words = REFRESH if any(problem.on_refresh for problem in passing) else TRY_AGAIN
        return NextStep("ask_again", seconds, words.format(seconds))
    if any(problem.may_be_gone for problem in problems):
        return NextStep("none", None, GONE)
    return NextStep("none", None, NOTHING) if problems or unreadable else None


def keep_until_asked_again(kept: Kept, step: NextStep | None) -> None:
    """An answer that says to wait before the same is asked again promises that what was read is there then."""
    if step and step.remedy in {"ask_again", "wait"}:
        until = anyio.current_time() + (step.seconds or 0) + A_MINUTE
        kept.kept_until = max(kept.kept_until, until)


def _longest(problems: Iterable[Missing]) -> int:
    return math.ceil(max(problem.seconds or 0 for problem in problems))
