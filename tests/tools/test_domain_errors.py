"""What goes wrong beyond the question reaches the model as words, with the id that support asks for."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult
from pydantic import SecretStr
from typing_extensions import TypedDict

from pc_mcp.answers import Answer
from pc_mcp.auth import StaticToken
from pc_mcp.inventory import Inventory, QuestionError
from pc_mcp.partner_center import PartnerCenterError, Transport, errors
from pc_mcp.protocol.server import Server
from pc_mcp.runtime.clouds import Cloud
from pc_mcp.sandbox import Sandbox, ScriptedResponse
from pc_mcp.tools import App, DomainTool
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool

BATCHES = {"customer": "documentation"}
ID = re.compile(r"correlation id ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
SECRET = "upstream detail that is nobody's business"

ANSWERS: dict[type[PartnerCenterError], tuple[int, object]] = {
    errors.UnexpectedRedirect: (302, ""),
    errors.MalformedResponse: (200, f"<html>{SECRET}</html>"),
    errors.BadRequest: (400, {"code": 7}),
    errors.NotKnownOrRefused: (400, {"code": "3000"}),
    errors.InvalidCustomerId: (400, {"code": 900118}),
    errors.MethodRefused: (405, {"code": 405}),
    errors.Conflict: (409, ""),
    errors.Gone: (410, ""),
    errors.AddressTooLong: (414, ""),
    errors.HeadersTooLarge: (431, ""),
    errors.LegallyBlocked: (451, ""),
    errors.NetworkSignIn: (511, f"<html>{SECRET}</html>"),
    errors.RequestRefused: (422, ""),
    errors.NotSignedIn: (401, ""),
    errors.MfaMissing: (401, {"code": 900421}),
    errors.WrongAudience: (401, {"code": 900420}),
    errors.TokenRefused: (401, {"code": 800001}),
    errors.Forbidden: (403, f"<html>{SECRET}</html>"),
    errors.RoleMissing: (403, {"code": 900308}),
    errors.NoRelationship: (403, {"code": 20002}),
    errors.BlockedByConditionalAccess: (403, {"code": 900309}),
    errors.AppOnlyRefused: (403, {"code": 900329}),
    errors.NotFound: (404, {"code": 1000}),
    errors.CustomerNotFound: (404, {"code": 60003}),
    errors.Throttled: (429, {"statusCode": 429, "message": SECRET}),
    errors.ServiceFailure: (503, f"<html>{SECRET}</html>"),
}


async def refused(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    result: CallToolResult = await client.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    (content,) = result.content
    assert SECRET not in content.text
    assert "Traceback" not in content.text
    return content.text


@pytest.mark.slow
@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
async def test_each_error_of_the_service_arrives_with_what_to_do(connect, sandbox, mode, kind):
    status, body = ANSWERS[kind]
    if isinstance(body, dict):
        body = json.dumps(body | {"description": SECRET})
    headers = {"Retry-After": "0", "Location": "https://elsewhere.invalid/"}
    sandbox.switches.scripted.append(ScriptedResponse("/deviceBatches", status, body.encode(), headers))
    async with connect(mode) as client:
        words = await refused(client, "list_device_batches", BATCHES)
    assert words.startswith(kind.summary)
    assert kind.advice in words
    sent = {r.headers["ms-correlationid"] for r in sandbox.requests}
    assert set(ID.findall(words)) == sent
    assert len(sent) == 1


async def test_pages_without_end_are_an_error_where_nothing_else_can_be_said(connect, sandbox, mode):
    body = json.dumps({"items": [], "continuationToken": "again"}).encode()
    sandbox.switches.scripted.append(ScriptedResponse("/policies", 200, body))
    async with connect(mode) as client:
        words = await refused(client, "list_configuration_policies", BATCHES)
    assert words.startswith(errors.BrokenPaging.summary)
    assert ID.search(words)


async def test_a_missing_token_is_said_with_how_to_give_one(connect, mode):
    async with connect(mode, auth={"access_token": None}) as client:
        words = await refused(client, "find_customers", {})
    assert "PC_MCP_AUTH__ACCESS_TOKEN" in words


@pytest.mark.slow
async def test_a_service_that_does_not_answer_in_time_is_said(connect, sandbox, mode):
    sandbox.switches.scripted.append(ScriptedResponse("/deviceBatches", hang=True))
    async with connect(mode, answers={"time_budget_seconds": 0.5}) as client:
        words = await refused(client, "list_device_batches", BATCHES)
    assert words.startswith("Partner Center did not answer within the time that a call may take.")


def classes(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(below for child in kind.__subclasses__() for below in classes(child))]


class Nothing(TypedDict):
    notes: list[str]


def server_of(tool: DomainTool, sandbox: Sandbox) -> Server:
    """A server that has this one tool."""

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[App]:
        tokens = StaticToken(SecretStr(sandbox.token))
        async with Transport(sandbox.base_url.removesuffix("/v1")) as transport:
            yield App(transport, Inventory(snapshot_seconds=60, concurrency=8), tokens, Cloud.GLOBAL, 8000, 45)

    return Server("one tool", tools=[tool], lifespan=lifespan, subscriptions=False)


@pytest.mark.parametrize("kind", classes(PartnerCenterError), ids=lambda kind: kind.__name__)
async def test_every_error_of_partner_center_arrives_in_its_own_words(sandbox, kind):
    async def ask(call: ToolCall) -> Annotated[CallToolResult, Nothing]:
        """Fails."""
        raise kind("It was [so](x).", status=418, code="7", correlation_id=call.partner_center.correlation_id)

    async with Client(server_of(tool("Ask", {})(ask), sandbox)) as client:
        words = await refused(client, "ask", {})
    reason = " ".join(part for part in (kind.summary, "It was \\[so\\](x).", kind.advice) if part)
    assert words == f"{reason} (HTTP 418, code 7, correlation id {ID.findall(words)[0]})"


@pytest.mark.parametrize("kind", classes(QuestionError), ids=lambda kind: kind.__name__)
async def test_every_error_of_a_question_arrives_in_its_own_words_and_not_too_many(sandbox, kind):
    async def ask(call: ToolCall) -> Annotated[CallToolResult, Nothing]:
        """Fails."""
        raise kind("What is right? " * 1000)

    async with Client(server_of(tool("Ask", {})(ask), sandbox)) as client:
        words = await refused(client, "ask", {})
    assert words == ("What is right? " * 1000)[:4000]


async def crash(call: ToolCall) -> Annotated[CallToolResult, Nothing]:
    """Fails."""
    raise RuntimeError(SECRET)


async def crash_beside(call: ToolCall) -> Annotated[CallToolResult, Nothing]:
    """Fails in a task."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(crash, call)
    raise AssertionError


async def break_the_schema(call: ToolCall) -> Annotated[CallToolResult, Nothing]:
    """Answers with other fields than it promised."""
    return call.result(Answer(SECRET, {"notes": SECRET}))


@pytest.mark.parametrize("function", [crash, crash_beside, break_the_schema])
async def test_a_fault_of_the_program_shows_an_id_and_nothing_else(sandbox, mode, caplog, function):
    async with Client(server_of(tool("Fault", {})(function), sandbox), mode=mode) as client:
        words = await refused(client, function.__name__, {})
    (correlation_id,) = ID.findall(words)
    assert words == (
        f"{function.__name__} failed because of a fault in pc-mcp, not of the question. Its log has the "
        f"details beside the correlation id {correlation_id}; please report them."
    )
    (record,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert correlation_id in record.exc_text
