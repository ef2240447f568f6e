"""What the clients ask, at random but the same in each run, and which answers and errors may come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from bench import plain
from bench.soak.truth import Answer, Truth
from pc_mcp.partner_center import errors
from pc_mcp.sandbox import catalog

SERVICE_ERRORS = {
    "failed": errors.ServiceFailure.summary,
    "throttled": errors.Throttled.summary,
    "unreachable": errors.Unreachable.summary,
    "out of time": "Partner Center did not answer within the time that a call may take.",
}
"""What a service that fails and throttles may lead to, where there is nothing at all to answer with."""

CURSOR_GONE = "The list that this cursor pages is no longer kept"

CUSTOMERS = [
    company.name
    for company in catalog.COMPANIES
    if company.holding in {"small", "medium", "many small", "hostile", "one empty", "none"}
    and company.name != catalog.NO_RELATIONSHIP_CUSTOMER
]
FILTERS: list[Mapping[str, str]] = [
    {},
    {"policy": "none"},
    {"policy": "o"},
    {"manufacturer": "dell"},
    {"model": "surface", "policy": "none"},
    {"serial_number": "7"},
    {"uploaded_after": "2021-06-01"},
    {"uploaded_before": "2023-03-04T05:06:07Z", "manufacturer": "hp"},
]
MISTAKES: list[tuple[str, Mapping[str, Any], str]] = [
    ("list_devices", {"customer": "Contoso Ltd", "serial": "7"}, "There is no argument serial"),
    ("list_devices", {"customer": "Contoso Ltd", "limit": 1000}, "cannot be called so"),
    ("list_devices", {}, "customer is missing"),
    ("list_devices", {"customer": "No such customer"}, "No customer matches"),
    ("list_devices", {"customer": "Contoso Ltd", "batch": "no such batch"}, "has no batch"),
    ("list_devices", {"customer": "Contoso Ltd", "cursor": "forged"}, "cursor"),
    ("find_devices", {"identifiers": []}, "cannot be called so"),
    ("find_devices", {"identifiers": ["x"]}, "Whose devices?"),
    ("find_customers", {"limit": 0}, "cannot be called so"),
    ("list_device_batches", {"customer": catalog.NO_RELATIONSHIP_CUSTOMER}, errors.NoRelationship.summary),
    ("get_batch_upload_status", {"customer": "Contoso Ltd", "batch_tracking_id": "nothing"}, "upload"),
]


@dataclass(frozen=True)
class Question:
    """A call, and what its answer is held against; `refusal`: words of the error that must come instead."""

    tool: str
    arguments: Mapping[str, Any]
    check: Callable[[Answer], None]
    refusal: str | None = None

    def kind_of_error(self, words: str) -> str | None:
        """The kind of an error that may come in answer to it, or None where it may not."""
        if self.refusal and self.refusal in words:
            return "refused, rightly"
        if "cursor" in self.arguments and words.startswith(CURSOR_GONE):
            return "cursor gone"
        return next((kind for kind, start in SERVICE_ERRORS.items() if words.startswith(start)), None)


class Questions:
    """Draws questions of every kind."""

    def __init__(self, truth: Truth, seed: int) -> None:
        self._truth = truth
        self._random = Random(seed)

    def draw(self) -> Question:
        """The next question."""
        kinds = (self._devices, self._find, self._batches, self._customers, self._policies, self._upload, self._mistake)
        return self._random.choices(kinds, weights=(10, 4, 3, 2, 1, 1, 2))[0]()

    def following(self, question: Question, answer: Answer) -> Question | None:
        """The question for the next page, now and then."""
        cursor = answer.get("next_cursor")
        if question.tool != "list_devices" or not cursor or self._random.random() < 0.4:
            return None
        keywords = question.check.keywords if isinstance(question.check, partial) else {}
        start = keywords["start"] + answer["shown"]
        check = partial(self._truth.check_devices, **{**keywords, "start": start})
        arguments = {name: value for name, value in question.arguments.items() if name != "refresh"}
        return Question(question.tool, {**arguments, "cursor": cursor}, check)

    def _name(self) -> str:
        return self._random.choice(CUSTOMERS)

    def _devices(self) -> Question:
        name, where = self._name(), self._random.choice(FILTERS)
        batches = [batch.id for batch in self._truth.customers[name].batches]
        batch = self._random.choice(batches) if batches and self._random.random() < 0.4 else None
        arguments: dict[str, Any] = {"customer": name, "limit": self._random.choice([0, 0, 5, 20, 100]), **where}
        if batch:
            arguments["batch"] = plain.cleaned(batch)
        if self._random.random() < 0.7:
            arguments["group_by"] = self._random.sample(
                [*plain.GROUPINGS, *plain.COMBINATIONS], self._random.randint(0, 3)
            )
        if self._random.random() < 0.2:
            arguments["fields"] = list(plain.COLUMNS)
        if self._random.random() < 0.1:
            arguments["refresh"] = True
        check = partial(self._truth.check_devices, name=name, batch=batch, where=where, start=0)
        return Question("list_devices", arguments, check)

    def _find(self) -> Question:
        name = self._name()
        devices = self._truth.customers[name].devices
        some = self._random.sample(devices, min(len(devices), self._random.randint(1, 30)))
        texts = (device[self._random.choice(("serial_number", "id", "product_key"))] for device in some)
        plainly = {text for text in texts if text and text == plain.cleaned(text) and len(text) < 100}
        # Two that differ in case only would be one question.
        identifiers = [*{plain.key(text): text for text in sorted(plainly)}.values(), "no such device"]
        check = partial(self._truth.check_findings, name=name, identifiers=identifiers)
        return Question("find_devices", {"customer": name, "identifiers": identifiers}, check)

    def _batches(self) -> Question:
        name, part = self._name(), self._random.choice(["", "rollout", "2", "no such batch"])
        arguments: dict[str, Any] = {"customer": name, "limit": self._random.choice([0, 25, 100])}
        arguments |= {"name_contains": part} if part else {}
        return Question("list_device_batches", arguments, partial(self._truth.check_batches, name=name, part=part))

    def _customers(self) -> Question:
        query = self._random.choice(["con", "inc", "CONTOSO", "no such customer"])
        return Question("find_customers", {"query": query}, partial(self._truth.check_customers, query=query))

    def _policies(self) -> Question:
        name = self._name()
        check = partial(self._truth.check_policies, name=name)
        return Question("list_configuration_policies", {"customer": name}, check)

    def _upload(self) -> Question:
        name = "Contoso Ltd"
        upload = self._random.choice(self._truth.world.uploads(self._truth.world.customer_id(name)))
        arguments = {"customer": name, "batch_tracking_id": upload["batchTrackingId"]}
        return Question("get_batch_upload_status", arguments, partial(self._truth.check_upload, upload=upload))

    def _mistake(self) -> Question:
        tool, arguments, refusal = self._random.choice(MISTAKES)
        return Question(tool, arguments, _nothing, refusal)


def _nothing(answer: Answer) -> None:
    """A question that should have been refused was answered; `Client` of `clients` says so."""
