"""A simulated Partner Center device deployment API: believable data, real HTTP, loopback only.

`running()` gives tests a sandbox, `serve_forever()` serves one from the command line; `World` is
the truth that both serve, `Switches` is what can go wrong.
"""

from pc_mcp.sandbox.app import RecordedRequest, build_app
from pc_mcp.sandbox.server import SANDBOX_TOKEN, Sandbox, running, serve_forever
from pc_mcp.sandbox.switches import Fault, ScriptedResponse, Switches
from pc_mcp.sandbox.world import World

__all__ = [
    "SANDBOX_TOKEN",
    "Fault",
    "RecordedRequest",
    "Sandbox",
    "ScriptedResponse",
    "Switches",
    "World",
    "build_app",
    "running",
    "serve_forever",
]
