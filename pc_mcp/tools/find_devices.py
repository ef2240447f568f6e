"""The tool `find_devices`."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from pc_mcp.answers import Field as DeviceField
from pc_mcp.answers import FindAnswer, find_answer
from pc_mcp.inventory import QuestionError
from pc_mcp.inventory import find_devices as ask
from pc_mcp.tools.support.arguments import Cursor, Customer, Identifier, Refresh
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool

_ROWS = 200


@tool("Find devices", {"customer": "Documentation Sample", "identifiers": ["2R9-ZNP67"]})
async def find_devices(
    call: ToolCall,
    identifiers: Annotated[
        list[Identifier],
        Field(
            min_length=1,
            max_length=200,
            description="Whole serial numbers, product keys or device ids, as pasted: a text may hold several.",
        ),
    ],
    customer: Annotated[Customer | None, Field(description="Required. Tenant id, domain, or name.")] = None,
    fields: Annotated[list[DeviceField] | None, Field(min_length=1, max_length=8, description="Columns.")] = None,
    cursor: Cursor | None = None,
    refresh: Refresh = False,
) -> Annotated[CallToolResult, FindAnswer]:
    """Look up devices of a customer by serial number, product key or device id: batch, policy and
    upload of each, or the fields you name. Give up to 200 at once. Near ones are in possible, not
    found. For a part of a serial number, or to count, use list_devices."""
    if customer is None:
        raise QuestionError(
            "Whose devices? Give customer, a tenant id, domain or name: looking through all customers "
            "is not offered. find_customers lists them."
        )
    named = await call.customer(customer)
    result = await ask(call, named, identifiers, limit=_ROWS, cursor=cursor, refresh=refresh)
    return call.result(find_answer(result, fields, call.max_chars))
