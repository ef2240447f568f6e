"""The tool `find_customers`."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from pc_mcp.answers import CustomerListAnswer, customer_list_answer
from pc_mcp.inventory import list_customers
from pc_mcp.tools.support.arguments import Cursor, NotBoolean, Refresh, Text
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool


@tool("Find customers", {"query": "contoso"})
async def find_customers(
    call: ToolCall,
    query: Annotated[Text | None, Field(description="Part of name or domain, or start of the id.")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Most rows."), NotBoolean] = 20,
    cursor: Cursor | None = None,
    refresh: Refresh = False,
) -> Annotated[CallToolResult, CustomerListAnswer]:
    """Find the partner's customers by name or domain, to learn a tenant id or to choose between
    similar names. The other tools take a customer's name, so call those directly when the
    customer is clear."""
    result = await list_customers(call, query, limit=limit, cursor=cursor, refresh=refresh)
    return call.result(customer_list_answer(result, query, call.max_chars, simulated=call.simulated))
