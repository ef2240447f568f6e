"""What is kept of a device: a short row, and what many devices have in common once."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from pc_mcp.inventory.product_keys import MASK, tail
from pc_mcp.inventory.store.kinds import Kinds
from pc_mcp.inventory.store.store import DeviceRow
from pc_mcp.inventory.store.times import microseconds, moment_of
from pc_mcp.partner_center.models import Device, moment
from pc_mcp.runtime.ids import GUID, with_dashes
from pc_mcp.runtime.text import compact, shown_and_key

COLUMNS = (
    "key",  # as `key_of` gives it
    "kind",  # the number of the device's kind
    "uploaded",  # microseconds since 1970, UTC
    "serial_key",  # the serial number's match_key
    "serial",  # the serial number, where serial_key in capitals is another
    "id_key",  # the id's match_key; a GUID as its 16 bytes
    "id",  # the id, where id_key does not give it
    "product_key",  # what may be shown of it
    "product_key_digest",  # keyed, to find a device by the whole of it
)
SHOWN_COLUMNS = COLUMNS[:-1]
IDENTIFYING_COLUMNS = ("serial_key", "id_key", "product_key_digest")

# Keys are in lower case already, and to compare each id in either case would take twice as long.
_GUID_KEY = re.compile(GUID.pattern)


class RowEncoding:
    """Makes rows of devices as they are read, and devices as they are shown of rows.

    policy_names: the names of policies by `policy_key`; a device names its policy by either.
    """

    def __init__(self, policy_names: Mapping[str, str], *, reveal_product_keys: bool) -> None:
        self.kinds = Kinds(policy_names)
        self._reveal = reveal_product_keys
        self._keyed_hash = hashlib.blake2b(digest_size=8, key=secrets.token_bytes(16))

    @property
    def has_policies_by_id(self) -> bool:
        """Whether a device's policy is known by its id only."""
        return any(kind.policy and GUID.search(kind.policy) for kind in self.kinds.all)

    def encoded(self, first: int, devices: Sequence[Device]) -> list[Any]:
        """The `COLUMNS` of devices, whose first has the key `first`, one device after the other."""
        values: list[Any] = []
        number_of, digest, reveal = self.kinds.number_of, self._digest, self._reveal
        for key, device in enumerate(devices, first):
            serial, serial_key = shown_and_key(device.serial_number)
            id_key, device_id = _id_columns(device.id)
            product_key, product_key_key = shown_and_key(device.product_key)
            uploaded = moment(device.uploaded)
            # Of ASCII alone, whose capitals are the same to every engine.
            is_upper = serial_key is not None and serial_key.isascii() and serial_key.upper() == serial
            values += (
                key,
                number_of(device, has_serial_number=serial is not None),
                None if uploaded is None else microseconds(uploaded),
                serial_key,
                None if is_upper else serial,
                id_key,
                device_id,
                tail(product_key) if product_key and not reveal else product_key,
                None if product_key_key is None else digest(product_key_key),
            )
        return values

    def device(self, row: Sequence[Any]) -> DeviceRow:
        """The device of a row of `SHOWN_COLUMNS`."""
        key, kind_number, uploaded, serial_key, serial, id_key, device_id, product_key = row
        kind = self.kinds.all[kind_number]
        if product_key is not None and not self._reveal:
            product_key = MASK + product_key
        return DeviceRow(
            key=key,
            id=_unpacked(id_key) if device_id is None and id_key is not None else device_id,
            serial_number=serial_key.upper() if serial is None and serial_key is not None else serial,
            manufacturer=kind.manufacturer,
            model=kind.model,
            policy=kind.policy,
            uploaded=None if uploaded is None else moment_of(uploaded),
            product_key=product_key,
        )

    def identifying(self, identifier: str) -> tuple[str, bytes | str, int]:
        """What the `IDENTIFYING_COLUMNS` hold of a device that has this `match_key`, each where it is the device's."""
        return identifier, _packed(identifier) or "", self._digest(identifier)

    def _digest(self, identifier: str) -> int:
        keyed_hash = self._keyed_hash.copy()
        keyed_hash.update((compact(identifier) or identifier).encode())
        return int.from_bytes(keyed_hash.digest(), signed=True)


def _id_columns(sent: str | None) -> tuple[bytes | str | None, str | None]:
    """`id_key` and `id` of a device."""
    if sent and _GUID_KEY.fullmatch(sent):  # as nearly all are written
        return bytes.fromhex(sent.replace("-", "")), None
    device_id, key = shown_and_key(sent)
    packed = _packed(key)
    return packed, None if packed is not key and key == device_id else device_id


def _packed(id_key: str | None) -> bytes | str | None:
    """A GUID in 16 bytes, anything else as it is."""
    return bytes.fromhex(id_key.replace("-", "")) if id_key and _GUID_KEY.fullmatch(id_key) else id_key


def _unpacked(id_key: bytes | str) -> str:
    if isinstance(id_key, str):
        return id_key
    return with_dashes(id_key.hex())
