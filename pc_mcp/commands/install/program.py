"""How a client starts this program: by an absolute path, since desktop applications know no shell's PATH."""

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pc_mcp.runtime.failures import Failure

# Environments that uvx and `pipx run` make for one run, and remove when they like.
_PASSING = re.compile(
    r"[\\/](archive-v\d+|environments-v\d+|builds-v\d+|pipx[\\/]\.?cache|(\.cache|caches)[\\/]pipx)[\\/]", re.IGNORECASE
)

_LOOK_SECONDS = 30
# Nothing of the folder that a client works in is imported (-P), nor of what its environment names (-E).
_MODULE = ("-P", "-E", "-m", "pc_mcp")


class PassingProgram(Failure):
    """This program will not be where it is for long, so that no client may be told to start it there."""


@dataclass(frozen=True, slots=True)
class Running:
    """How this process was started. script: `sys.argv[0]`; python: `sys.executable`; folders: where
    console scripts are installed."""

    script: str
    python: str
    folders: Sequence[Path]


def script_folders() -> list[Path]:
    """Where this interpreter's console scripts are, the user's own last."""
    user = sysconfig.get_preferred_scheme("user")
    return [Path(sysconfig.get_path("scripts")), Path(sysconfig.get_path("scripts", user))]


def program(running: Running, platform: str, environment: Mapping[str, str]) -> list[str]:
    """The command that starts this program from anywhere: its console script, else the interpreter.

    Raises `PassingProgram` where it lies in a cache.
    """
    name = "pc-mcp.exe" if platform == "win32" else "pc-mcp"
    started = Path(running.script)
    candidates = [started.with_name(name)] if started.name in {"pc-mcp", name} else []
    # Links stay as they are: they are what installers keep in place when they upgrade.
    places = [Path(os.path.abspath(candidate)) for candidate in (*candidates, *(f / name for f in running.folders))]
    script = next((place for place in places if place.is_file()), None)
    command = [str(script)] if script else [os.path.abspath(running.python), *_MODULE]
    for place in (command[0], os.path.realpath(command[0]), os.path.abspath(running.python)):
        if _is_passing(place, environment):
            raise PassingProgram(
                f"This pc-mcp lies in a cache ({place}) and may be gone tomorrow. Install it to stay, in the folder of "
                "your copy of its repository, with: uv tool install . (or: pipx install .); then run this command "
                "again with that one."
            )
    return command


def check_found_alone(python: str, environment: Mapping[str, str]) -> None:
    """Raises `PassingProgram` where nothing but a variable of this shell leads to this program."""
    if not environment.get("PYTHONPATH"):
        return
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pc_mcp') is None)"
    try:
        looked = subprocess.run(  # noqa: S603
            [python, "-P", "-E", "-c", look],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LOOK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return  # nothing is known, and a client will tell
    if looked.returncode:
        raise PassingProgram(
            "This pc-mcp is found by PYTHONPATH alone, which clients do not hand on. Install it, in the folder of your "
            "copy of its repository, with: uv tool install . (or: pipx install .); then run this command again with "
            "that one."
        )


def typed(command: Sequence[str]) -> str:
    """A command as a person would type it."""
    return shlex.join(command) if os.name == "posix" else " ".join(f'"{c}"' if " " in c else c for c in command)


def name_in_a_shell(command: Sequence[str]) -> str:
    """How a person calls the program that `command` starts: by its name, where the shell finds that."""
    found = shutil.which("pc-mcp")
    return "pc-mcp" if found and os.path.realpath(found) == os.path.realpath(command[0]) else typed(command)


def _is_passing(place: str, environment: Mapping[str, str]) -> bool:
    of_uv, of_all = environment.get("UV_CACHE_DIR"), environment.get("XDG_CACHE_HOME")
    caches = [os.path.abspath(of_uv)] if of_uv else []
    caches += [os.path.abspath(os.path.join(of_all, "pipx"))] if of_all else []
    return any(Path(place).is_relative_to(cache) for cache in caches) or bool(_PASSING.search(place))
