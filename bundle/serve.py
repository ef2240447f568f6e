"""Serves from the bundle, whatever is in its fields: what is wrong there answers every call, in the fields' words."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from bundle.fields import CLIENT_ID, FIELDS, SANDBOX, WHERE, filled
from pc_mcp.auth import Unconfigured
from pc_mcp.commands.configured import configured
from pc_mcp.commands.simulated import sandbox_settings
from pc_mcp.protocol.server import Server, build_server
from pc_mcp.protocol.stdio import serve_stdio
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.guides import SIGN_IN_GUIDE
from pc_mcp.runtime.logs import configure_logging
from pc_mcp.runtime.places import Places, forget_what_is_no_folder
from pc_mcp.settings import Settings

NOT_YET = "pc-mcp cannot ask Partner Center yet."
AGAIN = "Where nothing changes then, switch the extension off and on again."
NO_CLIENT_ID = (
    f"{CLIENT_ID.title} is empty. Your administrator registers an application once, and has its id; the guide "
    f"for that is {SIGN_IN_GUIDE}."
)


def serve(folders: Sequence[Path]) -> int:
    """Serves one client over stdio; gives the exit status. folders: where processes that it starts find its modules."""
    forget_what_is_no_folder(os.environ)
    Places().bring_home()
    fields = filled(os.environ)
    for field in FIELDS:
        os.environ.pop(field.variable, None)
    os.environ.update(fields.values)
    with contextlib.ExitStack() as stack:
        try:
            server = (
                _refusing(_in_fields(fields.faults))
                if fields.faults
                else _server(stack, folders, sandbox=fields.sandbox)
            )
        except Failure as error:  # of the configuration file, or of the environment
            server = _refusing(f"{NOT_YET} {error}\n{AGAIN}")
        serve_stdio(server)
    return 0


def _server(stack: contextlib.ExitStack, folders: Sequence[Path], *, sandbox: bool) -> Server:
    """Raises `Failure`."""
    overrides = {}
    if sandbox:
        # Who signs in to the simulated service is a process of its own.
        os.environ["PYTHONPATH"] = os.pathsep.join(map(str, folders))
        overrides = stack.enter_context(sandbox_settings())
    settings = configured(None, overrides)
    if settings.auth.mode != "token" and settings.auth.client_id is None:
        return build_server(settings, Unconfigured(_in_fields([NO_CLIENT_ID])))
    return build_server(settings, simulated=sandbox)


def _refusing(words: str) -> Server:
    configure_logging("info", "human")
    return build_server(Settings.model_construct(), Unconfigured(words))


def _in_fields(faults: Sequence[str]) -> str:
    """What to correct in which fields."""
    items = "\n".join(f"- {fault}" for fault in faults)
    return (
        f"{NOT_YET} Tell the user what to correct in Claude Desktop, under {WHERE}, and to save it:\n{items}\n"
        f'To try pc-mcp without an account, switch on "{SANDBOX.title}" there. {AGAIN}'
    )
