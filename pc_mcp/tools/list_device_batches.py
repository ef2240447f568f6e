"""The tool `list_device_batches`."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from pc_mcp.answers import BatchListAnswer, batch_list_answer
from pc_mcp.inventory import BatchFilter, BatchOrder, list_batches
from pc_mcp.tools.support.arguments import Cursor, Customer, Limit, Moment, Refresh, Text, check_period
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool


@tool("List device batches", {"customer": "Contoso Ltd"})
async def list_device_batches(
    call: ToolCall,
    customer: Customer,
    name_contains: Annotated[Text | None, Field(description="Part of the batch id.")] = None,
    created_after: Annotated[Moment | None, Field(description="Created at or after this date or time, UTC.")] = None,
    created_before: Annotated[
        Moment | None, Field(description="Created before it; the moment itself excluded.")
    ] = None,
    status: Annotated[Text | None, Field(description="Whole status as shown; none: without one.")] = None,
    order_by: Annotated[BatchOrder, Field(description="- before it: descending. Without a date: last.")] = "-created",
    limit: Limit = 25,
    cursor: Cursor | None = None,
    refresh: Refresh = False,
) -> Annotated[CallToolResult, BatchListAnswer]:
    """List a customer's batches of uploaded zero-touch (Autopilot) devices: id, size, creation date,
    status. One quick request. Sizes are what the service says: list_devices counts what each batch holds,
    names those that differ, and counts by model, policy or upload date."""
    check_period(created_after, created_before, ("created_after", "created_before"))
    where = BatchFilter(name_contains, created_after, created_before, status)
    named = await call.customer(customer)
    result = await list_batches(call, named, where, order_by=order_by, limit=limit, cursor=cursor, refresh=refresh)
    return call.result(batch_list_answer(result, result.where, call.max_chars))
