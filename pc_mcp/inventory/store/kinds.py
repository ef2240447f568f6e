"""Devices of one kind: what many devices have in common is stored once, and counted by the kind.

A batch of 100,000 devices has a few hundred kinds, so most questions are answered from their counts
and look at no single device.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pc_mcp.partner_center.models import AssignedPolicy, Device
from pc_mcp.runtime.ids import id_key
from pc_mcp.runtime.text import visible, visible_or_none

NamedFact = Literal["manufacturer", "model", "policy"]
"""What a device may have a name of, and conditions may be about."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What devices have in common."""

    manufacturer: str | None
    model: str | None
    policy: str | None
    has_serial_number: bool


_AsSent = tuple[str | None, str | None, tuple[AssignedPolicy, ...] | None, bool]


def policy_key(policy_id: str) -> str:
    """The key by which a policy's id is known."""
    return id_key(policy_id)


_NO_POLICY = "00000000-0000-0000-0000-000000000000"
"""How .NET writes an id that is none."""

_KIND_BYTES, _CHARACTER_BYTES = 1000, 4


class Kinds:
    """Numbers the kinds from 0 in the order in which they are first seen.

    policy_names: the names of policies by `policy_key`; a device names its policy by either. `bytes`: how much
    memory the kinds take, at most.
    """

    def __init__(self, policy_names: Mapping[str, str]) -> None:
        self._policy_names = policy_names
        self._by_facts: dict[_AsSent, int] = {}
        self._numbers: dict[Kind, int] = {}
        self._texts: dict[str, str] = {}
        self.all: list[Kind] = []
        self.bytes = 0

    def number_of(self, device: Device, *, has_serial_number: bool) -> int:
        """The number of the device's kind."""
        as_sent = (device.manufacturer, device.model, device.policies, has_serial_number)
        number = self._by_facts.get(as_sent)
        if number is None:
            kind = Kind(
                self._shared(device.manufacturer),
                self._shared(device.model),
                self._policy(device.policies or ()),
                has_serial_number,
            )
            number = self._by_facts[as_sent] = self._numbers.setdefault(kind, len(self.all))
            if number == len(self.all):
                self.all.append(kind)
            texts = (device.manufacturer, device.model, *(policy.value for policy in device.policies or ()))
            self.bytes += _KIND_BYTES + 2 * _CHARACTER_BYTES * sum(len(text or "") for text in texts)
        return number

    def names(self, fact: NamedFact) -> list[str]:
        """The values that devices have, each once."""
        found: Iterable[str | None] = (getattr(kind, fact) for kind in self.all)
        return [name for name in dict.fromkeys(found) if name]

    def policy_names(self) -> list[str]:
        """The names of the customer's policies, whether a device has them or not, each once."""
        return list(dict.fromkeys(self._policy_names.values()))

    def _policy(self, policies: tuple[AssignedPolicy, ...]) -> str | None:
        values = [value for policy in policies if (value := visible_or_none(policy.value))]
        keys = map(policy_key, values)
        named = [
            self._policy_names.get(key, value) for key, value in zip(keys, values, strict=True) if key != _NO_POLICY
        ]
        return self._shared(", ".join(dict.fromkeys(filter(None, map(visible, named)))))

    def _shared(self, text: str | None) -> str | None:
        """The visible text, as an object that all kinds with it share."""
        shown = visible_or_none(text)
        return None if shown is None else self._texts.setdefault(shown, shown)
