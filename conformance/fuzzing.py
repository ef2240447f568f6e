"""The MCP fuzzer calls every tool, prompt and method with what nobody meant: nothing crashes, nothing hangs.

What it says of nonsense that was answered without an error is not counted: it calls `sign_in` without
arguments, which is right, nonsense too.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

_SECONDS = 240
_ONE_CALL_SECONDS = 30
_SEED = 1
_RUNS = 15
_FATAL = {"crash", "hang"}


def run(fuzzer: Path, url: str, folder: Path) -> list[str]:
    """The crashes and hangs that `fuzzer`, a program, finds at `url`; `folder` is its home."""
    reports = folder / "fuzzed"
    target = ["--protocol", "streamablehttp", "--endpoint", url, "--no-network"]
    amount = ["--mode", "all", "--phase", "both", "--runs", str(_RUNS), "--runs-per-type", "5", "--seed", str(_SEED)]
    quiet = ["--no-corpus", "--timeout", str(_ONE_CALL_SECONDS), "--log-level", "WARNING"]
    places = ["--fs-root", str(folder / "files"), "--output-dir", str(reports)]
    done = subprocess.run(
        [fuzzer, *target, *amount, *quiet, *places],
        cwd=folder,
        env=os.environ | {"HOME": str(folder), "USERPROFILE": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    summary = _read(reports / "run_summary.json")
    if done.returncode or summary.get("status") != "completed" or not summary["tools"]["by_name"]:
        return [f"the fuzzer ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"]
    findings = _read(reports / "findings.json").get("findings", [])
    return [f"{found['category']} of {found['target']}: {found}" for found in findings if found["category"] in _FATAL]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content
