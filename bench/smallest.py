"""The smallest server that the SDK makes: one tool that answers with a text.

`python -m bench.smallest` serves it over stdio, `python -m bench.smallest http` over Streamable
HTTP with the options of `pc-mcp serve --http`.
"""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("smallest", log_level="WARNING")


@server.tool()
def hello() -> str:
    """Says hello."""
    return "hello"


def _serve_http() -> None:
    # Not for stdio: what it loads would make the smallest server larger.
    from bench.serve_smallest import serve  # noqa: PLC0415

    serve(server)


if __name__ == "__main__":
    if sys.argv[1:] == ["http"]:
        _serve_http()
    else:
        server.run("stdio")
