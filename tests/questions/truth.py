"""What is true of the simulated customers, by plain Python: nothing here asks the server."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from bench import plain
from pc_mcp.sandbox import World

Device = dict[str, Any]


class Truth:
    """The facts of a world, each customer read once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.customer = cache(lambda name: plain.customer_of(world, name))

    def devices(self, name: str, batch: str | None = None, **where: Any) -> list[Device]:
        """The devices of a customer, or of one batch, that meet the conditions, named as the tool's arguments are."""
        every = [each for each in self.customer(name).devices if batch in (None, each["batch"])]
        return plain.matching(every, where)

    def count(self, name: str, batch: str | None = None, **where: Any) -> int:
        return len(self.devices(name, batch, **where))

    def by(self, name: str, fact: str, batch: str | None = None, **where: Any) -> list[tuple[Any, ...]]:
        """How many devices have each value of a fact, or each combination of two, the most first."""
        counted: Counter[tuple[Any, ...]] = plain.combined(self.devices(name, batch, **where), fact)
        return [(*(value or "(none)" for value in values), n) for values, n in counted.most_common()]

    def with_serial(self, name: str, *serials: str) -> list[Device]:
        keys = {plain.key(serial) for serial in serials}
        return [
            each for each in self.devices(name) if each["serial_number"] and plain.key(each["serial_number"]) in keys
        ]

    def serials(self, name: str, number: int) -> list[str]:
        """So many serial numbers of a customer that only one device has, from all over its list."""
        counted = Counter(each["serial_number"] for each in self.devices(name) if each["serial_number"])
        once = [serial for serial, devices in counted.items() if devices == 1]
        return once[:: max(1, len(once) // number)][:number]

    def batches(self, name: str) -> list[Mapping[str, Any]]:
        """As the service lists them, the newest first."""
        return plain.newest_first(list(self._world.batches(self._world.customer_id(name))))

    def oldest_batch(self, name: str) -> str:
        """The id of the batch that was created first."""
        dated = [each for each in self.batches(name) if plain.instant(each.get("creationDate"))]
        return str(dated[-1]["id"])

    def policies(self, name: str) -> list[Mapping[str, Any]]:
        return list(self._world.policies(self._world.customer_id(name)))

    def upload(self, name: str, status: str) -> Mapping[str, Any]:
        (found,) = [each for each in self._world.uploads(self._world.customer_id(name)) if each["status"] == status]
        return found

    def profile(self, name: str) -> Mapping[str, Any]:
        """Id, domain and name of a customer."""
        profiles = [each["companyProfile"] for each in self._world.customers()]
        return next(each for each in profiles if each["companyName"] == name)
