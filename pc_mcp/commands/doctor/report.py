"""What the checks found, for people and for programs."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

import anyio

from pc_mcp.runtime.text import visible

# "not set up": what a person may well do without, such as a tenant beside the simulated customers.
State = Literal["ok", "warning", "wrong", "not set up", "not checked"]
_MOST_CHARACTERS = 2000
_STATE_WIDTH = len("not checked") + 2
_CHECK_WIDTH = len("sign-in service") + 2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found. mend: what to do about it; is_late: its work was given up, and may go on in a thread."""

    check: str
    state: State
    found: str
    mend: str = ""
    is_late: bool = False

    @property
    def is_good(self) -> bool:
        """Whether what depends on this check can be checked."""
        return self.state in {"ok", "warning"}


def not_checked(check: str, because: str) -> CheckResult:
    """A check that was not made: `because` names the one that it depends on."""
    return CheckResult(check, "not checked", f"waits for {because}")


async def bounded(check: str, seconds: float, work: Callable[[], Awaitable[T]]) -> T | CheckResult:
    """What `work` finds, or that it took too long."""
    with anyio.move_on_after(seconds):
        return await work()
    mend = "Check the network and the proxy; with --timeout SECONDS this waits longer."
    return CheckResult(check, "wrong", f"no answer within {seconds:g} s", mend, is_late=True)


def as_line(result: CheckResult) -> str:
    """A result for people."""
    found, mend = _clean(result.found), _clean(result.mend)
    end = "" if not mend else " " if found.endswith((".", "?")) else ". "
    return f"{result.state:<{_STATE_WIDTH}}{_clean(result.check):<{_CHECK_WIDTH}}{found}{end}{mend}"


def as_json(results: Iterable[CheckResult]) -> str:
    """The names are an interface of scripts: they stay as they are."""
    checks = [
        {
            "check": _clean(result.check),
            "state": result.state,
            "found": _clean(result.found),
            "mend": _clean(result.mend) or None,
        }
        for result in results
    ]
    return json.dumps({"ok": all(check["state"] != "wrong" for check in checks), "checks": checks}, indent=2)


def _clean(text: str) -> str:
    """On one line, and of bounded length: some of it comes from files and services."""
    return visible(text[:_MOST_CHARACTERS])
