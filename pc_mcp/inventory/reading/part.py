"""What a question is about: one batch of a customer, or all of its batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import Scope
from pc_mcp.partner_center.models import DeviceBatch


@dataclass(frozen=True, slots=True)
class Part:
    """The devices of one batch, or of every batch that the customer's list names."""

    snapshot: Snapshot
    reading: BatchReading | None

    @property
    def batch(self) -> DeviceBatch | None:
        return self.reading.batch if self.reading else None

    @property
    def scope(self) -> Scope:
        """Where its devices are in the snapshot's store."""
        if self.reading is None:
            return Scope(0, self.snapshot.listed)
        return Scope(self.reading.number, self.reading.number + 1)

    @property
    def readings(self) -> Sequence[BatchReading]:
        return self.snapshot.readings[self.scope.first : self.scope.end]

    @property
    def is_unlisted(self) -> bool:
        """Whether it is a batch that the customer's list lacks."""
        return self.reading is not None and self.reading.number >= self.snapshot.listed

    @property
    def generation(self) -> int:
        """Changes with its devices."""
        if self.reading:
            return self.reading.generation
        return max([self.snapshot.list_generation, *(reading.generation for reading in self.readings)])

    @property
    def devices(self) -> int:
        """How many were read."""
        return sum(reading.devices for reading in self.readings)
