"""What the double of Partner Center answers of a customer whose every device is known, and where it goes wrong."""

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from urllib.parse import unquote

import anyio
import anyio.lowlevel

from bench import plain
from tests.double import HANG, HANG_UP, Answer, Request, raw, serving

CUSTOMER = "0d2f5b7e-6c1a-4f43-9a83-5e8b7a0c4d19"
LIST = "the list of batches"
POLICIES = "the list of policies"


@dataclass(frozen=True)
class Lot:
    """A batch: `sizes` of its pages, the `devicesCount` that it claims to have, and what decides its items."""

    sizes: tuple[int, ...]
    miscount: int | None = 0
    seed: int = 0

    @property
    def walkable(self) -> bool:
        """Whether its pages come to an end soon enough: pages that stay empty are given up."""
        return "0000" not in "".join(str(min(size, 9)) for size in self.sizes[:-1])


@dataclass(frozen=True)
class Fault:
    """What goes wrong with page `page` of `where`: a batch's number, or one of the lists."""

    kind: str
    where: int | str
    page: int
    times: int


@dataclass(frozen=True)
class Scenario:
    """A customer, what goes wrong, and how many turns of the event loop each answer waits."""

    lots: tuple[Lot, ...]
    list_page: int
    junk: int
    faults: tuple[Fault, ...]
    turns: tuple[int, ...]


class Books:
    """The devices of a scenario: as pages of JSON values, and as plain Python reads them."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.pages: dict[int | str, list[list[object]]] = {POLICIES: [[]]}
        batches = []
        listed: list[object] = list(range(scenario.junk))
        for number, lot in enumerate(scenario.lots):
            numbers = iter(range(sum(lot.sizes)))
            rng = random.Random(lot.seed)
            pages = [[_item(rng, number, next(numbers)) for _ in range(size)] for size in lot.sizes] or [[]]
            items = [item for page in pages for item in page]
            count = None if lot.miscount is None else max(0, len(items) + lot.miscount)
            self.pages[number] = pages
            listed.append({"id": f"batch {number}", "devicesCount": count})
            read = [plain.device_of(item, f"batch {number}", {}) for item in items]
            devices = [device for device in read if device]
            batches.append(plain.PlainBatch(f"batch {number}", count, devices, len(items) - len(devices)))
        size = scenario.list_page
        self.pages[LIST] = [listed[start : start + size] for start in range(0, len(listed), size)] or [[]]
        self.customer = plain.PlainCustomer(CUSTOMER, "Faulty", batches)


def _item(rng: random.Random, batch: int, number: int) -> object:
    """A device whose id no other one has; now and then something that is no device."""
    if rng.random() < 0.08:
        return rng.choice([f"odd {number}", number, [None, number]])
    return {
        "id": f"d{batch}-{number}",
        "serialNumber": rng.choice(["S1", "s1", "S2", None, number, f"SN{batch}{number}"]),
        "productKey": rng.choice([None, f"AAAAA-{batch}-BBBBB-{number:05}"]),
        "oemManufacturerName": rng.choice(["Dell Inc.", "HP", "hp", None]),
        "modelName": rng.choice(["Latitude", "EliteBook", 7430, {"not": "text"}]),
        "policies": rng.choice([None, [], [{"value": "Kiosk"}], [{"value": None}, {"value": "Field"}]]),
        "uploadedDate": rng.choice(["2024-05-06T07:08:09Z", "2024-06-30T23:30:00-07:00", "no date", None]),
    }


Spoiled = Callable[[bytes], bytes]
"""What becomes of an answer whose body would have been the argument."""

said = partial(raw, Connection="keep-alive")


def _refused(status: int, code: int | None = None, **headers: str) -> Spoiled:
    body = b"<html>gateway</html>" if code is None else json.dumps({"code": code}).encode()
    return lambda _: said(body, status, **headers)


def _instead(body: bytes) -> Spoiled:
    return lambda _: said(body)


FAULTS: dict[str, Spoiled] = {
    "400": _refused(400, 2000),
    "401": _refused(401, 800001),
    "403": _refused(403, 1002),
    "404": _refused(404, 1000),
    "408": _refused(408, Retry_After="0"),
    "429": _refused(429, Retry_After="0"),
    "429 with a date": _refused(429, Retry_After=formatdate(0, usegmt=True)),
    "500": _refused(500, 500, Retry_After="0"),
    "502": _refused(502, Retry_After="0"),
    "503": _refused(503, Retry_After="0"),
    "504": _refused(504, Retry_After="0"),
    "redirect": _refused(302, Location="https://elsewhere.invalid/"),
    "HTML": _instead(b"<html>Welcome</html>"),
    "no body": _instead(b""),
    "no collection": _instead(b"[]"),
    "an error that is called a success": _instead(b'{"code": 1000, "description": "x"}'),
    "items that are no list": _instead(b'{"items": {"0": {}}}'),
    "JSON that breaks off": lambda body: said(body[: len(body) // 2]),
    "gzip that does not unpack": lambda body: said(b"\x1f\x8b" + body, Content_Encoding="gzip"),
    "a length that is too small": lambda body: said(body, length=len(body) // 2),
}
SLOW_FAULTS: dict[str, Spoiled] = {
    "500 without a time to wait": _refused(500),
    "429 without a time to wait": _refused(429),
    "no answer but the end": lambda _: HANG_UP,
    "half a head": lambda body: said(body)[:20],
    "half a body": lambda body: said(body)[:-5],
}
"""Faults after which the client chooses how long to wait."""

PAGE_FAULTS = ("a token again", "a page again", "the page before", "the last page but one", "a token that is no text")
"""Faults of what a page says; see `Faulty._page`."""

NO_ANSWER = "no answer"


@dataclass
class Faulty:
    """The service. `scenario` may be changed between requests; each fault is given as often as it says."""

    base_url: str = ""
    books: Books = field(default_factory=lambda: Books(Scenario((), 1, 0, (), (0,))))
    faults: dict[tuple[int | str, int], list[str]] = field(default_factory=dict)
    requests: int = 0
    at_request: dict[int, Callable[[], None]] = field(default_factory=dict)

    def play(self, scenario: Scenario) -> plain.PlainCustomer:
        """Serves a customer from now on, whose truth it returns."""
        self.books = Books(scenario)
        self.faults = {}
        self.requests = 0
        self.at_request = {}
        for fault in scenario.faults:
            self.faults.setdefault((fault.where, fault.page), []).extend([fault.kind] * fault.times)
        return self.books.customer

    async def answer_to(self, request: Request) -> Answer:
        """The answer to one request, after as many turns of the event loop as the scenario says."""
        self.requests += 1
        self.at_request.pop(self.requests, lambda: None)()
        turns = self.books.scenario.turns
        for _ in range(turns[self.requests % len(turns)]):
            await anyio.lowlevel.checkpoint()
        customer, where = _asked(request.target)
        if where is None:
            return said(json.dumps({"id": customer, "companyProfile": {"companyName": "Faulty"}}).encode())
        if where not in self.books.pages:
            return said(b'{"code": 1000}', 404)
        number = 0
        if token := request.headers.get("ms-continuationtoken"):
            of, _, position = token.partition(":")
            if of != str(where):
                return said(b'{"code": 2000}', 400)
            number = int(position)
        planned = self.faults.get((where, number))
        fault = planned.pop() if planned else ""
        if fault == NO_ANSWER:
            return HANG
        body = json.dumps(self._page(where, number, fault)).encode()
        return {**FAULTS, **SLOW_FAULTS}.get(fault, said)(body)

    def _page(self, where: int | str, number: int, fault: str) -> dict[str, object]:
        pages = self.books.pages[where]
        items, token = pages[number], f"{where}:{number + 1}" if number + 1 < len(pages) else None
        if fault == "a token again" and number:
            token = f"{where}:{number}"
        elif fault == "a page again" and number and pages[number - 1]:
            items, token = pages[number - 1], f"{where}:{number}"
        elif fault == "the page before" and number and pages[number - 1]:
            items = pages[number - 1]
        elif fault == "the last page but one" and number > 1:
            items, token = pages[number - 2], f"{where}:{number - 1}"
        elif fault == "a token that is no text" and token:
            return {"items": items, "continuationToken": {"value": token}}
        return {"totalCount": len(items), "items": items, "continuationToken": token}


def _asked(target: str) -> tuple[str, int | str | None]:
    """The customer, and what of it is asked for; None: the customer itself."""
    customer, *rest = unquote(target).partition("?")[0].removeprefix("/v1/customers/").split("/")
    match rest:
        case ["deviceBatches"]:
            return customer, LIST
        case ["policies"]:
            return customer, POLICIES
        case ["deviceBatches", batch, "devices"]:
            return customer, int(batch.removeprefix("batch "))
    return customer, None


@asynccontextmanager
async def faulty_service() -> AsyncIterator[Faulty]:
    """The service on a free port, for as long as the block lasts."""
    faulty = Faulty()
    async with serving(answer_to=faulty.answer_to) as double:
        faulty.base_url = double.base_url
        yield faulty
