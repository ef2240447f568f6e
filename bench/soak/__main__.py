"""`python -m bench.soak` asks mixed questions for a while and ends with 1 where anything was not right.

A sandbox fails one request in twenty and throttles. Twenty clients ask `pc-mcp serve --http` about it, and each
answer is held against the truth. At the end the server must hold no more memory, threads, files and sockets than
before; a second, smaller server runs in this process, where its tasks can be counted.
"""

import argparse
import asyncio
import logging
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from mcp import Client

from bench.processes import environment
from bench.soak.asking import CUSTOMERS
from bench.soak.clients import Connect, Record, ask_until, kept
from bench.soak.report import table, verdict
from bench.soak.server import MEASURABLE, Held, Memory, served, settled
from bench.soak.truth import KeptWorld, Truth
from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Sandbox, running
from pc_mcp.settings import Settings

CLIENTS = 20
CLIENTS_INSIDE = 8
BUDGET_SECONDS = 6.0
SNAPSHOT_MINUTES = 1
FAILING = 0.05
REQUESTS_A_SECOND = 150
CALM_CALL = ("list_devices", {"customer": "Coho Winery", "limit": 0})


@contextmanager
def trouble(sandbox: Sandbox) -> Iterator[None]:
    """The service fails and throttles for as long as the block lasts."""
    sandbox.switches.fail_randomly, sandbox.switches.throttle_per_second = FAILING, REQUESTS_A_SECOND
    try:
        yield
    finally:
        sandbox.switches.fail_randomly, sandbox.switches.throttle_per_second = 0.0, 0.0


async def forget_requests(sandbox: Sandbox) -> None:
    """The sandbox keeps what it was asked, which would take all memory in the end."""
    while True:
        sandbox.requests.clear()
        await anyio.sleep(1)


async def soak_server(sandbox: Sandbox, truth: Truth, seconds: float, url: str, pid: int) -> tuple[Record, Memory]:
    """Asks a server in a process of its own."""

    async def calm() -> None:
        async with Client(url) as client:
            await client.call_tool(*CALM_CALL)

    def connects(number: int) -> Connect:
        return lambda: Client(url, mode="legacy" if number % 2 else "auto")

    before = await settled(pid, calm) if MEASURABLE else None
    memory = Memory(pid)
    with trouble(sandbox):
        async with anyio.create_task_group() as watchers:
            watchers.start_soon(forget_requests, sandbox)
            if MEASURABLE:
                watchers.start_soon(memory.watch)
            record = await ask_until(time.monotonic() + seconds, CLIENTS, connects, truth)
            watchers.cancel_scope.cancel()
    if before:
        after: Held = await settled(pid, calm, before)
        for leak in after.leaks(before):
            record.violations[f"the server holds {leak}"] += 1
    return record, memory


async def soak_inside(sandbox: Sandbox, truth: Truth, seconds: float) -> Record:
    """Asks a server in this process, and counts the tasks that it leaves behind."""
    settings = Settings(
        partner_center={"base_url": sandbox.base_url},
        auth={"mode": "token", "access_token": sandbox.token},
        answers={"time_budget_seconds": BUDGET_SECONDS, "snapshot_minutes": SNAPSHOT_MINUTES},
    )
    alone = asyncio.all_tasks()
    async with Client(build_server(settings)) as client:
        await client.call_tool(*CALM_CALL)
        before = len(asyncio.all_tasks())
        with trouble(sandbox):
            end = time.monotonic() + seconds
            record = await ask_until(end, CLIENTS_INSIDE, lambda _: kept(client), truth)
        sandbox.requests.clear()
        await client.call_tool(*CALM_CALL)
        # A cancelled call ends its tasks in their next turns.
        with anyio.move_on_after(10):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - nothing says when
                await anyio.sleep(0.05)
        if (after := len(asyncio.all_tasks())) > before:
            record.violations[f"the server has {after} tasks where it had {before} before"] += 1
    for task in asyncio.all_tasks() - alone:
        record.violations[f"a task outlives the server: {task.get_coro()}"] += 1
    return record


def main() -> None:
    """Runs the soak, prints the table, and exits with 1 where something was not right."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long the clients ask (600)")
    seconds = parser.parse_args().seconds
    world = KeptWorld()
    truth = Truth(world, CUSTOMERS)
    # A client that gives a call up says that it could not read the rest.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    with running(world) as sandbox, tempfile.TemporaryDirectory() as home:
        env = environment(
            HOME=home,
            USERPROFILE=home,
            PC_MCP_PARTNER_CENTER__BASE_URL=sandbox.base_url,
            PC_MCP_AUTH__MODE="token",
            PC_MCP_AUTH__ACCESS_TOKEN=sandbox.token,
            PC_MCP_ANSWERS__TIME_BUDGET_SECONDS=str(BUDGET_SECONDS),
            PC_MCP_ANSWERS__SNAPSHOT_MINUTES=str(SNAPSHOT_MINUTES),
        )
        with served(env) as process:
            record, memory = anyio.run(soak_server, sandbox, truth, seconds * 6 / 7, process.url, process.pid)
            code, logged = process.ended()
        if code:
            record.violations[f"the server ended with {code}"] += 1
        for line in logged:
            # The SDK and uvicorn call it an error when a client leaves while its answer is written.
            if "Traceback" in line or re.search(r" error +(pc_mcp|asyncio)\b", line):
                record.violations["the server's log tells of an error"] += 1
                record.examples.setdefault("the server's log tells of an error", line.strip())
        inside = anyio.run(soak_inside, sandbox, truth, seconds / 7)
    print(table(record, inside, memory))
    if wrong := verdict(record, inside, memory):
        sys.exit("\n".join(wrong))
    print("Nothing was wrong, and nothing was left behind.")


if __name__ == "__main__":
    main()
