"""Holds every answer against what plain Python makes of the same data; shares no code with the program."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any

from bench import plain
from pc_mcp.sandbox import World

Answer = Mapping[str, Any]
Device = Mapping[str, Any]


class Wrong(Exception):
    """An answer that contradicts the truth, or says more than it can know."""


def expect(holds: object, what: str) -> None:
    """Raises `Wrong` where it does not hold."""
    if not holds:
        raise Wrong(what)


class KeptWorld(World):
    """Holds the pages that it has made: the clients are to wait for the server, not for it."""

    def __init__(self) -> None:
        super().__init__()
        self.device_page = lru_cache(maxsize=4000)(super().device_page)  # type: ignore[method-assign]


class Matching:
    """The devices of some batches that meet every condition, and what is counted of them; each is made once."""

    def __init__(self, batches: Sequence[plain.PlainBatch], where: Mapping[str, str]) -> None:
        self.batches = batches
        self.where = where
        self.devices = [device for each in batches for device in each.devices]
        self.matched = plain.matching(self.devices, where)
        self.grouped = cache(lambda by: plain.combined(self.matched, by))

    @cached_property
    def rows(self) -> list[Device]:
        """As an answer writes them."""
        return [plain.row(device) for device in self.matched]

    @cached_property
    def attention(self) -> Mapping[str, int]:
        """What an agent would want to be told."""
        return plain.attention(self.devices, self.matched, self.batches, self.where)


class Truth:
    """What the sandbox serves of these customers, and whether an answer agrees with it."""

    def __init__(self, world: World, customers: Iterable[str]) -> None:
        self.world = world
        self.customers = {name: plain.customer_of(world, name) for name in customers}
        self._matching = cache(self._all_matching)
        self._holders = {name: _holders(customer.devices) for name, customer in self.customers.items()}

    def _all_matching(self, name: str, batch: str | None, where: tuple[tuple[str, str], ...]) -> Matching:
        return Matching([each for each in self.customers[name].batches if batch in (None, each.id)], dict(where))

    def check_devices(self, answer: Answer, name: str, batch: str | None, where: Mapping[str, str], start: int) -> None:
        """An answer of `list_devices`, whose rows are those from `start` on of all that match."""
        true = self._matching(name, batch, tuple(where.items()))
        whole = answer["complete"]
        _count("devices_total", answer["devices_total"], len(true.devices), whole)
        _count("devices_matched", answer["devices_matched"], len(true.matched), whole)
        _count("batches_read", answer["batches_read"], len(true.batches), whole)
        unknown = _unknown_columns(answer)
        for group in answer["groups"] if not unknown else ():
            _check_group(group, true.grouped(group["by"]), answer["devices_matched"], whole)
        if answer["devices"]:
            _check_rows(_without(unknown, answer["devices"]), _without(unknown, true.rows), start, whole)
        if whole:
            given = {row["kind"]: row["devices"] for row in answer["attention"]}
            expect(given.items() <= true.attention.items(), f"attention is {given} and should be {true.attention}")

    def check_findings(self, answer: Answer, name: str, identifiers: Sequence[str]) -> None:
        """An answer of `find_devices`."""
        unknown = _unknown_columns(answer)
        held = {text: self._holders[name].get(plain.key(text), []) for text in identifiers}
        fitting = {text: _without(unknown, map(plain.row, devices)) for text, devices in held.items()}
        known = sum(map(bool, fitting.values()))
        _count("identifiers_found", answer["identifiers_found"], known, answer["complete"])
        for row in answer["found"]:
            found = _without(unknown, [row["device"]])
            fits = all(any(each.items() <= device.items() for device in fitting[row["identifier"]]) for each in found)
            expect(fits, f"{row['identifier']} is no identifier of {found}, but of {fitting[row['identifier']]}")
        for identifier in answer["not_found"]:
            expect(not answer["complete"] or not fitting[identifier], f"{identifier} is called not found")
        so_far = any("not found so far" in note for note in answer["notes"])
        expect(answer["complete"] or so_far or not answer["not_found"], "not found, and no note says so far")

    def check_batches(self, answer: Answer, name: str, part: str) -> None:
        """An answer of `list_device_batches` to the batches whose names contain `part`."""
        batches = self.customers[name].batches
        matched = [batch for batch in batches if plain.key(part) in plain.key(batch.id)]
        _count("batches_total", answer["batches_total"], len(batches), answer["complete"])
        _count("batches_matched", answer["batches_matched"], len(matched), answer["complete"])
        _count("devices_expected", answer["devices_expected"], sum(b.count for b in batches), answer["complete"])
        known = {(plain.cleaned(batch.id), batch.count) for batch in matched}
        given = [(row["id"], row["devices"]) for row in answer["batches"]]
        expect(set(given) <= known and len(set(given)) == len(given), "batches that the customer has not")

    def check_customers(self, answer: Answer, query: str) -> None:
        """An answer of `find_customers`."""
        customers = [item["companyProfile"] for item in self.world.customers()]
        fitting = [c for c in customers if any(plain.key(query) in plain.key(c[f]) for f in ("companyName", "domain"))]
        _count("customers_total", answer["customers_total"], len(customers), answer["complete"])
        _count("customers_matched", answer["customers_matched"], len(fitting), answer["complete"])

    def check_policies(self, answer: Answer, name: str) -> None:
        """An answer of `list_configuration_policies`."""
        policies = self.world.policies(self.world.customer_id(name))
        _count("policies_total", answer["policies_total"], len(policies), answer["complete"])
        known = {plain.cleaned(policy["name"]) for policy in policies}
        expect({row["name"] for row in answer["policies"]} <= known, "policies that the customer has not")

    def check_upload(self, answer: Answer, upload: Mapping[str, Any]) -> None:
        """An answer of `get_batch_upload_status`."""
        devices = upload.get("devicesStatus")
        # None are listed while the upload is in the queue: then nobody knows how many there are.
        total = len(devices) if devices else None
        expect(answer["devices_total"] == total, f"{answer['devices_total']} devices of an upload of {total}")


def _unknown_columns(answer: Answer) -> set[str]:
    """What an answer may say otherwise, because a note of it says so."""
    return {"policy" for note in answer["notes"] if note.startswith("The list of policies could not be read")}


def _without(columns: set[str], rows: Iterable[Device]) -> list[Device]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def _count(name: str, given: int, true: int, whole: bool) -> None:
    """What is called complete is exact; anything else is never more than there is."""
    fits = given == true if whole else given <= true
    expect(fits, f"{name} is {given:,} of {true:,}, {'' if whole else 'not '}called complete")


def _check_group(group: Answer, true: Counter[tuple[str | None, ...]], matched: int, whole: bool) -> None:
    given = [(tuple(row.values())[:-1], row["devices"]) for row in group["values"]]
    total = sum(devices for _, devices in given) + group["other"]
    expect(total == matched, f"the devices by {group['by']} are {total:,} and {matched:,} match")
    known: dict[tuple[str, ...], list[int]] = {}
    for values, devices in true.items():
        shown = tuple("(none)" if value is None else plain.cleaned(value) for value in values)
        known.setdefault(shown, []).append(devices)
    for value, devices in given:
        counts = known.get(value, [])
        fits = devices in counts if whole else devices <= max(counts, default=0)
        expect(fits, f"{devices:,} devices have the {group['by']} {value!r}, which should be {counts}")


def _check_rows(rows: Sequence[Device], matched: Sequence[Device], start: int, whole: bool) -> None:
    given = [tuple(row.items()) for row in rows]

    def as_given(devices: Sequence[Device]) -> list[tuple[Any, ...]]:
        return [tuple((column, device[column]) for column in rows[0]) for device in devices]

    if whole:
        expect(given == as_given(matched[start : start + len(given)]), f"the rows from {start:,} on are others")
    else:
        expect(Counter(given) <= Counter(as_given(matched)), "rows that the customer has not, or not so often")


def _holders(devices: Iterable[Device]) -> dict[str, list[Device]]:
    """The devices that each serial number, id and product key names."""
    holders: dict[str, list[Device]] = {}
    for device in devices:
        identifiers = (device[column] for column in ("serial_number", "id", "product_key"))
        for identifier in {plain.key(text) for text in identifiers if text}:
            holders.setdefault(identifier, []).append(device)
    return holders
