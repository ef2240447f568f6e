"""The tool `list_devices`."""

from functools import partial
from typing import Annotated, get_args

import anyio.to_thread
from mcp_types import CallToolResult
from pydantic import Field

from pc_mcp.answers import DeviceListAnswer, device_list_answer
from pc_mcp.answers import Field as DeviceField
from pc_mcp.inventory import DeviceFilter, DeviceOrder, Finding
from pc_mcp.inventory import list_devices as ask
from pc_mcp.tools.support.addresses import whole_list_address
from pc_mcp.tools.support.arguments import (
    BatchId,
    Cursor,
    Customer,
    GroupedBy,
    Limit,
    Moment,
    Refresh,
    Text,
    check_period,
    grouping_of,
)
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool

_GROUPS = (
    "Count by manufacturer, model, policy, batch, uploaded_year, uploaded_month, uploaded_day, or by two at once: "
    "batch+model. Omitted: on the first page batch, model and policy, unless order_by is given. []: none."
)


@tool("List devices", {"customer": "Contoso Ltd"})
async def list_devices(
    call: ToolCall,
    customer: Customer,
    batch: Annotated[BatchId | None, Field(description="Batch id or a part of it; omitted: every batch.")] = None,
    serial_number: Annotated[Text | None, Field(description="Contained in the serial number.")] = None,
    manufacturer: Annotated[Text | None, Field(description="Contained in the maker's name.")] = None,
    model: Annotated[Text | None, Field(description="Contained in the model.")] = None,
    policy: Annotated[
        Text | None,
        Field(description="Part of the name of the policy (Autopilot profile); none: without one; in quotes: a name."),
    ] = None,
    uploaded_after: Annotated[Moment | None, Field(description="Uploaded at or after this date or time, UTC.")] = None,
    uploaded_before: Annotated[
        Moment | None, Field(description="Uploaded before it; the moment itself excluded.")
    ] = None,
    only: Annotated[list[Finding] | None, Field(max_length=6, description="Only devices with any of these.")] = None,
    group_by: Annotated[list[GroupedBy] | None, Field(max_length=4, description=_GROUPS)] = None,
    fields: Annotated[list[DeviceField] | None, Field(min_length=1, max_length=8, description="Columns.")] = None,
    order_by: Annotated[
        DeviceOrder | None, Field(description="-uploaded: newest first. Twins of serial numbers: serial_number.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
    refresh: Refresh = False,
) -> Annotated[CallToolResult, DeviceListAnswer]:
    """Count, group and list a customer's uploaded zero-touch (Autopilot) devices, of one batch or of
    all. Counts are exact over the whole list, whatever limit says: for numbers only, use limit 0, for one
    number group_by [] too. To look up known serial numbers, product keys or ids, use find_devices."""
    check_period(uploaded_after, uploaded_before, ("uploaded_after", "uploaded_before"))
    findings = tuple(finding for finding in get_args(Finding) if finding in (only or ()))
    where = DeviceFilter(serial_number, manufacturer, model, policy, uploaded_after, uploaded_before, findings)
    named = await call.customer(customer)
    result = await ask(
        call,
        named,
        batch,
        where,
        group_by=None if group_by is None else [grouping_of(text) for text in dict.fromkeys(group_by)],
        order=order_by,
        limit=limit,
        cursor=cursor,
        refresh=refresh,
    )
    call.took_batch(batch, result.batch)
    # A count wants no rows, and whoever pages has been told of the whole list before.
    whole_list = whole_list_address(result) if limit and not cursor else None
    exports = call.exports_folder is not None
    write = partial(
        device_list_answer, result, result.where, fields, call.max_chars, whole_list=whole_list, exports=exports
    )
    # There may be very many models and policies, each of which is looked at.
    return call.result(await anyio.to_thread.run_sync(write))
