"""Writes the bundle: lays its files out in a folder, and has the official packer check and pack them."""

import argparse
import json
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
    for name in (ENTRY_POINT, ICON, "README.md"):
        shutil.copyfile(ROOT / "bundle" / name, folder / name)
    (folder / "bundle").mkdir()
    for name in ("__init__.py", "fields.py", "serve.py"):
        shutil.copyfile(ROOT / "bundle" / name, folder / "bundle" / name)
    for name in ("LICENSE", "requirements.txt"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(_project(), encoding="utf-8")
    text = json.dumps(anyio.run(manifest), ensure_ascii=False, indent=2)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _project() -> str:
    """A project without dependencies, for uv to find a Python for: what the server needs, `start.py` installs."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return "\n".join(
        [
            "[project]",
            'name = "pc-mcp-bundle"',
            f'version = "{__version__}"',
            f"requires-python = {json.dumps(project['requires-python'])}",
            "dependencies = []",
            "",
            "[tool.uv]",
            "package = false",
            "",
        ]
    )


def _mcpb(*arguments: str) -> None:
    done = node_tools.run(node_tools.MCPB, *arguments, timeout=60)
    if done.returncode:
        raise SystemExit(f"mcpb {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
