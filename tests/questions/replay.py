"""Makes the calls of each question through a real client, and looks for the facts in both halves of the answer."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mcp import Client
from mcp_types import CallToolResult

from bench import plain
from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import World, running
from tests.conftest import settings_for
from tests.questions.asked import QUESTIONS, Asked, Fact
from tests.questions.truth import Truth

MOST_CALLS, MOST_TOKENS = 2, 2000
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True)
class Replayed:
    """What became of a question. tokens: characters / 4, arguments and the larger half of each answer; missing: the
    facts that a half lacks."""

    words: str
    calls: int
    tokens: int
    missing: Sequence[Fact]


async def replayed(world: World, mode: str) -> list[Replayed]:
    """Every question, of one server."""
    truth = Truth(world)
    with running(world) as sandbox:
        async with Client(
            build_server(settings_for(sandbox, answers={"time_budget_seconds": 50})), mode=mode
        ) as client:
            return [await _replayed(client, truth, asked) for asked in QUESTIONS]


async def _replayed(client: Client, truth: Truth, asked: Asked) -> Replayed:
    characters, calls, result = 0, asked.calls(truth), CallToolResult(content=[])
    for tool, arguments in calls:
        cursor = (result.structured_content or {}).get("next_cursor")
        sent = {name: cursor if value == "<next>" else value for name, value in arguments.items()}
        result = await client.call_tool(tool, sent)
        halves = _text(result), json.dumps(result.structured_content or "", ensure_ascii=False)
        characters += len(tool) + len(json.dumps(sent)) + max(map(len, halves))
    missing = [fact for fact in asked.facts(truth) if not _stands(fact, result)]
    if result.is_error != asked.is_refused:
        missing.insert(0, _text(result)[:200])
    return Replayed(asked.words, len(calls), characters // CHARACTERS_A_TOKEN, missing)


def _text(result: CallToolResult) -> str:
    (content,) = result.content
    return re.sub(r"\\(.)", r"\1", content.text)  # type: ignore[union-attr]


def _stands(fact: Fact, result: CallToolResult) -> bool:
    """Whether both halves say so; an error has one."""
    parts = [
        plain.cleaned(part) if isinstance(part, str) else part for part in (fact if isinstance(fact, tuple) else [fact])
    ]
    in_text = any(all(_in_line(part, line) for part in parts) for line in _text(result).splitlines())
    if result.is_error:
        return in_text
    if parts[0] == "batch_count_differs":  # the name of a finding, which the text says in words
        in_text = True
    return in_text and any(
        all(_in_values(part, values) for part in parts) for values in _objects(result.structured_content)
    )


def _in_line(part: Any, line: str) -> bool:
    if isinstance(part, int):
        return re.search(rf"(?<![\d,.]){part:,}(?![\d,]*\d)", line) is not None
    return str(part) in line


def _in_values(part: Any, values: Sequence[Any]) -> bool:
    if isinstance(part, int):
        return part in values or any(isinstance(value, str) and _in_line(part, value) for value in values)
    return any(str(part) in value for value in values if isinstance(value, str))


def _objects(data: Any) -> Iterator[list[Any]]:
    """The values of each object, those inside of it too."""
    if isinstance(data, dict):
        yield [*_values(data)]
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _objects(each)


def _values(data: Any) -> Iterator[Any]:
    if isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from _values(each)
    else:
        yield data
