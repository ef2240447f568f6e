"""Opening a browser in front of the person who signs in, where that can be done."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from pc_mcp.runtime.variables import DISPLAYS, ENV_PREFIX, REMOTE_SHELL
from pc_mcp.runtime.waiting import in_daemon_thread

logger = logging.getLogger(__name__)

LAUNCH_SECONDS = 5.0
LOOK_SECONDS = 0.1

# Processes that may still run: Python wants to know what became of each.
_launched: list["subprocess.Popen[Any]"] = []


def can_open_browser(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser that this program opens would be in front of the person who asks."""
    if environment.get("BROWSER"):
        return True
    if any(environment.get(name) for name in REMOTE_SHELL):
        return False
    if platform in {"win32", "darwin"}:
        return True
    return any(environment.get(name) for name in DISPLAYS)


async def open_browser(url: str, patience: float = LAUNCH_SECONDS) -> bool:
    """Opens `url` in the person's browser; False where that is known to have failed.

    Python's `webbrowser` runs in a process of its own, with its output discarded: a browser may
    print, and standard output belongs to the protocol. Some browsers keep that process in the
    foreground, so it is waited for only `patience` seconds, and never ended.
    """
    program = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
    launch = partial(
        subprocess.Popen,
        [sys.executable, "-I", "-c", program, url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A browser and what it starts have no use for our settings, some of which are secret.
        env={name: value for name, value in os.environ.items() if not name.upper().startswith(ENV_PREFIX)},
        start_new_session=True,
    )
    try:
        with anyio.fail_after(patience):
            launcher = await in_daemon_thread(launch)
    except OSError as error:  # TimeoutError too
        logger.info("no browser could be opened: %s", error.strerror or "it took too long")
        return False
    _launched[:] = [*(process for process in _launched if process.poll() is None), launcher]
    for _ in range(int(patience / LOOK_SECONDS)):
        if launcher.poll() is not None:
            return launcher.returncode == 0
        await anyio.sleep(LOOK_SECONDS)
    return True
