"""The tool `get_batch_upload_status`."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from pc_mcp.answers import UploadAnswer, upload_answer
from pc_mcp.inventory import upload_status
from pc_mcp.tools.support.arguments import Customer, Text
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.tool import tool


@tool(
    "Get batch upload status",
    {"customer": "Documentation Sample", "batch_tracking_id": "0127ed8e-ff72-4983-a3d8-e8d8bd378932"},
)
async def get_batch_upload_status(
    call: ToolCall,
    customer: Customer,
    batch_tracking_id: Annotated[Text, Field(description="GUID that Partner Center gave for the upload.")],
) -> Annotated[CallToolResult, UploadAnswer]:
    """Say what became of one upload of devices: how many finished, which failed and why. Needs the
    tracking id that the upload returned, not a batch's name; for batches use list_device_batches."""
    named = await call.customer(customer)
    result = await upload_status(call, named, batch_tracking_id)
    return call.result(await call.off_the_loop(lambda: upload_answer(result, call.max_chars)))
