"""What Partner Center answers, in this program's terms ("Device deployment resources").

Every reader here takes one item of a collection as `json` gives it, of whatever type, and returns
a frozen value with None for each fact that is absent or of no use, or None when the item is no such
thing: no object, another resource, or one whose absence of a fact would be claimed from a fact that
cannot be read. None of them raises: one odd item never costs a page. A `Device` may come from a
strict parser instead (see `collections`), so it says what was sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from pc_mcp.runtime.ids import id_key

T = TypeVar("T")
Object = Mapping[str, object]

MOST_CHARACTERS = 250
"""A fact that is longer is cut when it is read: half of it would not be shown, and all of it held and compared. What
identifies a device is never cut: two that begin alike would be one."""

MOST_ID_CHARACTERS = 20_000
"""An id is part of an address, so it is never cut; a longer one names nothing that can be asked for."""

MOST_PARTS = 50
"""More policies than a device, or settings than a policy, are left out."""

_NO_ERROR = frozenset({"none", "null", "nil", "success", "succeeded", "successful", "ok", "no error", "noerror", "n/a"})
_CODE_MEMBERS = frozenset({"code", "errorcode"})
# What only one kind of resource has ("Device deployment resources").
_ONLY_CUSTOMER = frozenset({"companyProfile", "billingProfile", "relationshipToPartner", "commerceId"})
_ONLY_BATCH = frozenset({"devicesCount", "deviceCount", "devicesLink", "creationDate", "createdBy"})
_ONLY_DEVICE = frozenset(
    {
        *("serialNumber", "productKey", "hardwareHash", "oemManufacturerName", "modelName", "policies"),
        *("uploadedDate", "uploadedBy"),
    }
)
_ONLY_POLICY = frozenset(
    {"name", "category", "description", "policySettings", "devicesAssignedCount", "devicesAssigned"}
    | {"createdDate", "lastModifiedDate"}
)
_ONLY_ROW = frozenset({"deviceId", "serialNumber", "productKey", "status", "errorCode", "errorDescription"})
_OF_ONE_KIND = _ONLY_CUSTOMER | _ONLY_BATCH | _ONLY_DEVICE | _ONLY_POLICY | _ONLY_ROW - {"status"}

_Text = Annotated[str, msgspec.Meta(max_length=MOST_CHARACTERS)]


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the partner. `id` is the tenant's GUID."""

    id: str
    name: str | None = None
    domain: str | None = None
    relationship: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """A batch of uploaded devices. `id` is free text; `devices` is the service's `devicesCount`."""

    id: str
    devices: int | None = None
    created: datetime | None = None
    status: str | None = None
    created_by: str | None = None


class AssignedPolicy(msgspec.Struct, frozen=True, gc=False):
    """A policy of a device. `value` is its name or its id; None: none is assigned."""

    value: _Text | None


class Device(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "serial_number": "serialNumber",
        "product_key": "productKey",
        "manufacturer": "oemManufacturerName",
        "model": "modelName",
        "uploaded": "uploadedDate",
    },
):
    """One device of a batch, as it was sent: texts may have white space around them or be empty, and
    `uploaded` is a text that `moment` understands or not."""

    id: _Text | None = None
    serial_number: _Text | None = None
    product_key: _Text | None = None
    manufacturer: _Text | None = None
    model: _Text | None = None
    policies: Annotated[tuple[AssignedPolicy, ...], msgspec.Meta(max_length=MOST_PARTS)] | None = None
    uploaded: _Text | None = None


@dataclass(frozen=True, slots=True)
class ConfigurationPolicy:
    """A configuration policy (an Autopilot profile) of a customer."""

    id: str | None = None
    name: str | None = None
    category: str | None = None
    description: str | None = None
    devices_assigned: int | None = None
    settings: tuple[str, ...] = ()
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceUploadDetails:
    """What became of one device of an upload. `error_code` is text such as "808", or whatever else was sent there."""

    device_id: str | None = None
    serial_number: str | None = None
    product_key: str | None = None
    status: str | None = None
    error_code: str | None = None
    error_description: str | None = None


@dataclass(frozen=True, slots=True)
class BatchUploadDetails:
    """What became of one upload. `unreadable` counts devices that could not be read; `devices_expected` is how
    many devices it says that it has, where it does; goes_on: it says that more follow."""

    batch_tracking_id: str | None
    status: str | None
    started: datetime | None
    completed: datetime | None
    devices: tuple[DeviceUploadDetails, ...]
    unreadable: int
    devices_expected: int | None = None
    goes_on: bool = False


def text(value: object, most: int | None = MOST_CHARACTERS) -> str | None:
    """Text without the white space around it, cut to `most` characters; a number as text; None for everything else."""
    if isinstance(value, str):
        return value.strip()[:most].strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return None


def _id(value: object) -> str | None:
    """As `text`, but None for what is too long to be part of an address."""
    whole = text(value, None)
    return whole if whole and len(whole) <= MOST_ID_CHARACTERS else None


def count(value: object) -> int | None:
    """A number of things: a number or text of digits; None for everything else."""
    if isinstance(value, str):
        value = value.strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    return None


def moment(value: object) -> datetime | None:
    """A moment in UTC. Text without a zone is UTC; year 1 is .NET's way of saying unknown: None."""
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        utc = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc if utc.year > 1 else None


def items_of(value: object) -> list[object]:
    """A list, or nothing where it is null or missing."""
    return value if isinstance(value, list) else []


def read_all(values: list[object], read: Callable[[object], T | None]) -> tuple[list[T], int]:
    """The items that could be read, in order, and how many could not."""
    kept = [item for item in map(read, values) if item is not None]
    return kept, len(values) - len(kept)


def customer(value: object) -> Customer | None:
    """A Customer; unreadable without an id, or with two."""
    fields = _fields_of(value, _ONLY_CUSTOMER)
    profile = _fields(fields.get("companyProfile")) if fields else None
    profile = profile or {}
    tenant_id = _id(profile.get("tenantId"))
    customer_id = _id(fields.get("id")) or tenant_id if fields else None
    if fields is None or customer_id is None or id_key(tenant_id or customer_id) != id_key(customer_id):
        return None
    return Customer(
        id=customer_id,
        name=text(profile.get("companyName")),
        domain=text(profile.get("domain")),
        relationship=text(fields.get("relationshipToPartner")),
    )


def device_batch(value: object) -> DeviceBatch | None:
    """A DeviceBatch; unreadable without an id, since its devices could not be asked for."""
    fields = _fields_of(value, _ONLY_BATCH)
    # An id is part of a path: the service means every character of it, white space too.
    batch_id = fields.get("id") if fields else None
    if fields is None or not isinstance(batch_id, str) or not 0 < len(batch_id) <= MOST_ID_CHARACTERS:
        return None
    devices = count(fields.get("devicesCount"))
    return DeviceBatch(
        id=batch_id,
        devices=count(fields.get("deviceCount")) if devices is None else devices,
        created=moment(fields.get("creationDate")),
        status=text(fields.get("status")),
        created_by=text(fields.get("createdBy")),
    )


def device(value: object) -> Device | None:
    """A Device; unreadable when its serial number or its policies are: it is not known to be without. So it is when
    what identifies it is too long to be kept whole."""
    fields = _fields_of(value, _ONLY_DEVICE)
    if fields is None:
        return None
    serial_number = text(sent := _only(fields.get("serialNumber")), None)
    device_id, product_key = text(fields.get("id"), None), text(fields.get("productKey"), None)
    policies = _policies(fields.get("policies"))
    if policies is None or (serial_number is None and not _says_nothing(sent)):
        return None
    if any(len(each or "") > MOST_CHARACTERS for each in (device_id, serial_number, product_key)):
        return None
    uploaded = fields.get("uploadedDate")
    return Device(
        id=device_id,
        serial_number=serial_number,
        product_key=product_key,
        manufacturer=text(fields.get("oemManufacturerName")),
        model=text(fields.get("modelName")),
        policies=policies,
        uploaded=uploaded[:MOST_CHARACTERS] if isinstance(uploaded, str) else None,
    )


def configuration_policy(value: object) -> ConfigurationPolicy | None:
    """A ConfigurationPolicy."""
    fields = _fields_of(value, _ONLY_POLICY)
    if fields is None:
        return None
    assigned = count(fields.get("devicesAssignedCount"))
    return ConfigurationPolicy(
        id=text(fields.get("id")),
        name=text(fields.get("name")),
        category=text(fields.get("category")),
        description=text(fields.get("description")),
        devices_assigned=count(fields.get("devicesAssigned")) if assigned is None else assigned,
        settings=tuple(filter(None, map(text, items_of(fields.get("policySettings"))[:MOST_PARTS]))),
        created=moment(fields.get("createdDate")),
        modified=moment(fields.get("lastModifiedDate")),
    )


def batch_upload_details(value: object) -> BatchUploadDetails | None:
    """A BatchUploadDetails; unreadable without a tracking id and without a list of devices: any object may
    have a status."""
    fields = _fields(value)
    if fields is None:
        return None
    tracking_id = text(fields.get("batchTrackingId"))
    if tracking_id is None and not isinstance(fields.get("devicesStatus"), list):
        return None
    expected = filter(None, (count(fields.get(name)) for name in ("devicesCount", "deviceCount", "totalCount")))
    devices, unreadable = read_all(items_of(fields.get("devicesStatus")), _device_upload_details)
    return BatchUploadDetails(
        batch_tracking_id=tracking_id,
        status=text(fields.get("status")),
        started=moment(fields.get("startedTime")),
        completed=moment(fields.get("completedTime")),
        devices=tuple(devices),
        unreadable=unreadable,
        devices_expected=max(expected, default=None),
    )


def _device_upload_details(value: object) -> DeviceUploadDetails | None:
    fields = _fields_of(value, _ONLY_ROW)
    if fields is None:
        return None
    return DeviceUploadDetails(
        device_id=text(fields.get("deviceId")),
        serial_number=text(fields.get("serialNumber")),
        product_key=text(fields.get("productKey")),
        status=text(fields.get("status")),
        error_code=_error_code(fields),
        error_description=text(fields.get("errorDescription")),
    )


def is_error(code: str | None) -> bool:
    """Whether what was sent as the code of an error says that there is one."""
    return bool((code or "").strip("0")) and (code or "").casefold() not in _NO_ERROR


def _error_code(fields: Object) -> str | None:
    """The code of a row's error as text; of several, or of what says only that there is none, the first."""
    sent = [value for key, value in fields.items() if key.strip().casefold() == "errorcode"]
    codes = [code for value in sent for code in _codes(value)]
    return next(filter(is_error, codes), codes[0] if codes else None)


def _codes(value: object) -> list[str]:
    """What stands for a code in a value of whatever shape; "unreadable" for what is not even text."""
    codes = []
    for part in value[:MOST_PARTS] if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            inner = [member for key, member in part.items() if key.strip().casefold() in _CODE_MEMBERS]
            part = inner[0] if inner else bool(part)  # noqa: PLW2901
        if isinstance(part, float) and part.is_integer():
            part = int(part)  # noqa: PLW2901
        says_nothing = part is None or part is False or (isinstance(part, str) and not part.strip())
        codes += [] if says_nothing else [text(part) or "unreadable"]
    return codes


def _policies(value: object) -> tuple[AssignedPolicy, ...] | None:
    """The policies of a device, also where they are not in a list; None where one cannot be read."""
    entries = value if isinstance(value, list) else [] if _says_nothing(value) else [value]
    policies = [_assigned(entry) for entry in entries[:MOST_PARTS] if entry is not None]
    return None if None in policies else tuple(policy for policy in policies if policy)


def _assigned(entry: object) -> AssignedPolicy | None:
    """A policy, which may be named without more; None where it cannot be read."""
    sent = entry
    if isinstance(entry, dict):
        sent = next((value for key, value in entry.items() if key.strip().casefold() == "value"), None)
    name = text(sent := _only(sent))
    return AssignedPolicy(name) if name or _says_nothing(sent) else None


def _only(value: object) -> object:
    """What a list of one thing has, and any other value as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _says_nothing(value: object) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _fields_of(value: object, only: frozenset[str]) -> Object | None:
    """The fields of one kind of resource, those of which no other has are `only`; None for another resource.

    What has none of these is of this kind where it has an id, and nothing that only another kind has.
    """
    fields = _fields(value)
    if fields is None or not only.isdisjoint(fields):
        return fields
    return fields if "id" in fields and _OF_ONE_KIND.isdisjoint(fields) else None


def _fields(value: object) -> Object | None:
    """An object's fields. A published sample has the key " attributes", so keys are stripped."""
    if not isinstance(value, dict):
        return None
    if any(key != key.strip() for key in value):
        return {key.strip(): field for key, field in value.items()} | value
    return value
