"""From the start of the process to the answer of `tools/list` over stdio."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from bench.processes import environment, reading
from bench.results import Row, Section, Sizes
from bench.service import TOKEN
from bench.statistics import alternately, median

_INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
_MESSAGES = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _INITIALIZE},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)
SMALLEST = (sys.executable, "-m", "bench.smallest")
OURS = (sys.executable, "-P", "-m", "pc_mcp", "serve")


def measure(sizes: Sizes) -> Section:
    """The messages are sent by hand: a client's own work would be part of both times."""
    ours_environment = reading("http://127.0.0.1:9", TOKEN)
    _, *pairs = alternately(
        sizes.starts + 1, lambda: _started(SMALLEST, environment()), lambda: _started(OURS, ours_environment)
    )
    rows = []
    for name, side, most in (("start to tools/list", 0, 1.15), ("processor time", 1, None)):
        ratio = median([ours[side] / theirs[side] for theirs, ours in pairs])
        theirs, ours = (median([start[side] for start in starts]) for starts in zip(*pairs, strict=True))
        target = (f"{most} or less", ratio <= most) if most else ("", None)
        rows.append(Row(name, f"{ours:.3f} s", f"{theirs:.3f} s", f"{ratio:.2f}", *target))
    return Section(
        "Start",
        f"From spawning `pc-mcp serve` to its answer to `tools/list` over stdio, against the SDK's smallest server "
        f"(one tool that returns a text); {sizes.starts} starts each, after one of each that is not counted.",
        rows,
    )


def _started(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds until the tools are listed, and of processor time until then."""
    before = os.times()
    seconds = _seconds(command, env)
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, busy


def _seconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    said = "".join(json.dumps(message) + "\n" for message in _MESSAGES).encode()
    started = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(said)
            process.stdin.flush()
            for line in process.stdout:
                answer = json.loads(line)
                if answer.get("id") == 2 and answer["result"]["tools"]:
                    return time.perf_counter() - started
        finally:
            process.kill()
    raise RuntimeError(f"{' '.join(command)} did not list its tools")
