"""The demonstration: what a support agent asks, what the model calls, what it gets, and how small that is."""

import json
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, TableElement
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from pc_mcp.answers.clean import json_length
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.variables import ENV_PREFIX

LARGE = "Fabrikam Manufacturing"
MANY_PAGES = 100
# Of the basic colours only magenta is legible on a dark and on a light background.
ACCENT = "magenta"
THEME = Theme(
    {
        "markdown.code": "bold",
        "markdown.table.border": "dim",
        "markdown.table.header": "bold",
        "progress.elapsed": "none",
    }
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the agent says and the tool call that answers it."""

    words: str
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


QUESTIONS: Sequence[Question] = (
    Question("Which Contoso companies do we have?", "find_customers", {"query": "contoso"}),
    Question(
        "Which batches did we upload for Contoso Ltd since 2025?",
        "list_device_batches",
        {"customer": "Contoso Ltd", "created_after": "2025-01-01", "limit": 5},
    ),
    Question(
        f"How many devices does {LARGE} have, of which models, and with which policies?",
        "list_devices",
        {"customer": LARGE, "group_by": ["model", "policy"], "limit": 0},
    ),
    Question(
        "How many of those have no policy? Show me three.",
        "list_devices",
        {"customer": LARGE, "policy": "none", "group_by": ["batch"], "limit": 3},
    ),
    Question(
        "Which batch is serial number 2R9-ZNP67 in, and do we have ABC-12345?",
        "find_devices",
        {"customer": "Documentation Sample", "identifiers": ["2R9-ZNP67", "ABC-12345"]},
    ),
    Question(
        "Did yesterday's upload go through?",
        "get_batch_upload_status",
        {
            "customer": "Documentation Sample",
            "batch_tracking_id": "0127ed8e-ff72-4983-a3d8-e8d8bd378932",
        },
    ),
)


Sections = Mapping[str, Mapping[str, str]]


class Request(Protocol):
    """A request to the simulated Partner Center: when it came and was answered, in seconds, and with how much JSON."""

    path: str
    answer_bytes: int
    came: float
    answered: float


def show(settings: Sections, environment: Mapping[str, str], requests: Sequence[Request], how_to_connect: str) -> None:
    """Asks the questions of a server in a process of its own, as a client would, and prints it all.

    settings, environment: of the server, so that it asks a simulated Partner Center and signs in to
    a simulated Entra ID; requests: to the former, growing while it is asked; how_to_connect: the words
    at the end.
    """
    try:
        anyio.run(_show, settings, environment, requests, how_to_connect)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, Failure):
            raise error from None
        if not isinstance(error, _ReaderLeft):
            raise


async def _show(
    settings: Sections, environment: Mapping[str, str], requests: Sequence[Request], how_to_connect: str
) -> None:
    console = _Console(highlight=False, theme=THEME)
    raw: dict[str, int] = {}
    async with Client(_server(settings, environment)) as client:
        for number, question in enumerate(QUESTIONS, 1):
            before = len(requests)
            result = await _ask(console, client, number, question)
            customer = str(question.arguments.get("customer", ""))
            asked = requests[before:]
            raw[customer] = sum(request.answer_bytes for request in asked) or raw.get(customer, 0)
            _print_answer(console, result, raw[customer], nothing_read=not asked)
            _print_pace(console, [request for request in asked if request.path.endswith("/devices")])
    console.print(Rule(style="dim"))
    console.print(Text("Connect your assistant to these simulated data\n", style="bold"))
    console.print(Text(how_to_connect), soft_wrap=True)


def _server(settings: Sections, environment: Mapping[str, str]) -> StdioServerParameters:
    """The server as a client starts it, but deaf to the user's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(ENV_PREFIX)}
    return StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "pc_mcp", "serve", "--config", os.devnull],
        env={
            **inherited,
            **environment,
            **{f"{ENV_PREFIX}{s}__{name}".upper(): v for s, values in settings.items() for name, v in values.items()},
            f"{ENV_PREFIX}LOGGING__LEVEL": "warning",
        },
    )


async def _ask(console: Console, client: Client, number: int, question: Question) -> CallToolResult:
    console.print(Rule(style="dim"))
    _print(console, f"{number}. “{question.words}”", style="bold", indent=0)
    arguments = ", ".join(f"{name}={json.dumps(value)}" for name, value in question.arguments.items())
    _print(console, f"{question.tool}({arguments})", style=ACCENT)
    columns = (
        TextColumn("  "),
        BarColumn(bar_width=30, style="dim", complete_style=ACCENT, finished_style=ACCENT, pulse_style=ACCENT),
        TextColumn("{task.percentage:>3.0f} %  {task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            bar.update(task, completed=progress, total=total, description=message or "", visible=True)
            if not console.is_terminal:
                with suppress(_ReaderLeft):  # in a task of the client; the next line that is printed says so again
                    _print(console, f"reading: {message}")

        return await client.call_tool(question.tool, dict(question.arguments), progress_callback=on_progress)


def _print_answer(console: Console, result: CallToolResult, raw: int, *, nothing_read: bool) -> None:
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    console.print()
    if console.is_terminal:
        console.print(Padding(_AnswerText(text), (0, 0, 0, 3)))
    else:  # as the model gets it
        _print(console, text)
    data = json_length(result.structured_content)
    again = ", of which nothing had to be read again" if nothing_read else ""
    console.print()
    _print(
        console,
        f"{len(text):,} characters of text, {data:,} of structured content; "
        f"the service's JSON is {raw:,} characters{again}.",
        style="bold",
    )
    console.print()


def _print_pace(console: Console, pages: Sequence[Request]) -> None:
    """How fast the pages of a long list were read, and how much of the time the service took for them."""
    if len(pages) < MANY_PAGES:
        return
    began, ended = min(page.came for page in pages), max(page.answered for page in pages)
    waited, until = 0.0, began
    for page in sorted(pages, key=lambda page: page.came):
        waited += max(0.0, page.answered - max(page.came, until))
        until = max(until, page.answered)
    seconds = ended - began
    _print(
        console,
        f"{len(pages):,} pages in {seconds:.1f} s, {len(pages) / seconds:,.0f} pages a second; "
        f"{waited / seconds:.0%} of the time was spent waiting for the service.",
        style="bold",
    )
    console.print()


def _print(console: Console, text: str, *, style: str = "", indent: int = 3) -> None:
    """Prints text wrapped to the terminal; in a pipe each line stays one line."""
    if console.is_terminal:
        console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))
    else:
        console.print(Text(textwrap.indent(text, " " * indent)), soft_wrap=True)


class _ReaderLeft(Exception):
    """Nobody reads any more what is printed."""


class _Console(Console):
    """One that ends with an exception like any other: rich's own way ends the program in the middle of a task."""

    def on_broken_pipe(self) -> None:
        raise _ReaderLeft from None


class _Cells(TableElement):
    """A table whose cells are folded where they do not fit, never cut."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Table):
                for column in part.columns:
                    column.overflow = "fold"
            yield part


class _AnswerText(Markdown):
    """An answer's Markdown for a terminal."""

    elements = Markdown.elements | {"table_open": _Cells}
