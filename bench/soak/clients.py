"""Clients that ask until the time is up, and what came of it."""

import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from random import Random

import anyio
from mcp import Client

from bench.soak.asking import Question, Questions
from bench.soak.truth import Answer, Truth, Wrong

HALF_MAX_CHARS = 8000
LONGEST_SECONDS = 60
"""A call that takes longer hangs: ten times the time that the server is given for one."""

_UNIQUE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d[\d,]*")

Connect = Callable[[], AbstractAsyncContextManager[Client]]


@dataclass
class Record:
    """What the calls came to. `seconds` of every call that was answered; `violations` say what must not be."""

    answers: Counter[str] = field(default_factory=Counter)
    incomplete: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    cancelled: int = 0
    connections: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return self.answers.total() + self.errors.total() + self.cancelled

    def violated(self, question: Question, what: str) -> None:
        """Notes what must not be, with its first example: the same words are counted, not repeated."""
        kind = f"{question.tool}: {_UNIQUE.sub('…', what)[:400]}"
        arguments = {name: value for name, value in question.arguments.items() if name != "identifiers"}
        self.examples.setdefault(kind, f"{arguments}: {what[:400]}")
        self.violations[kind] += 1


async def ask_until(end: float, clients: int, connects: Callable[[int], Connect], truth: Truth) -> Record:
    """Lets so many clients ask side by side until `end` (on the monotonic clock)."""
    record = Record()
    async with anyio.create_task_group() as tasks:
        for number in range(clients):
            tasks.start_soon(_Asker(record, truth, number).ask_until, end, connects(number))
    return record


def kept(client: Client) -> Connect:
    """A connection that all clients share and none of them closes."""
    return lambda: nullcontext(client)


class _Asker:
    def __init__(self, record: Record, truth: Truth, number: int) -> None:
        self._record = record
        self._questions = Questions(truth, number)
        self._random = Random(f"asker {number}")

    async def ask_until(self, end: float, connect: Connect) -> None:
        """Asks over connections that each last for some questions."""
        while time.monotonic() < end:
            self._record.connections += 1
            given_up = self._record.cancelled
            try:
                async with connect() as client:
                    for _ in range(self._random.randint(5, 40)):
                        if time.monotonic() < end:
                            await self._converse(client)
            except* anyio.BrokenResourceError:
                # So the SDK's client (2.3) ends where the answer to a call that was given up comes as it leaves.
                if self._record.cancelled == given_up:
                    raise

    async def _converse(self, client: Client) -> None:
        """One question, and the pages that follow."""
        question: Question | None = self._questions.draw()
        while question:
            answer = await self._call(client, question)
            question = self._questions.following(question, answer) if answer else None

    async def _call(self, client: Client, question: Question) -> Answer | None:
        patience = self._random.uniform(0, 0.3) if self._random.random() < 0.06 else LONGEST_SECONDS
        started = time.monotonic()
        with anyio.move_on_after(patience) as scope:
            try:
                result = await client.call_tool(question.tool, dict(question.arguments))
            except Exception as error:
                self._record.violated(question, f"the call raised {type(error).__name__}: {error}")
                return None
        if scope.cancelled_caught:
            if patience == LONGEST_SECONDS:
                self._record.violated(question, f"no answer within {LONGEST_SECONDS} s")
            self._record.cancelled += 1
            return None
        self._record.seconds.append(time.monotonic() - started)
        words = "".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            kind = question.kind_of_error(words)
            self._record.errors[kind or "NOT ALLOWED"] += 1
            if kind is None:
                self._record.violated(question, f"an error that must not come: {words}")
            return None
        answer: Answer = result.structured_content
        self._record.answers[question.tool] += 1
        self._record.incomplete[question.tool] += not answer.get("complete", True)
        try:
            self._check(question, answer, words)
        except Wrong as wrong:
            self._record.violated(question, str(wrong))
        return answer

    @staticmethod
    def _check(question: Question, answer: Answer, words: str) -> None:
        if question.refusal:
            raise Wrong(f"answered, and should have been refused: {question.refusal}")
        if words.startswith("INCOMPLETE") == answer.get("complete", True):
            raise Wrong("its halves disagree on whether it is complete")
        if len(words) > HALF_MAX_CHARS:
            raise Wrong(f"its text has {len(words):,} characters")
        question.check(answer)
