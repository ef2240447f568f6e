"""Questions of support agents, the calls that answer them, and what the server answers from its simulated customers.

docs/questions.md shows `QUESTIONS` with calls and answers, README.md some of them without the calls, and
docs/conversation.svg `CONVERSATION`; `make docs` writes all three.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp import Client

from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Sandbox, running
from tests.conftest import settings_for

FABRIKAM = "Fabrikam Manufacturing"
CONTOSO = "Contoso Ltd"
FINANCE = {
    "customer": CONTOSO,
    "batch": "FINANCE laptops",
    "policy": "none",
    "fields": ["serial_number", "model"],
    "limit": 2,
}


@dataclass(frozen=True)
class Question:
    """What an agent asks and the tool call that answers it.

    Of the answer are shown its first line or the gist of that, `columns` of the first `rows` of the table that
    has them, and the line that contains `line`. first: README.md shows it too; next_page: the call gets the cursor of
    the answer before.
    """

    words: str
    tool: str
    arguments: Mapping[str, Any]
    columns: Sequence[str] = ()
    rows: int = 3
    line: str | None = None
    first: bool = False
    next_page: bool = False

    @property
    def call(self) -> str:
        """The call as it may be shown, such as `find_customers(query="contoso")`."""
        shown = {**self.arguments, "cursor": "…"} if self.next_page else self.arguments
        arguments = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in shown.items()]
        return f"{self.tool}({', '.join(arguments)})"


@dataclass(frozen=True)
class Answer:
    """What the server answered, and how much it had to read for it: requests, and bytes of JSON."""

    text: str
    requests: int
    bytes_read: int

    @property
    def first_line(self) -> str:
        """Without when it was read."""
        return re.sub(r"(; complete|,)? as of [\d: -]+UTC", "", self.text.partition("\n")[0])

    @property
    def gist(self) -> str:
        """The beginning of the first line that says how many, such as `3 of 27 customers`."""
        return re.match(r"[\d,]+( of [\d,]+)? \w+( found| failed)?", self.text)[0]

    def table(self, columns: Sequence[str]) -> list[list[str]]:
        """These columns of every row of the table that has them all."""
        for block in self.text.split("\n\n"):
            header, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            if set(columns) <= set(header):
                return [[row[header.index(name)] for name in columns] for row in rows[1:]]
        raise AssertionError(f"no table with {columns} in\n{self.text}")

    def line(self, part: str) -> str:
        """The line that contains `part`."""
        (line,) = [line for line in self.text.splitlines() if part in line]
        return line.removeprefix("- ")


QUESTIONS = (
    Question(
        "Which Contoso companies are our customers?", "find_customers", {"query": "contoso"}, ["name"], first=True
    ),
    Question(
        "What did we upload for Contoso Ltd since January 2026?",
        "list_device_batches",
        {"customer": CONTOSO, "created_after": "2026-01-01"},
        ["batch", "devices"],
        first=True,
    ),
    Question(
        "Did all batches of Contoso Ltd finish?",
        "list_device_batches",
        {"customer": CONTOSO, "limit": 0},
        line="By status",
    ),
    Question(
        "How many devices does Fabrikam Manufacturing have, and of which makers?",
        "list_devices",
        {"customer": FABRIKAM, "group_by": ["manufacturer"], "limit": 0},
        ["manufacturer", "devices"],
        first=True,
    ),
    Question(
        "How many devices of Fabrikam Manufacturing have no profile, and in which batches?",
        "list_devices",
        {"customer": FABRIKAM, "policy": "none", "group_by": ["batch"], "limit": 0},
        ["batch", "devices"],
        rows=1,
        first=True,
    ),
    Question(
        "How many Surface devices did Fabrikam Manufacturing get before 2022?",
        "list_devices",
        {
            "customer": FABRIKAM,
            "model": "surface",
            "uploaded_before": "2022-01-01",
            "group_by": ["model"],
            "limit": 0,
        },
        ["model", "devices"],
    ),
    Question(
        "Which serial numbers of Contoso Ltd occur twice, and in which batches?",
        "list_devices",
        {"customer": "Contoso Ltd", "only": ["duplicate_serial_number"], "fields": ["serial_number", "batch"]},
        ["serial_number", "batch"],
    ),
    Question(
        "In which months since January 2025 did Litware Inc get devices?",
        "list_devices",
        {"customer": "Litware Inc", "uploaded_after": "2025-01-01", "group_by": ["uploaded_month"], "limit": 0},
        ["uploaded month", "devices"],
    ),
    Question(
        "Which devices in Contoso Ltd's batch FINANCE laptops have no profile?",
        "list_devices",
        FINANCE,
        FINANCE["fields"],
    ),
    Question("And the next two?", "list_devices", FINANCE, FINANCE["fields"], next_page=True),
    Question(
        "Which batch of Documentation Sample is serial number 2R9-ZNP67 in, and do they have ABC-12345?",
        "find_devices",
        {"customer": "Documentation Sample", "identifiers": ["2R9-ZNP67", "ABC-12345"]},
        ["identifier", "batch"],
        line="Not found",
    ),
    Question(
        "Which profiles do 9DLK36J and SK40LQT of Contoso Ltd have?",
        "find_devices",
        {"customer": CONTOSO, "identifiers": ["9DLK36J", "SK40LQT"]},
        ["identifier", "policy"],
        first=True,
    ),
    Question(
        "Which Autopilot profiles does Contoso Ltd have?",
        "list_configuration_policies",
        {"customer": CONTOSO},
        ["policy"],
        rows=4,
    ),
    Question(
        "Did upload 0127ed8e-ff72-4983-a3d8-e8d8bd378932 of Documentation Sample go through?",
        "get_batch_upload_status",
        {"customer": "Documentation Sample", "batch_tracking_id": "0127ed8e-ff72-4983-a3d8-e8d8bd378932"},
        ["serial number", "error", "meaning"],
        first=True,
    ),
    Question(
        "Put Contoso Ltd's batch FINANCE laptops into a file for Excel.",
        "export_devices",
        {"customer": CONTOSO, "batch": "FINANCE laptops"},
    ),
)

CONVERSATION = (
    Question(
        "Which batches are 9DLK36J and ABC-12345 of Contoso Ltd in?",
        "find_devices",
        {"customer": CONTOSO, "identifiers": ["9DLK36J", "ABC-12345"]},
        ["identifier", "batch", "policy", "uploaded"],
        line="Not found",
    ),
)


def answers(questions: Sequence[Question]) -> list[Answer]:
    """What a server that reads the simulated customers answers to the questions, asked one after the other."""

    async def answered(sandbox: Sandbox, folder: str) -> list[Answer]:
        async with Client(build_server(settings_for(sandbox, exports={"folder": Path(folder)}))) as client:
            return await ask(client, questions, sandbox)

    with TemporaryDirectory() as folder, running() as sandbox:
        return anyio.run(answered, sandbox, folder)


async def ask(client: Client, questions: Sequence[Question], sandbox: Sandbox | None = None) -> list[Answer]:
    """Asks `client`. sandbox: what it reads, to count how much."""
    found: list[Answer] = []
    cursor = None
    for question in questions:
        already = len(sandbox.requests) if sandbox else 0
        extra = {"cursor": cursor} if question.next_page else {}
        result = await client.call_tool(question.tool, {**question.arguments, **extra})
        assert not result.is_error, result.content
        cursor = (result.structured_content or {}).get("next_cursor")
        sent = [request.answer_bytes for request in sandbox.requests[already:]] if sandbox else []
        found.append(Answer(result.content[0].text, len(sent), sum(sent)))
    return found


def questions_table(answers: Sequence[Answer]) -> str:
    """`QUESTIONS`: what agents ask, what the model calls, and what it is told, for docs/questions.md."""
    lines = ["| you ask | the model calls | the answer |", "| --- | --- | --- |"]
    for question, answer in zip(QUESTIONS, answers, strict=True):
        lines.append(f"| {question.words} | `{question.call}` | {in_short(question, answer)} |")
    return "\n".join(lines)


def first_questions(answers: Sequence[Answer]) -> str:
    """Those of `QUESTIONS` that README.md shows, without the calls."""
    told = [each for each in zip(QUESTIONS, answers, strict=True) if each[0].first]
    return "\n".join(f"- {each.words} {in_short(each, answer).replace('<br>', ': ', 1)}" for each, answer in told)


def in_short(question: Question, answer: Answer) -> str:
    """What of the answer the table shows, as one cell."""
    lines = [f"**{answer.gist}**" if question.columns or question.line else answer.first_line]
    if question.columns:
        rows = [
            ": ".join([first, ", ".join(others)]) if others else first
            for first, *others in answer.table(question.columns)
        ]
        left_out = [f"{len(rows) - question.rows} more"] if len(rows) > question.rows else []
        lines.append("; ".join([*rows[: question.rows], *left_out]))
    if question.line:
        lines.append(answer.line(question.line))
    return "<br>".join(lines)
