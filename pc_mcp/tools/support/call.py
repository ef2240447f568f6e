"""One tool call: what a tool is given to work with, and how its answer is handed over."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp_types import CallToolResult, TextContent

from pc_mcp.answers import SIMULATED, Answer
from pc_mcp.auth import TokenProvider
from pc_mcp.inventory import Call, Inventory, Progress, UnknownCustomer, in_time
from pc_mcp.partner_center import PartnerCenter, Transport
from pc_mcp.runtime.clouds import Cloud
from pc_mcp.tools.support.asking import Asked

Report = Callable[[float, float | None, str | None], Awaitable[None]]

GRACE = 1 / 4
"""How much longer counting may take than reading, as a part of its time."""


@dataclass(frozen=True, slots=True)
class App:
    """What all calls of a server share: the connection to Partner Center and what was read.

    simulated: whether its customers are those of the sandbox, to try the program.
    """

    transport: Transport
    inventory: Inventory
    tokens: TokenProvider
    cloud: Cloud
    max_chars: int
    time_budget_seconds: float
    exports_folder: Path | None = None
    simulated: bool = False
    asked: Asked = field(default_factory=Asked)

    async def call(self, correlation_id: str, report: Report) -> "ToolCall":
        """A call that begins now, as the account that is signed in. All of its requests carry `correlation_id`.

        Signs in if need be. Raises a `SignInError`, or `TimeIsUp`.
        """
        deadline = anyio.current_time() + self.time_budget_seconds
        with in_time(deadline):
            account = await self.tokens.account()
        return ToolCall(
            self.inventory,
            PartnerCenter(self.transport, account, correlation_id),
            deadline,
            deadline + self.time_budget_seconds * GRACE,
            _ProgressReport(report).tell,
            self.max_chars,
            self.exports_folder,
            self.simulated,
        )

    def account_call(self) -> "AccountCall":
        """A call about the account itself."""
        return AccountCall(self.tokens, self.cloud, self.simulated)

    def words(self, error: Exception) -> str:
        """What an expected error says: of a customer that is not there, also whose customers are."""
        return f"{error} {SIMULATED}" if self.simulated and isinstance(error, UnknownCustomer) else str(error)


@dataclass(frozen=True, slots=True)
class ToolCall(Call):
    """What a tool works with."""

    max_chars: int
    exports_folder: Path | None = None
    simulated: bool = False

    @staticmethod
    def result(answer: Answer) -> CallToolResult:
        """See `result_of`."""
        return result_of(answer)


@dataclass(frozen=True, slots=True)
class AccountCall:
    """What a tool works with that is about the account itself, whoever is signed in."""

    tokens: TokenProvider
    cloud: Cloud
    simulated: bool = False

    @staticmethod
    def result(answer: Answer) -> CallToolResult:
        """See `result_of`."""
        return result_of(answer)


def result_of(answer: Answer) -> CallToolResult:
    """Both halves: clients differ in which one the model reads, and several fail on any other content."""
    data: dict[str, Any] = answer.data
    return CallToolResult(content=[TextContent(type="text", text=answer.text)], structured_content=data)


class _ProgressReport:
    """Tells progress as the protocol wants it: it only ever grows."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = -math.inf

    async def tell(self, progress: Progress) -> None:
        read, expected = progress.devices_read, progress.devices_expected
        if read <= self._last:
            return
        self._last = read
        message = (
            f"{read:,} of about {max(read, expected):,} devices; "
            f"{progress.batches_read:,} of {progress.batches_total:,} batches"
        )
        await self._report(read, max(read, expected) or None, message)
