"""What tests of signing in have in common: people with a browser or without, and what they did."""

import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from mcp import Client
from mcp_types import CallToolResult, ElicitResult

from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Sandbox, person
from tests.conftest import settings_for, signing_in

URL = re.compile(r"https://localhost:\d+/[^\s<>]+[^\s<>.,]")
CODE = re.compile(r"enter the code ([A-Z]{9}) ")


@asynccontextmanager
async def connected(
    sandbox: Sandbox,
    mode: str = "auto",
    *,
    elicitation: Any = None,
    auth: dict[str, Any] | None = None,
    **sections: dict[str, Any],
) -> AsyncIterator[Client]:
    """A client of a server that signs in to `sandbox`. elicitation: the client's callback for it."""
    settings = settings_for(sandbox, auth=signing_in(sandbox, **(auth or {})), **sections)
    if "snapshot_minutes" not in sections.get("answers", {}):
        # Nothing that was read is kept, which no setting permits, so that every call needs a token.
        answers = settings.answers.model_copy(update={"snapshot_minutes": 0.0})
        settings = settings.model_copy(update={"answers": answers})
    async with Client(build_server(settings), mode=mode, elicitation_callback=elicitation) as client:
        yield client


async def sign_in(sandbox: Sandbox, url: str, account: int = 0, code: str = "") -> str:
    """A person opens `url` in a browser and picks that account; what the last page says."""
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    name = sandbox.entra.accounts[account].username
    return await anyio.to_thread.run_sync(person.sign_in, url, name, code, context)


async def do_as_told(sandbox: Sandbox, words: str, account: int = 0) -> str:
    """A person does what an answer says: opens its address, enters its code."""
    code = CODE.search(words)
    return await sign_in(sandbox, URL.findall(words)[0], account, code[1] if code else "")


async def ask(client: Client, tool: str = "find_customers", **arguments: Any) -> CallToolResult:
    result: CallToolResult = await client.call_tool(tool, arguments)
    return result


async def told(client: Client, tool: str = "find_customers", **arguments: Any) -> str:
    """The words of a call that is refused."""
    result = await ask(client, tool, **arguments)
    (content,) = result.content
    assert result.is_error, content
    return str(content.text)


async def answered(client: Client, tool: str = "find_customers", **arguments: Any) -> dict[str, Any]:
    """What a call that is answered says."""
    result = await ask(client, tool, **arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


def asked(sandbox: Sandbox) -> Counter[str]:
    """How often the sign-in service was asked for what: a grant, a page to sign in, a device code."""
    counts: Counter[str] = Counter()
    for request in sandbox.entra.requests:
        path = request.path.partition("?")[0]
        if path.endswith("/token"):
            counts[request.form["grant_type"].rpartition(":")[2]] += 1
        elif path.endswith(("/authorize", "/devicecode")):
            counts[path.rpartition("/")[2]] += 1
    return counts


class Asked:
    """An elicitation callback: a person who is asked to open a page, and how they reply."""

    def __init__(self, sandbox: Sandbox, action: str = "accept", account: int = 0, *, acts: bool = True) -> None:
        self.sandbox = sandbox
        self.action = action
        self.account = account
        self.acts = acts
        self.urls: list[str] = []
        self.messages: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.urls.append(params.url)
        self.messages.append(params.message)
        if self.action == "accept" and self.acts:
            code = CODE.search(params.message)
            await sign_in(self.sandbox, params.url, self.account, code[1] if code else "")
        return ElicitResult(action=self.action)
