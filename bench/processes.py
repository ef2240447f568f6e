"""Processes of a benchmark: each is ready when it says so, and is gone when its block ends."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

READY = "ready "
SECONDS = 600
"""Longest time of any one process that computes something."""


def environment(**variables: str) -> dict[str, str]:
    """This process's own, without settings of pc-mcp or places of theirs, and without anything that measures
    or proxies."""
    foreign = ("PC_MCP_", "XDG_", "COVERAGE_", "COV_CORE_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    return kept | variables


def reading(base_url: str, token: str) -> dict[str, str]:
    """The variables that make `pc-mcp` read a service, and wait for it as long as it takes."""
    return environment(
        PC_MCP_PARTNER_CENTER__BASE_URL=base_url,
        PC_MCP_AUTH__MODE="token",
        PC_MCP_AUTH__ACCESS_TOKEN=token,
        PC_MCP_ANSWERS__TIME_BUDGET_SECONDS=str(SECONDS),
        PC_MCP_LOGGING__LEVEL="error",
    )


@contextmanager
def announced(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """A module run as a process until the block ends; yields what it said with `announce`."""
    command = [sys.executable, "-m", module, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env or environment()) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line.startswith(READY):
                raise RuntimeError(f"{module} ended before it was ready")
            yield line.removeprefix(READY).strip()
        finally:
            process.kill()


def announce(address: str) -> None:
    """Says that this process is ready, and ends it as soon as the one that started it is gone."""
    print(f"{READY}{address}", flush=True)

    def end_with_parent() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()


def computed(module: str, *arguments: str) -> dict[str, Any]:
    """What a module, run as a process, prints as one JSON object."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(), timeout=SECONDS, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result
