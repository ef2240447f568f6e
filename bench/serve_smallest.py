"""Serves a server over Streamable HTTP as `pc-mcp serve --http` does, and says where."""

import socket

import uvicorn
from mcp.server.mcpserver import MCPServer

from bench.processes import announce


def serve(server: MCPServer) -> None:
    """Until the process is killed."""
    # Only where the protocol is named does asyncio send small answers without delay.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        app = server.streamable_http_app(host="127.0.0.1", streamable_http_path="/mcp")
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", server_header=False)
        announce(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
        uvicorn.Server(config).run([listener])
