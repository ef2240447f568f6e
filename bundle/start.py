"""Starts pc-mcp from a desktop bundle. The first start installs what the server needs, later ones install nothing.

The application brings uv and Python. They fetch what `requirements.txt` names, of which each file must have one of the
hashes there, into a folder beside this file; it gets its name when it is whole, so a start that was broken off is
simply made again. Until then only the standard library is there.
"""

import contextlib
import hashlib
import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent.absolute()
LOCK = HERE / "requirements.txt"
UNFINISHED = ".unfinished-"
LONGEST_SECONDS = 900
"""How long the installation may take."""
GIVEN_UP_SECONDS = 3600
"""How old the rest of a broken start is before it is removed: another one may be at work."""


ONLINE = (
    "This computer must reach https://pypi.org and https://files.pythonhosted.org once, or the index that uv is "
    "configured for; behind a proxy HTTPS_PROXY must be set for Claude Desktop. What was fetched is not fetched twice."
)


class NotInstalled(Exception):
    """Why what the server needs is not there, and what to do."""


def installed() -> Path:
    """The folder with what the server needs, for this Python. Raises `NotInstalled`."""
    made_for = f"{sys.implementation.cache_tag} {sysconfig.get_platform()}".encode()
    # A short name: on Windows a path may have 260 characters, and what is installed has long ones.
    folder = HERE / f"lib-{hashlib.sha256(LOCK.read_bytes() + made_for).hexdigest()[:8]}"
    if not folder.is_dir():
        _tell("first start: installing what the server needs, each file held against its hash")
        started = time.monotonic()
        try:
            _remove_broken()
            fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=HERE))
            _install_into(fresh)
            _rename(fresh, folder)
        except OSError as error:
            raise NotInstalled(f"It cannot write into its own folder, {HERE}: {error.strerror or error}.") from None
        _tell(f"installed in {time.monotonic() - started:.0f} seconds")
    return folder


def _install_into(folder: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")  # `uv run` says which uv it is
    if not uv:
        raise NotInstalled("There is no uv, which Claude Desktop brings: update Claude Desktop.")
    options = ["--no-deps", "--require-hashes", "--no-build", "--target", str(folder), "--requirements", str(LOCK)]
    command = [uv, "pip", "install", "--python", sys.executable, *options]
    try:
        # Standard input and output belong to the protocol.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"Installing took more than {LONGEST_SECONDS // 60} minutes. {ONLINE}") from None
    except OSError as error:
        raise NotInstalled(f"{uv} cannot be started: {error.strerror}.") from None
    if done.returncode:
        raise NotInstalled(
            f"What it needs could not be installed: uv ended with {done.returncode}, the log has its words. {ONLINE}"
        )


def _rename(fresh: Path, folder: Path) -> None:
    try:
        fresh.rename(folder)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not folder.is_dir():  # or another start was faster
            raise


def _remove_broken() -> None:
    for rest in HERE.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):  # another start has just removed or renamed it
            if time.time() - rest.stat().st_mtime > GIVEN_UP_SECONDS:
                shutil.rmtree(rest, ignore_errors=True)


def refuse(reason: str) -> int:
    """Answers the application's first question with why there is no server; gives the exit status."""
    words = f"pc-mcp cannot start. {reason} Then switch the extension off and on again."
    _tell(words)
    for line in sys.stdin.buffer:
        try:
            asked = json.loads(line).get("id")
        except (ValueError, AttributeError, RecursionError):
            continue
        if asked is not None:
            error = {"code": -32603, "message": words}
            print(json.dumps({"jsonrpc": "2.0", "id": asked, "error": error}), flush=True)
            break
    return 1


def _tell(words: str) -> None:
    print(f"pc-mcp: {words}", file=sys.stderr, flush=True)


def main() -> int:
    """Serves; gives the exit status."""
    try:
        found = installed()
    except NotInstalled as error:
        return refuse(str(error))
    site.addsitedir(str(found))
    if str(HERE) not in sys.path:
        sys.path.append(str(HERE))  # in isolated mode it is not there by itself
    try:
        from bundle.serve import serve  # noqa: PLC0415 - it needs what has just been installed
    except Exception as error:
        # A virus scanner took a file of it, say; what that does to those that import it may be anything.
        shutil.rmtree(found, ignore_errors=True)
        kind = type(error).__name__
        return refuse(f"What was installed is not whole any more, and will be installed again ({kind}: {error}).")
    return serve([found, HERE])


if __name__ == "__main__":
    sys.exit(main())
