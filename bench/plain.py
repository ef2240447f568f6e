"""What answers must say, computed in plain Python from the JSON that the sandbox serves.

It shares no code with the program: a second opinion that agreed by import would be none. The soak holds
every answer against it, and so do the tests.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pc_mcp.sandbox import World

Device = dict[str, Any]
"""The facts of a device by column."""

COLUMNS = ("id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key")
GROUPINGS = ("manufacturer", "model", "policy", "batch", "uploaded_year", "uploaded_month", "uploaded_day")
COMBINATIONS = ("batch+model", "policy+manufacturer", "uploaded_month+batch", "model+uploaded_year")
MOST_GROUPINGS = 4

# Unicode's Default_Ignorable_Code_Point outside the categories C*, and the empty Braille cell.
_IGNORABLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
_IGNORABLE |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)}
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"


@cache
def clean(text: str) -> str:
    """What can be seen of a text."""
    seen = ""
    for char in text:
        if char in _BREAKS:
            seen += " "
        elif unicodedata.category(char)[0] != "C" and ord(char) not in _IGNORABLE:
            seen += char
    return seen.strip()


_DASHES = "\u2212\u2043\u02d7"
_QUOTES = (
    "'\"`\u00b4\u02b9\u02ba\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u02ee\u055a\u05f3\u05f4\u1fbd\u1fbf\u1fef\u1ffd"
    "\u2032\u2033\u2034\u2035\u2036\u2037\u275b\u275c\u275d\u275e\u300c\u300d\u300e\u300f\u301d\u301e\u301f"
    "\ua78b\ua78c\uff02\uff07\uff40\uff62\uff63\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a"
)
_SPELT_OUT = {"æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0131": "i", "ȷ": "j", "ŋ": "n", "ə": "e", "ĸ": "k"}


@cache
def _folded(char: str) -> str:
    if unicodedata.category(char) == "Pd" or char in _DASHES:
        return "-"
    if char in _QUOTES:
        return "'"
    if char in "¦\\":
        return "|" if char == "¦" else ""
    words = unicodedata.name(char, "").split()
    stroked = words[:3] == ["LATIN", "SMALL", "LETTER"] and words[4:5] == ["WITH"] and len(words[3]) == 1
    return _SPELT_OUT.get(char) or (words[3].lower() if stroked else char)


@cache
def key(text: str) -> str:
    """Texts with the same key match: NFKC, and what a person who types does not care for."""
    if text.isascii():
        seen = "".join(map(_folded, clean(text).lower()))
        return " ".join(seen.split())
    seen = "".join(map(_folded, clean(text)))
    for _ in range(2):
        apart = unicodedata.normalize("NFKD", seen)
        seen = "".join(c for c in apart if not unicodedata.name(c, "").startswith("COMBINING ")).casefold()
    seen = clean(unicodedata.normalize("NFC", seen)).casefold()
    return " ".join("".join(map(_folded, seen)).split())


def cleaned(text: str | None) -> str | None:
    """How an answer writes a text."""
    if text is None:
        return None
    seen = clean(text).replace("|", "¦")
    return seen if len(seen) <= 120 else seen[:119] + "…"


def fact(value: Any) -> str | None:
    """The text of a JSON value, its first 1,000 characters at most, or None where there is none to see."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return (clean(value.strip()[:1000]) or None) if isinstance(value, str) else None


def instant(value: Any) -> datetime | None:
    """A date of the service in UTC, or None."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if moment.year == 1:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def policy_of(value: Any, policy_names: Mapping[str, str]) -> str | None:
    """The names of the policies in a device's `policies`, or None."""
    entries = value if isinstance(value, list) else []
    named = [fact(entry.get("value")) for entry in entries if isinstance(entry, dict)]
    names = [policy_names.get(name.lower(), name) for name in named if name]
    return ", ".join(dict.fromkeys(names)) or None


def masked(product_key: str | None) -> str | None:
    """A product key as an answer writes it."""
    if product_key is None:
        return None
    return "*****" + (product_key[-5:] if len(product_key) > 10 else "")


def device_of(item: Any, batch: str, policy_names: Mapping[str, str]) -> Device | None:
    """The facts of one item of a page by column, `uploaded` as a datetime; None if it cannot be read.

    A serial number that is there and no text is not known to be missing, so neither is the device known.
    """
    if not isinstance(item, dict) or isinstance(item.get("serialNumber"), dict | bool):
        return None
    return {
        "id": fact(item.get("id")),
        "serial_number": fact(item.get("serialNumber")),
        "manufacturer": fact(item.get("oemManufacturerName")),
        "model": fact(item.get("modelName")),
        "policy": policy_of(item.get("policies"), policy_names),
        "batch": batch,
        "uploaded": instant(item.get("uploadedDate")),
        "product_key": fact(item.get("productKey")),
    }


@dataclass
class PlainBatch:
    """A batch; `count`: the devices that its list says it has; `unreadable`: items that are no objects."""

    id: str
    count: int | None
    devices: list[Device]
    unreadable: int


@dataclass
class PlainCustomer:
    """A customer, and all of its batches."""

    id: str
    name: str
    batches: list[PlainBatch]

    @property
    def devices(self) -> list[Device]:
        return [device for batch in self.batches for device in batch.devices]


def customer_of(world: World, name: str, policy_names: dict[str, str] | None = None) -> PlainCustomer:
    """Everything that the sandbox serves of one customer. `policy_names` are its policies' by id."""
    customer_id = world.customer_id(name)
    if policy_names is None:
        policy_names = {policy["id"].lower(): policy["name"] for policy in world.policies(customer_id)}
    batches = []
    for listed in world.batches(customer_id):
        items = list(world.devices(customer_id, listed["id"]))
        read = [device_of(item, listed["id"], policy_names) for item in items]
        devices = [device for device in read if device]
        count = int(listed.get("devicesCount") or listed.get("deviceCount") or 0)
        batches.append(PlainBatch(listed["id"], count, devices, len(items) - len(devices)))
    return PlainCustomer(customer_id, name, batches)


def newest_first(batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Batches as the service sends them, those without a date last."""
    dated = [(when, batch) for batch in batches if (when := instant(batch.get("creationDate")))]
    undated = [batch for batch in batches if not instant(batch.get("creationDate"))]
    return [batch for _, batch in sorted(dated, key=lambda pair: pair[0], reverse=True)] + undated


def matching(devices: list[Device], where: Mapping[str, Any]) -> list[Device]:
    """The devices that meet every condition of a question, named as the tool's arguments are."""
    scope = devices
    for column in ("serial_number", "manufacturer", "model", "policy"):
        wanted = key(where.get(column, ""))
        if _asks_for_none(column, wanted):
            devices = [device for device in devices if device[column] is None]
        elif column in where:
            if column != "serial_number" and wanted.startswith("'") and wanted.endswith("'"):
                wanted = wanted[1:-1].strip() or wanted
            devices = [d for d in devices if d[column] is not None and wanted in key(d[column])]
    after, before = instant(where.get("uploaded_after")), instant(where.get("uploaded_before"))
    if after:
        devices = [device for device in devices if device["uploaded"] and device["uploaded"] >= after]
    if before:
        devices = [device for device in devices if device["uploaded"] and device["uploaded"] < before]
    return having(scope, devices, where["only"]) if where.get("only") else devices


def _asks_for_none(column: str, wanted: str) -> bool:
    """Whether the key of a condition asks for devices without a value."""
    return column != "serial_number" and wanted in ("-", "(none)", "none" if column == "policy" else "-")


def group_value(device: Device, by: str) -> str | None:
    """The value by which a device is counted."""
    if by.startswith("uploaded_"):
        length = {"year": 4, "month": 7, "day": 10}[by.removeprefix("uploaded_")]
        return device["uploaded"].isoformat()[:length] if device["uploaded"] else None
    value: str | None = device[by]
    return value


def grouped(devices: Iterable[Device], by: str) -> Counter[str | None]:
    """How many devices have each value."""
    return Counter(group_value(device, by) for device in devices)


def combined(devices: Iterable[Device], by: str) -> Counter[tuple[str | None, ...]]:
    """How many devices have each combination of what is joined in `by`, such as `batch+model`; or each value alone."""
    return Counter(tuple(group_value(device, fact) for fact in by.split("+")) for device in devices)


LACKING = {
    "without_policy": "policy",
    "without_serial_number": "serial_number",
    "without_model": "model",
    "without_manufacturer": "manufacturer",
    "without_upload_date": "uploaded",
}
FINDINGS = ("duplicate_serial_number", *LACKING)


def having(scope: Iterable[Device], devices: Iterable[Device], findings: Collection[str]) -> list[Device]:
    """Those of `devices` that have any of these findings; a serial number is a duplicate within `scope`."""
    serials = Counter(key(device["serial_number"]) for device in scope if device["serial_number"])
    columns = [LACKING[finding] for finding in findings if finding in LACKING]

    def is_one(device: Device) -> bool:
        has_twin = device["serial_number"] is not None and serials[key(device["serial_number"])] > 1
        return ("duplicate_serial_number" in findings and has_twin) or any(device[each] is None for each in columns)

    return [device for device in devices if is_one(device)]


def attention(
    scope: Iterable[Device],
    matched: Collection[Device],
    batches: Iterable[PlainBatch],
    where: Mapping[str, Any] | None = None,
) -> dict[str, int]:
    """`kind` to `devices` of what an agent would want to be told and has not asked for."""
    where = where or {}
    asked = {finding for finding, column in LACKING.items() if _asks_for_none(column, key(str(where.get(column, ""))))}
    if len(only := where.get("only", ())) == 1:
        asked |= {*only}
    counts = {finding: len(having(scope, matched, [finding])) for finding in FINDINGS if finding not in asked}
    counts |= {
        "batch_count_differs": sum(abs((batch.count or 0) - len(batch.devices) - batch.unreadable) for batch in batches)
        * (not where),
    }
    return {kind: devices for kind, devices in counts.items() if devices}


def row(device: Device) -> dict[str, str | None]:
    """A device as an answer writes it, every column."""
    moment = device["uploaded"]
    written = {column: device[column] for column in COLUMNS}
    written["uploaded"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
    written["product_key"] = masked(device["product_key"])
    return {column: cleaned(text) for column, text in written.items()}
