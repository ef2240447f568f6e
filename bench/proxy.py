"""A plain proxy tool, as a first attempt would have it: every page of a customer's devices, as it came.

`python -m bench.proxy BASE_URL CUSTOMER_ID` calls it as the SDK's server does, and prints the characters of both
halves of its answer as JSON. No client could take the largest.
"""

import json
import sys
from typing import Any
from urllib.parse import quote

import anyio
import httpx2
from mcp.server.mcpserver import MCPServer

from bench.lengths import lengths_of
from bench.service import TOKEN

server = MCPServer("proxy", log_level="WARNING")


@server.tool()
async def list_devices(customer: str) -> dict[str, Any]:
    """Lists a customer's devices."""
    root = f"/v1/customers/{customer}/deviceBatches"
    items: list[Any] = []
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=sys.argv[1], headers=headers) as client:
        for batch in (await client.get(root)).json()["items"]:
            token: dict[str, str] | None = {}
            while token is not None:
                page = (await client.get(f"{root}/{quote(batch['id'], safe='')}/devices", headers=token)).json()
                items += page["items"]
                following = page.get("continuationToken")
                token = {"MS-ContinuationToken": following} if following else None
    return {"items": items}


if __name__ == "__main__":
    print(json.dumps(lengths_of(anyio.run(server.call_tool, "list_devices", {"customer": sys.argv[2]}))))
