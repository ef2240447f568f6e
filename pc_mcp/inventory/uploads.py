"""The question what became of an upload of devices."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pc_mcp.inventory.errors import UnknownUpload, asking_for
from pc_mcp.inventory.library import Call, Library
from pc_mcp.inventory.product_keys import masked
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.models import BatchUploadDetails, Customer

# "Device deployment resources" and its error codes: what a row's `errorCode` means.
ROW_ERRORS = {
    "801": "bad request body",
    "802": "bad hardware hash",
    "803": "neither serial number nor product key was given",
    "806": "already registered to this tenant",
    "807": "not registered",
    "808": "assigned to another tenant",
    "809": "profile not registered",
    "810": "profile assigned to another tenant",
    "811": "registered by another tenant",
    "812": "not found: maker, model and serial number match no hardware hash",
    "813": "not unique",
    "814": "already registered in Entra",
}

_WHERE_FROM = (
    "The tracking id is the GUID at the end of the Location header with which Partner Center answered the upload; "
    "it is not the name of a batch."
)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as the service describes it now; product keys are as they may be shown."""

    customer: Customer
    as_of: datetime
    batch_tracking_id: str
    details: BatchUploadDetails


async def upload_status(library: Library, call: Call, customer: Customer, batch_tracking_id: str) -> Upload:
    """Read anew each time, since it changes. Raises `UnknownUpload` where there is none."""
    named = f"upload with the tracking id {quoted(batch_tracking_id)}"
    with asking_for(UnknownUpload, named, lambda: _WHERE_FROM), call.in_time():
        details = await call.partner_center.batch_upload_details(customer.id, batch_tracking_id)
    reveal = library.reveal_product_keys
    devices = tuple(
        replace(device, product_key=masked(device.product_key, reveal=reveal)) for device in details.devices
    )
    return Upload(customer, datetime.now(UTC), batch_tracking_id, replace(details, devices=devices))
