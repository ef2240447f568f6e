"""One tool call: what a tool is given to work with, and how its answer is handed over."""

import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp_types import CallToolResult, TextContent

from pc_mcp.answers import SIMULATED, Answer
from pc_mcp.answers.clean import escaped
from pc_mcp.answers.parts import taken_for, with_notes
from pc_mcp.auth import TokenProvider
from pc_mcp.inventory import Call, Inventory, Progress, UnknownCustomer, in_time, named_customer
from pc_mcp.inventory.questions import batch_names, customer_names
from pc_mcp.partner_center import PartnerCenter, Transport
from pc_mcp.partner_center.models import Customer, DeviceBatch
from pc_mcp.runtime.clouds import Cloud
from pc_mcp.tools.support.asking import Asked

Report = Callable[[float, float | None, str | None], Awaitable[None]]

_NOTE_CHARACTERS = 16
"""What a note takes beside its words, at most."""

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
    """What a tool works with. taken: the notes on parts of names, which its answer begins its notes with."""

    most_chars: int
    exports_folder: Path | None = None
    simulated: bool = False
    taken: list[str] = field(default_factory=list)

    @property
    def max_chars(self) -> int:
        """How long an answer may be beside these notes, in either half."""
        halves = ((escaped(note), json.dumps(note, ensure_ascii=False).encode()) for note in self.taken)
        return self.most_chars - sum(max(map(len, each)) + _NOTE_CHARACTERS for each in halves)

    async def customer(self, text: str) -> Customer:
        """The customer that `text` names. Raises a `QuestionError` that lists the customers to choose from."""
        customer = await named_customer(self, text)
        if not customer_names.is_called(customer, text):
            self.taken.append(taken_for(text, "customer", customer.name or customer.domain or customer.id))
        return customer

    def took_batch(self, text: str | None, batch: DeviceBatch | None) -> None:
        """Notes for which batch `text` was taken."""
        if text and batch and not batch_names.is_called(batch, text):
            self.taken.append(taken_for(text, "batch", batch.id))

    def result(self, answer: Answer) -> CallToolResult:
        """See `result_of`."""
        return result_of(with_notes(answer, self.taken))


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
