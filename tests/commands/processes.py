"""`pc-mcp` as a process of its own: how tests start it, and what it leaves behind."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pc_mcp.sandbox import Sandbox

# Seconds that a process may take to end at once, and to get something done, on a busy machine.
AT_ONCE = 5
SOON = 15

COMMAND = [sys.executable, "-P", "-m", "pc_mcp"]
# What would change what a process reads or writes.
_FOREIGN = re.compile(r"PC_MCP_.*|(.*_)?PROXY|FORCE_COLOR|NO_COLOR|COLUMNS|TTY_\w+|XDG_\w+", re.IGNORECASE)


def environment(home: Path, *, measured: bool = False, **variables: str) -> dict[str, str]:
    """Nothing of this machine's settings, and `variables`.

    measured: whether the coverage of the process counts, which makes it start half a second later.
    """
    inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
    if not measured:
        inherited.pop("COVERAGE_PROCESS_CONFIG", None)
    return inherited | {"HOME": str(home), "USERPROFILE": str(home)} | variables


def reading(sandbox: Sandbox, **variables: str) -> dict[str, str]:
    """The variables that make a server read `sandbox`."""
    return {
        "PC_MCP_PARTNER_CENTER__BASE_URL": sandbox.base_url,
        "PC_MCP_AUTH__MODE": "token",
        "PC_MCP_AUTH__ACCESS_TOKEN": sandbox.token,
        **variables,
    }


def run_to_end(
    command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | None = None, timeout: float = 30
) -> subprocess.CompletedProcess[str]:
    """A command with a closed standard input; `timeout` in seconds."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def run(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Our own command, run to its end."""
    return run_to_end([*COMMAND, *arguments], env=env)


class Process(subprocess.Popen[bytes]):
    """A command that runs until it is ended; what it writes to standard error is kept."""

    def __init__(self, *arguments: str, env: Mapping[str, str]) -> None:
        super().__init__(
            [*COMMAND, *arguments],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._is_silent = False
        self._reader = threading.Thread(target=self._read_errors)
        self._reader.start()

    def _read_errors(self) -> None:
        assert self.stderr
        for line in self.stderr:
            with self._said:
                self._lines.append(line.decode())
                self._said.notify_all()
        with self._said:
            self._is_silent = True
            self._said.notify_all()

    @property
    def first_line(self) -> str:
        """The first line of standard error, as soon as there is one."""
        return self.said("")

    def said(self, text: str) -> str:
        """The first line of standard error with `text`, as soon as there is one; empty when there will be none."""

        def lines() -> list[str]:
            return [line.rstrip() for line in self._lines if text in line]

        with self._said:
            assert self._said.wait_for(lambda: lines() or self._is_silent, SOON), self._lines
            return next(iter(lines()), "")

    def logged(self) -> str:
        """All that it has written to standard error; for when it has ended."""
        self._reader.join(SOON)
        return "".join(self._lines)

    def send(self, *messages: Mapping[str, Any]) -> None:
        """Sends protocol messages, one a line."""
        assert self.stdin
        self.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
        self.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next protocol message."""
        assert self.stdout
        message: dict[str, Any] = json.loads(self.stdout.readline())
        return message


@contextlib.contextmanager
def started(*arguments: str, env: Mapping[str, str]) -> Iterator[Process]:
    """A `Process`, which does not outlive the block."""
    with Process(*arguments, env=env) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.logged()


MODERN: Mapping[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE: Mapping[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


INITIALIZED: Mapping[str, Any] = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def greet(process: Process, mode: str) -> None:
    """Begins a session over standard input and output; the modern era needs no greeting."""
    if mode == "legacy":
        process.send({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": INITIALIZE})
        assert process.receive()["id"] == 0
        process.send(INITIALIZED)
    ask(process, mode, "ping" if mode == "legacy" else "server/discover")
    assert "result" in process.receive()


def ask(process: Process, mode: str, method: str, **parameters: Any) -> None:
    """Sends a request and does not wait for the answer."""
    meta = {} if mode == "legacy" else {"_meta": MODERN}
    request = {"jsonrpc": "2.0", "id": method, "method": method, "params": parameters | meta}
    process.send(request)


def url_of(process: Process) -> str:
    """Where it listens, as soon as it does."""
    line = process.said("listening on")
    found = re.search(r"listening on (http://\S+/mcp)$", line)
    assert found, line
    return found[1]
