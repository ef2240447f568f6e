"""Writes the bundle: lays its files out in a folder, and has the official packer check and pack them."""

import argparse
import json
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import anyio

import node_tools
from bundle.manifest import ENTRY_POINT, ICON, manifest
from pc_mcp import __version__

ROOT = Path(__file__).parent.parent
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*==[^\\\n]+?) *\\?$", re.MULTILINE)


def main() -> None:
    """Packs the bundle into the file that the command line names. Raises `SystemExit` with what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bundle", description="Pack the desktop bundle.")
    parser.add_argument("file", type=Path, help="the bundle to write, such as dist/pc-mcp.mcpb")
    bundle: Path = parser.parse_args().file.resolve()
    bundle.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        _mcpb("validate", f"{folder}/manifest.json")
        _mcpb("pack", folder, str(bundle))
    print(f"{bundle.name}: version {__version__}, {bundle.stat().st_size:,} bytes")


def lay_out(folder: Path) -> None:
    """Writes everything that belongs into the bundle to `folder`."""
    shutil.copytree(ROOT / "pc_mcp", folder / "pc_mcp", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copytree(ROOT / "prompts", folder / "prompts")
    for name in (ENTRY_POINT, ICON):
        shutil.copyfile(ROOT / "bundle" / name, folder / name)
    for name in ("README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(_project(), encoding="utf-8")
    text = json.dumps(anyio.run(manifest), ensure_ascii=False, indent=2)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _project() -> str:
    """What uv installs for the bundle: the server's dependencies, held to the versions of the lock file.

    The bundle's own code is not installed but run where it lies.
    """
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = [pin.strip() for pin in _PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8"))]
    return "\n".join(
        [
            "[project]",
            'name = "pc-mcp-bundle"',
            f'version = "{__version__}"',
            f"requires-python = {json.dumps(project['requires-python'])}",
            f"dependencies = {json.dumps(project['dependencies'], indent=4)}",
            "",
            "[tool.uv]",
            "package = false",
            f"constraint-dependencies = {json.dumps(pins, indent=4)}",
            "",
        ]
    )


def _mcpb(*arguments: str) -> None:
    done = node_tools.run(node_tools.MCPB, *arguments, timeout=60)
    if done.returncode:
        raise SystemExit(f"mcpb {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
