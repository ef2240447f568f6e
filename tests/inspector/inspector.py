"""The official MCP Inspector's command line, installed once and run as a subprocess."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import node_tools
from tests.commands.http_server import SECRET

Target = Sequence[str]
"""A server's command line, or one URL."""


@dataclass(frozen=True)
class Inspected:
    """How a run ended: 0 is good, 1 wrong usage, a fault of the protocol or an output that does not fit
    its schema, 4 unreachable, 5 an error answer (or an unknown tool), 6 a schema that is not valid."""

    code: int
    json: Any
    stderr: str

    @property
    def error(self) -> dict[str, Any]:
        """What the Inspector itself says of the failure: the last JSON line of standard error."""
        lines = [line for line in self.stderr.splitlines() if line.startswith('{"error":')]
        assert lines, self.stderr
        error: dict[str, Any] = json.loads(lines[-1])["error"]
        return error


@dataclass(frozen=True)
class Inspector:
    """`home` is a folder of its own, because it keeps files in HOME."""

    home: Path

    def run(self, *arguments: str, era: str, target: Target, server_env: Mapping[str, str]) -> Inspected:
        """Runs one command. A server that it starts gets HOME, PATH and `server_env`, and little else."""
        options = ["--cli", "--format", "json", "--stored-auth-only", "--protocol-era", era, *arguments]
        if target[0].startswith("http"):
            options += ["--transport", "http", "--server-url", target[0], "--header", f"Authorization: Bearer {SECRET}"]
        else:
            for name, value in server_env.items():
                options += ["-e", f"{name}={value}"]
            options += ["--", *target]
        own = {"HOME": str(self.home), "USERPROFILE": str(self.home), "NO_COLOR": "1"}
        inherited = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        done = node_tools.run(node_tools.INSPECTOR, *options, timeout=60, cwd=self.home, env=inherited | own)
        return Inspected(done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr)

    def call(self, tool: str, arguments: Mapping[str, Any], **run: Any) -> Inspected:
        """Calls a tool with arguments of exactly these types."""
        given = json.dumps(arguments)
        return self.run("--method", "tools/call", "--tool-name", tool, "--tool-args-json", given, **run)
