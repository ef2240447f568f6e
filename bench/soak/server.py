"""The server as a process of its own, and what it holds, seen from outside, as Linux tells it."""

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

MEASURABLE = Path("/proc/self/status").exists()
SETTLING_SECONDS = 60
MEGABYTE = 2**20
ENDING_SECONDS = 30


class Process(subprocess.Popen[str]):
    """`pc-mcp serve` over HTTP, which listens at `url`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "pc_mcp", "serve", "--no-secret", "--http", "127.0.0.1:0"]
        super().__init__(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.stderr
        said = self.stderr.readline()
        self._logged: list[str] = []
        # What nobody reads would hold it up.
        self._reader = threading.Thread(target=self._logged.extend, args=(self.stderr,))
        self._reader.start()
        listening = re.search(r"listening on (http://\S+/mcp)$", said)
        self.url = listening[1] if listening else ""

    def ended(self) -> tuple[int, list[str]]:
        """Asks it to end: its exit code, and the lines that it has logged."""
        self.send_signal(signal.SIGTERM)
        code = self.wait(ENDING_SECONDS)
        self._reader.join()
        return code, self._logged


@contextmanager
def served(env: Mapping[str, str]) -> Iterator[Process]:
    """A `Process`, which does not outlive the block."""
    with Process(env) as process:
        try:
            if not process.url:
                raise RuntimeError("pc-mcp serve did not start")
            yield process
        finally:
            process.kill()


@dataclass(frozen=True)
class Held:
    """Memory in bytes (RSS); threads; open files, of which sockets."""

    memory: int
    threads: int
    files: int
    sockets: int

    def leaks(self, before: "Held") -> list[str]:
        """What it holds more of than before, memory apart."""
        pairs = [(name, getattr(before, name), getattr(self, name)) for name in ("threads", "files", "sockets")]
        return [f"{now} {name} where there were {then} before" for name, then, now in pairs if now > then]


def held(pid: int) -> Held:
    """What the process holds now."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    targets = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.append(os.readlink(entry))
        except FileNotFoundError:
            continue  # closed since it was listed
    sockets = sum(target.startswith("socket:") for target in targets)
    memory = int(status["VmRSS"].split()[0]) * 1024
    return Held(memory, int(status["Threads"]), len(targets), sockets)


async def settled(pid: int, ask: Callable[[], Awaitable[None]], before: Held | None = None) -> Held:
    """What it holds when nobody asks: watched until it holds no more than before, or no less than a second ago.

    Idle threads and idle connections are let go when the next question comes, so `ask` asks one.
    """
    end = time.monotonic() + SETTLING_SECONDS
    last: Held | None = None
    while True:
        await ask()
        await anyio.sleep(1)
        now = held(pid)
        calm = not now.leaks(before) if before else last is not None and not now.leaks(last) and not last.leaks(now)
        if calm or time.monotonic() > end:
            return now
        last = now


class Memory:
    """How much memory a process has, second by second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._started = time.monotonic()
        self.samples: list[tuple[float, int]] = []

    async def watch(self) -> None:
        """Takes a sample a second, until it is cancelled."""
        while True:
            self.samples.append((time.monotonic() - self._started, held(self._pid).memory))
            await anyio.sleep(1)

    def typical(self, first: float, last: float) -> float:
        """The median between two moments, in seconds from the start."""
        return statistics.median(memory for second, memory in self.samples if first <= second <= last)
