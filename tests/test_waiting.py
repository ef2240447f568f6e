"""What never answers keeps no process alive."""

import subprocess
import sys

import pytest

from pc_mcp.runtime.waiting import Ended, in_daemon_thread
from tests.commands.processes import SOON

WAYS = {
    "a daemon thread": "await in_daemon_thread(forever)",
    "the event loop's own threads, as a name server is asked": (
        "await asyncio.get_running_loop().run_in_executor(None, forever)"
    ),
}
PROGRAM = """
import asyncio, threading, anyio
from pc_mcp.runtime.waiting import in_daemon_thread, run

def forever():
    threading.Event().wait()

async def main():
    with anyio.move_on_after(0.1):
        {}

run(main)
print("ended")
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_process_ends_whatever_thread_still_waits(way):
    command = [sys.executable, "-c", PROGRAM.format(WAYS[way])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SOON)
    assert (done.stdout, done.stderr) == ("ended\n", "")


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration(), BaseException()]
)
async def test_what_ends_a_thread_ends_nothing_else(error):
    def work() -> None:
        raise error

    with pytest.raises(Ended, match=type(error).__name__):
        await in_daemon_thread(work)
