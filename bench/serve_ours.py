"""`pc-mcp serve --http --no-secret` on a free port, which says where it listens as other processes here do."""

from bench.processes import announce
from pc_mcp.protocol.http import serve_http
from pc_mcp.protocol.server import build_server
from pc_mcp.runtime.logs import configure_logging
from pc_mcp.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings.logging.level, settings.logging.format)
    serve_http(build_server(settings), "127.0.0.1", 0, announce, secret=None)
