"""The server under test: `pc-mcp serve --http --sandbox`, as a process of its own.

It asks for no secret: the official suite can send no header.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 30
_STOP_SECONDS = 15
# A line of the log begins with time and level.
_UNEXPECTED = re.compile(r"^\S+ error |^Traceback ")


@dataclass(frozen=True)
class Served:
    """A server that listens on `url`; `log` is where its standard error goes."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def faults(self) -> list[str]:
        """What is wrong with the server itself: that it ended, or what it did not expect."""
        code = self.process.poll()
        ended = [] if code is None else [f"the server ended with {code}"]
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return ended + [f"the server logged: {line}" for line in lines if _UNEXPECTED.search(line)]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Runs the server on simulated data and with every tool, with `folder` as its home. Raises `TimeoutError`."""
    exports = folder / "exports"
    exports.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.upper().startswith("PC_MCP_")}
    log = folder / "server.log"
    command = [sys.executable, "-P", "-m", "pc_mcp", "serve", "--sandbox", "--no-secret", "--http", "127.0.0.1:0"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            env=env | {"HOME": str(folder), "USERPROFILE": str(folder), "PC_MCP_EXPORTS__FOLDER": str(exports)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield Served(_url(process, log), process, log)
    finally:
        # On Windows this ends it as well, without ceremony.
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"listening on (http://\S+/mcp)$", log.read_text(encoding="utf-8"), re.MULTILINE):
            return found[1]
        time.sleep(0.1)
    raise TimeoutError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")
