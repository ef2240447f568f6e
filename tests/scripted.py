"""What tests do to the sandbox beyond its switches, what they count of its requests, and how they ask about it."""

import gc
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, ModuleType
from urllib.parse import unquote

import anyio
import anyio.to_thread

from pc_mcp.sandbox import ScriptedResponse

AT_ONCE = {"Retry-After": "0"}
"""Headers of a failure that is retried without a wait."""


@dataclass
class Noticed(ScriptedResponse):
    """A scripted answer that says when it was first given."""

    given: threading.Event = field(default_factory=threading.Event)

    def take(self, target):
        taken = super().take(target)
        if taken:
            self.given.set()
        return taken

    async def wait(self):
        assert await anyio.to_thread.run_sync(partial(self.given.wait, 20))


@dataclass
class Gate(Noticed):
    """No answer of its own: holds the sandbox until `open` is set, then lets it answer."""

    times: int | None = 1
    open: threading.Event = field(default_factory=threading.Event)

    def take(self, target):
        if super().take(target):
            self.open.wait(20)
        return False


def devices_of(batch):
    """What a request for the devices of that batch has in its path."""
    return f"/deviceBatches/{batch}/devices"


def pages_read(sandbox):
    """How often each page of devices was asked for: by path and continuation token."""
    return Counter(
        (unquote(request.path), request.headers.get("ms-continuationtoken"))
        for request in sandbox.requests
        if request.path.endswith("/devices")
    )


async def ask(client, tool, **arguments):
    """The structured content of an answer, after a look at whether it is one."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    assert result.content[0].text.startswith("INCOMPLETE") != result.structured_content.get("complete", True)
    return result.structured_content


async def refusal(client, tool, **arguments):
    """The text of an answer that is an error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.content[0].text
    return result.content[0].text


def reachable(root):
    """Everything that `root` keeps from being freed, but for code."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        one = waiting.pop()
        yield one
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, type | ModuleType | FunctionType):
                seen.add(id(other))
                waiting.append(other)
