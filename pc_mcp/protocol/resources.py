"""Whole device lists as MCP resources: what a client reads without passing it through the model."""

import logging
import uuid
from typing import Any

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, UnexpectedResourceError

from pc_mcp.answers import cleaned, incomplete_words
from pc_mcp.answers.files import MIME_TYPES, file_notes, file_text
from pc_mcp.inventory import EXPECTED_ERRORS, WholeList, named_customer, whole_list
from pc_mcp.inventory.errors import AmbiguousBatch, AmbiguousCustomer, UnknownBatch, UnknownCustomer
from pc_mcp.partner_center.errors import CustomerNotFound, InvalidCustomerId
from pc_mcp.tools import App
from pc_mcp.tools.support.addresses import TEMPLATES, Address, address_of

logger = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**20
"""A resource is one message, held in memory several times over on its way."""

_NOT_FOUND = (UnknownCustomer, AmbiguousCustomer, UnknownBatch, AmbiguousBatch, CustomerNotFound, InvalidCustomerId)


async def read_whole_list(app: App, uri: str, context: Context[Any, Any]) -> ReadResourceContents:
    """The content of the resource at `uri`; its `_meta` has the list's facts and notes.

    Raises `ResourceNotFoundError`, or `ResourceError` with the words for whoever reads it.
    """
    correlation_id = str(uuid.uuid4())
    address = address_of(uri)
    if address is None:
        templates = ", ".join(template.uri_template for template in TEMPLATES.values())
        raise ResourceNotFoundError(f"There is no resource {cleaned(uri)}. The resources are: {templates}.")
    try:
        return await _read(app, address, correlation_id, context)
    except _NOT_FOUND as error:
        raise ResourceNotFoundError(app.words(error)) from None
    except EXPECTED_ERRORS as error:
        raise ResourceError(app.words(error)) from None
    except ResourceError:
        raise
    except Exception as error:
        raise UnexpectedResourceError(
            "Reading failed because of a fault in pc-mcp. Its log has the details beside the correlation id "
            f"{correlation_id}; please report them."
        ) from error
    finally:
        logger.info("resource devices.%s, correlation id %s", address.file_format, correlation_id)


async def _read(app: App, address: Address, correlation_id: str, context: Context[Any, Any]) -> ReadResourceContents:
    call = await app.call(correlation_id, context.report_progress)
    customer = await named_customer(call, address.customer)
    async with whole_list(call, customer, address.batch) as whole:
        if not whole.coverage.complete:
            raise ResourceError(incomplete_words(whole))
        with whole.handed_on_in_time(call):
            content = await _text(whole, address)
        facts = {"devices_total": whole.devices, "complete": True, "notes": file_notes(whole)}
    meta = {f"pc-mcp/{name}": value for name, value in facts.items()}
    return ReadResourceContents(content, MIME_TYPES[address.file_format], meta)


async def _text(whole: WholeList, address: Address) -> str:
    """The whole text. Raises `ResourceError` where it is too large."""
    writer = file_text(address.file_format)
    parts = [writer.head(whole)]
    size = 0
    async for part in whole.pieces(writer.rows):
        parts.append(part)
        size += len(part.encode())
        if size > MAX_BYTES:
            by_batch = "" if address.batch else "Read its batches one by one, or: "
            raise ResourceError(
                f"The list of {whole.devices:,} devices is larger than a resource may be, {MAX_BYTES // 2**20} MB. "
                f"{by_batch}Write it to a file with the tool export_devices, which there is when the setting "
                "exports.folder names a folder."
            )
    return "".join([*parts, writer.tail()])
