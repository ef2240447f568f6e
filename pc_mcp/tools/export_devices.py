"""The tool `export_devices`, the only one that writes a file."""

from pathlib import Path
from typing import Annotated

import anyio.to_thread
from mcp_types import CallToolResult
from pydantic import Field

from pc_mcp.answers import ExportAnswer, export_answer
from pc_mcp.answers.files import Format, file_text
from pc_mcp.inventory import QuestionError, WholeList, whole_list
from pc_mcp.runtime.threads import entered_in_thread
from pc_mcp.tools.support.arguments import BatchId, Customer
from pc_mcp.tools.support.call import ToolCall
from pc_mcp.tools.support.files import NewFile, check_answers, file_stem, name_part, new_file
from pc_mcp.tools.support.tool import tool


# "Export … file" in one line is a leak to scanners of tools.
@tool("Write devices to a file", {"customer": "Contoso Ltd"}, read_only=False, idempotent=False)
async def export_devices(
    call: ToolCall,
    customer: Customer,
    batch: Annotated[BatchId | None, Field(description="Batch id; omitted: every batch.")] = None,
    format: Annotated[Format, Field(description="csv for Excel, json for programs.")] = "csv",  # noqa: A002
) -> Annotated[CallToolResult, ExportAnswer]:
    """Write the whole list of a customer's uploaded devices, or of one batch, to a new file in the
    folder for exports, and say where. Use it only when the user asks for a file; for answers use
    list_devices. A list that is not complete is not written."""
    if call.exports_folder is None:
        raise QuestionError("There is no folder for exports: the setting exports.folder names it.")
    named = await call.customer(customer)
    async with whole_list(call, named, batch) as whole:
        call.took_batch(batch, whole.batch)
        if not whole.coverage.complete:
            return call.result(export_answer(whole, None, None, call.max_chars))
        await check_answers(call.exports_folder)
        file = await _written(call, whole, call.exports_folder, format)
        return call.result(export_answer(whole, file.path, file.size, call.max_chars))


async def _written(call: ToolCall, whole: WholeList, folder: Path, file_format: Format) -> NewFile:
    """The file, whole. Raises `FileNotWritten`, and `TimeIsUp` without leaving a file."""
    customer = whole.customer
    # A name that is written in other letters, such as Japanese ones, leaves nothing.
    named = name_part(customer.name or "") or name_part(customer.domain or "") or customer.id
    batch = (name_part(whole.batch.id) or "batch") if whole.batch else ""
    stem = file_stem(named, batch, whole.coverage.as_of.strftime("%Y-%m-%d"))
    writer = file_text(file_format)
    async with entered_in_thread(new_file(folder, stem, file_format)) as file:
        with whole.handed_on_in_time(call):
            await anyio.to_thread.run_sync(file.write, writer.head(whole))
            async for _ in whole.pieces(lambda devices: file.write(writer.rows(devices))):
                pass  # written where it was made, in the worker thread
            await anyio.to_thread.run_sync(file.write, writer.tail())
    return file
