"""Ends with 0 when the server at HOST:PORT answers an MCP request, else with 1 and the reason."""

import http.client
import json
import os
import sys

REVISION = "2026-07-28"
METHOD = "server/discover"
META = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": {"name": "healthcheck", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
SECRET = os.environ.get("PC_MCP_HTTP__SECRET")
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": REVISION,
    "Mcp-Method": METHOD,
} | ({"Authorization": f"Bearer {SECRET}"} if SECRET else {})


def healthy(address: str) -> bool:
    """Whether the answer of the server at `address` is a result, or that it asks for a secret which is not known here.

    Raises `OSError` and `http.client.HTTPException`.
    """
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        request = {"jsonrpc": "2.0", "id": 1, "method": METHOD, "params": {"_meta": META}}
        connection.request("POST", "/mcp", json.dumps(request), HEADERS)
        answer = connection.getresponse()
        if answer.status == http.client.UNAUTHORIZED and SECRET is None:
            return answer.getheader("WWW-Authenticate") == "Bearer"
        return answer.status == http.client.OK and b'"result"' in answer.read(65536)
    finally:
        connection.close()


if __name__ == "__main__":
    try:
        sys.exit(0 if healthy(sys.argv[1]) else "the server answers with an error")
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"the server does not answer: {error}")
