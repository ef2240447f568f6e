"""The addresses of whole device lists as MCP resources."""

from typing import Annotated

from mcp.shared.uri_template import UriTemplate
from mcp_types import ResourceTemplate
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pc_mcp.answers.files import MIME_TYPES, Format
from pc_mcp.inventory import DeviceList
from pc_mcp.inventory.product_keys import without_keys
from pc_mcp.partner_center import segment
from pc_mcp.runtime.text import visible
from pc_mcp.tools.support.arguments import Text

_ROOT = "pc-mcp://customers/"
_FORMATS: dict[Format, str] = {"csv": "CSV for Excel", "json": "JSON for programs"}
_MAX_URI_CHARACTERS = 400


class Address(BaseModel):
    """Which list a resource is: of a batch, or of every batch of the customer."""

    model_config = ConfigDict(frozen=True)

    customer: Text
    # As it is: an address that this program made may hold control characters of an uploaded file.
    batch: Annotated[str, Field(min_length=1)] | None = None
    file_format: Format


def _template(file_format: Format, *, of_batch: bool) -> ResourceTemplate:
    what, path = ("batch", "batches/{batch}/") if of_batch else ("customer", "")
    return ResourceTemplate(
        uri_template=f"{_ROOT}{{customer}}/{path}devices.{file_format}",
        name=f"{what}_devices_{file_format}",
        title=f"All devices of a {what} ({file_format.upper()})",
        description=f"Every uploaded device of a {what} as {_FORMATS[file_format]}, for people and programs. "
        "Values are percent-encoded; customer is a tenant id, domain or name. A list that is not complete is "
        "refused: read again to go on. For counts and answers use the tools.",
        mime_type=MIME_TYPES[file_format],
    )


TEMPLATES = {
    (file_format, of_batch): _template(file_format, of_batch=of_batch)
    for of_batch in (True, False)
    for file_format in MIME_TYPES
}
_PARSED = {UriTemplate.parse(template.uri_template): file_format for (file_format, _), template in TEMPLATES.items()}


def address_of(uri: str) -> Address | None:
    """The list at `uri`; None where there can be none."""
    for template, file_format in _PARSED.items():
        values = template.match(uri)
        if values is not None:
            try:
                return Address.model_validate({**values, "file_format": file_format})
            except ValidationError:
                return None
    return None


def uri_of(customer: str, batch: str | None, file_format: Format) -> str:
    """Where the list of a customer, or of one of its batches, can be read."""
    path = f"batches/{segment(batch)}/" if batch else ""
    return f"{_ROOT}{segment(customer)}/{path}devices.{file_format}"


def whole_list_address(result: DeviceList) -> str | None:
    """Where the whole list that `result` is a part of can be read, as CSV.

    None where the list is not complete, so that it could not be read, or its address is too long
    to stand in an answer, or would hold a product key.
    """
    batch = result.batch.id if result.batch else None
    if not result.coverage.complete or (batch and without_keys(visible(batch)) != visible(batch)):
        return None
    uri = uri_of(result.customer.id, batch, "csv")
    return uri if len(uri) <= _MAX_URI_CHARACTERS else None
