"""Client libraries start the server over stdio, convert its tools and call some: nothing fails, nothing is lost.

They convert what a server lists for the models of others, and end with an exception on what their converter
does not know, for all tools at once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LIBRARIES = ("google-genai", "langchain", "openai-agents")
_SECONDS = 180


def run(python: Path, library: str, folder: Path) -> list[str]:
    """What goes wrong with a library that is installed for `python`; `folder` is its home."""
    folder.mkdir()
    configuration = folder / "pc-mcp.toml"
    configuration.write_text(f"[exports]\nfolder = {json.dumps(str(folder))}\n", encoding="utf-8")
    server = [sys.executable, "-P", "-m", "pc_mcp", "serve", "--sandbox", "--config", str(configuration)]
    # Nothing of whoever runs this: the libraries would send traces to where an environment tells them.
    inherited = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [python, HERE / "client_side.py", library, *server],
        cwd=folder,
        env=inherited | {"HOME": str(folder), "USERPROFILE": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        return [f"{library} ended with {done.returncode}:\n{done.stderr[-4000:]}"]
    found: list[str] = json.loads(done.stdout)
    return found
