"""What a store of devices does, in the terms of the questions. Which engine does it is known in this folder only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from pc_mcp.inventory.store.filters import DeviceFilter, Grouping
from pc_mcp.inventory.store.kinds import NamedFact
from pc_mcp.inventory.store.tally import Tally
from pc_mcp.partner_center.models import Device

T = TypeVar("T")

BATCH_SHIFT = 32

DeviceOrder = Literal["batch", "serial_number", "uploaded", "-uploaded"]
"""By batch and place in it; by serial number, so that equal ones stand beside each other; by the upload, from the
oldest or the newest. What a device lacks comes last, and what is equal is in the order of batches."""


def key_of(batch_number: int, position: int = 0) -> int:
    """The key of the device at `position` of a batch, from 0; keys order devices as they were read."""
    return (batch_number << BATCH_SHIFT) + position


@dataclass(frozen=True, slots=True)
class Scope:
    """A run of batches, by number: from `first` up to, not including, `end`."""

    first: int
    end: int

    @property
    def batches(self) -> range:
        """The numbers of its batches."""
        return range(self.first, self.end)

    @property
    def keys(self) -> tuple[int, int]:
        """The first key of the scope and the first one behind it."""
        return key_of(self.first), key_of(self.end)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as it is shown; None for what is not known. `key` is as `key_of` gives it."""

    key: int
    id: str | None
    serial_number: str | None
    manufacturer: str | None
    model: str | None
    policy: str | None
    uploaded: datetime | None
    product_key: str | None

    @property
    def batch_number(self) -> int:
        return self.key >> BATCH_SHIFT


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Devices whose serial number another device has too, and some of these serial numbers."""

    devices: int
    serial_numbers: tuple[str, ...]


class TooSlow(Exception):
    """What was asked of a store takes longer than there is time."""


class Store(Protocol):
    """The devices of one customer, as far as they were read: batch by batch, in the order of the service.

    Nothing here is asynchronous: one call at a time, and what may take long in a worker thread.
    """

    @property
    def bytes(self) -> int:
        """How much memory it takes, nearly."""

    @property
    def adds_slowly(self) -> bool:
        """Whether a page takes so long to add that it should be done in a thread."""

    @property
    def has_policies_by_id(self) -> bool:
        """Whether a device's policy is known by its id only."""

    def names(self, fact: NamedFact) -> list[str]:
        """The values that devices have of a fact, each once."""

    def policy_names(self) -> list[str]:
        """The names of the customer's policies, whether a device has them or not, each once."""

    def add(self, batch_number: int, position: int, devices: Sequence[Device]) -> None:
        """Adds a page of a batch, whose first device has `position`, from 0."""

    def remove(self, batch_number: int) -> None:
        """Removes a batch, to be read again from its first page."""

    def tally(self, scope: Scope, where: DeviceFilter, group_by: Iterable[Grouping] = ()) -> Tally:
        """Counts the devices that match, by kind and by batch, and by day and by what is combined where `group_by`
        needs that."""

    def rows(self, scope: Scope, where: DeviceFilter, *, after: int, limit: int) -> list[DeviceRow]:
        """The first `limit` devices that match and whose key is greater than `after`."""

    def ordered_rows(
        self, scope: Scope, where: DeviceFilter, order: DeviceOrder, *, skip: int, limit: int
    ) -> list[DeviceRow]:
        """The devices that match, in this order: after the first `skip`, the next `limit`."""

    def rows_with(self, keys: Iterable[int]) -> dict[int, DeviceRow]:
        """The devices with these keys, by key."""

    def duplicates(self, scope: Scope, where: DeviceFilter) -> Duplicates:
        """Of the devices that match; a serial number is a duplicate within the scope."""

    def undated(self, scope: Scope, where: DeviceFilter) -> int:
        """How many of the devices that match have no date of their upload that is known."""

    def find(self, scope: Scope, identifiers: Iterable[str]) -> dict[str, list[DeviceRow]]:
        """The devices whose serial number, id or product key has each of these `match_key`s, by that key.

        Product keys are compared without dashes and spaces.
        """

    def ending_so(self, scope: Scope, ends: Iterable[str], *, limit: int) -> list[tuple[int, str]]:
        """The keys of the first `limit` devices whose product key ends with one of `ends`, each with that.

        ends: the `match_key`s of the last `SHOWN_CHARACTERS` of product keys.
        """

    def serial_keys(self, scope: Scope, *, after: int, limit: int) -> list[tuple[int, str]]:
        """The keys and the serial numbers' `match_key`s of the first `limit` devices that have one, behind `after`."""

    def in_time(self, until: float, question: Callable[[], T]) -> T:
        """What `question`, which asks this store, gives until then, on the monotonic clock.

        Raises `TooSlow`; then the store is as if it had not been asked.
        """

    def close(self) -> None:
        """Frees the memory."""
