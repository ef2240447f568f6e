"""The MCP Inspector lists the tools in strict mode: names, schemas and annotations are as they should be."""

import json
import os
from pathlib import Path

import node_tools

_ERAS = ("legacy", "modern")
_SECONDS = 60


def run(url: str, folder: Path) -> list[str]:
    """What the Inspector finds wrong with the tools of the server at `url`; `folder` is its home."""
    return [fault for era in _ERAS for fault in _listed(url, era, folder)]


def _listed(url: str, era: str, folder: Path) -> list[str]:
    options = ["--cli", "--format", "json", "--stored-auth-only", "--protocol-era", era]
    listing = ["--method", "tools/list", "--strict", "--transport", "http", "--server-url", url]
    own = {"HOME": str(folder), "USERPROFILE": str(folder), "NO_COLOR": "1"}
    # Without the second one Node.js does not start on Windows.
    inherited = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = node_tools.run(node_tools.INSPECTOR, *options, *listing, timeout=_SECONDS, cwd=folder, env=inherited | own)
    if done.returncode:
        return [f"{era} era: the Inspector ended with {done.returncode}:\n{done.stdout}{done.stderr}"]
    listed = json.loads(done.stdout)
    return [] if listed["result"]["tools"] else [f"{era} era: the Inspector found no tool"]
