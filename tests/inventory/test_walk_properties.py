"""Whatever pages, orders and faults a walk meets, its answer equals the truth or is not called complete."""

import uuid
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from mcp import Client

from bench import plain
from pc_mcp.inventory import Call, DeviceFilter, Inventory, QuestionError, find_devices, list_devices
from pc_mcp.partner_center import PartnerCenter, PartnerCenterError, Transport
from pc_mcp.partner_center.models import Customer
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings
from tests.inventory.faulty import (
    CUSTOMER,
    FAULTS,
    LIST,
    NO_ANSWER,
    PAGE_FAULTS,
    POLICIES,
    SLOW_FAULTS,
    Fault,
    Lot,
    Scenario,
    faulty_service,
)

# Many inputs to lines that other tests cover too; to be measured would double what these take.
pytestmark = pytest.mark.no_cover

PLENTY = 30.0
WHERE = [
    {},
    {"policy": "none"},
    {"policy": "kiosk"},
    {"manufacturer": "hp"},
    {"model": "e", "serial_number": "s"},
    {"uploaded_after": "2024-06-01"},
    {"uploaded_before": "2024-06-01", "manufacturer": "d"},
]

DETERMINISTIC = settings(
    # To shrink an example of so many requests takes longer than a test may.
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Question:
    """What is asked; `batch` beyond the last one means all of them.

    seconds: the call's time; cancelled_at: the request, counted from the question on, at which its
    client gives it up.
    """

    where: dict[str, str]
    batch: int
    identifiers: bool
    refresh: bool
    seconds: float
    cancelled_at: int | None


lots = st.builds(
    Lot,
    sizes=st.lists(st.sampled_from([0, 1, 1, 2, 3, 8, 30]), max_size=7).map(tuple),
    miscount=st.sampled_from([0, 0, 0, None, 1, -2, 1000]),
    seed=st.integers(0, 2**16),
)
turns = st.lists(st.integers(0, 40), min_size=1, max_size=5).map(tuple)
questions = st.builds(
    Question,
    where=st.sampled_from(WHERE),
    batch=st.integers(0, 12),
    identifiers=st.sampled_from([False, False, True]),
    refresh=st.booleans(),
    seconds=st.sampled_from([PLENTY, PLENTY, 0.05, 0.01]),
    cancelled_at=st.none() | st.none() | st.integers(1, 12),
)
rounds = st.lists(st.lists(questions, min_size=1, max_size=3), min_size=1, max_size=3)


def faults(kinds):
    places = st.sampled_from([LIST, POLICIES]) | st.integers(0, 7) | st.integers(0, 7)
    return st.lists(
        st.builds(Fault, st.sampled_from(kinds), places, st.integers(0, 4), st.sampled_from([1, 1, 2, 6])), max_size=8
    ).map(tuple)


def scenarios(kinds):
    return st.builds(
        Scenario,
        lots=st.lists(lots, max_size=8).map(tuple),
        list_page=st.sampled_from([100, 3]),
        junk=st.sampled_from([0, 0, 0, 2]),
        faults=faults(kinds),
        turns=turns,
    )


class Renewing:
    """An account whose tokens are renewed as often as they are refused."""

    id = "an account"

    def __init__(self):
        self.number = 0

    async def token(self):
        return f"token-{self.number}"

    async def renewed(self, refusal):
        if refusal.token == f"token-{self.number}":
            self.number += 1
        return f"token-{self.number}"


@pytest.fixture(scope="module")
def portal():
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def service(portal):
    with portal.wrap_async_context_manager(faulty_service()) as service:
        yield service


@pytest.fixture(scope="module")
def transport(portal, service):
    """One for all examples: it takes longer to make than a walk."""

    @asynccontextmanager
    async def opened():
        async with Transport(service.base_url, backoff=lambda _: 0.0) as transport:
            yield transport

    with portal.wrap_async_context_manager(opened()) as transport:
        yield transport


@pytest.fixture(scope="module")
def client(portal, service):
    settings = Settings(
        partner_center={"base_url": service.base_url},
        auth={"mode": "token", "access_token": "a-token"},
        answers={"max_chars": 100_000},
    )
    with portal.wrap_async_context_manager(Client(build_server(settings))) as client:
        yield client


def batch_of(question, truth):
    """The batch that a question is about, or None for all of them."""
    return truth.batches[question.batch] if question.batch < len(truth.batches) else None


def identifiers_of(truth):
    """Some of what can be found, and something that cannot."""
    some = [
        device[column]
        for column in ("id", "serial_number", "product_key")
        for device in truth.devices[::7]
        if device[column]
    ]
    return [*dict.fromkeys(map(plain.key, some)), "no such device"][:150]


def holders(truth, identifier):
    """The ids of the devices that an identifier names."""
    return [
        device["id"]
        for device in truth.devices
        if identifier in {plain.key(device[c]) for c in ("id", "serial_number", "product_key") if device[c]}
    ]


class Asker:
    """Asks the inventory, and holds each answer against the truth."""

    def __init__(self, service, transport, truth):
        self.service = service
        self.transport = transport
        self.truth = truth
        self.inventory = Inventory(snapshot_seconds=900, concurrency=8)
        self.customer = Customer(id=CUSTOMER, name="Faulty")

    async def ask(self, question):
        """The coverage of the answer, or None where there was none."""
        with anyio.CancelScope() as scope:
            if question.cancelled_at:
                self.service.at_request[self.service.requests + question.cancelled_at] = scope.cancel
            try:
                return await self._ask(question)
            except (PartnerCenterError, QuestionError):
                return None

    async def _ask(self, question):
        until = anyio.current_time() + question.seconds
        call = Call(
            self.inventory, PartnerCenter(self.transport, Renewing(), "an id"), until, until + 10, self._progress
        )
        if question.identifiers:
            return await self._find(call, question)
        batch = batch_of(question, self.truth)
        where = {
            name: datetime.fromisoformat(text).replace(tzinfo=UTC) if name.startswith("uploaded") else text
            for name, text in question.where.items()
        }
        answer = await list_devices(
            call,
            self.customer,
            batch.id if batch else None,
            DeviceFilter(**where),
            group_by=[(by,) for by in plain.GROUPINGS],
            limit=1000,
            refresh=question.refresh,
        )
        self._check(answer, [batch] if batch else self.truth.batches, question.where)
        return answer.coverage

    async def _progress(self, progress):
        assert progress.devices_read <= len(self.truth.devices)
        assert progress.batches_read <= progress.batches_total

    def _check(self, answer, batches, where):
        devices = [device for batch in batches for device in batch.devices]
        expected = plain.matching(devices, where)
        rows = [row.row.id for row in answer.devices]
        assert answer.total <= len(devices)
        assert answer.matched == len(rows) <= len(expected)
        assert Counter(rows) <= Counter(device["id"] for device in expected)
        assert answer.coverage.unreadable_devices <= sum(batch.unreadable for batch in batches)
        for group in answer.groups:
            assert sum(devices for _, devices in group.values) == answer.matched
            assert Counter(dict(group.values)) <= plain.combined(expected, *group.by)
        if answer.coverage.complete:
            assert answer.total == len(devices)
            assert rows == [device["id"] for device in expected]
            assert answer.coverage.batches_read == answer.coverage.batches_total == len(batches)
            assert answer.coverage.unreadable_devices == sum(batch.unreadable for batch in batches) == 0
            assert not answer.coverage.problems
            differing = {
                batch.id: (batch.count, len(batch.devices) + batch.unreadable)
                for batch in batches
                if batch.count not in (None, len(batch.devices) + batch.unreadable)
            }
            assert {d.batch: (d.expected, d.read) for d in answer.disagreements} == differing

    async def _find(self, call, question):
        wanted = identifiers_of(self.truth)
        answer = await find_devices(call, self.customer, wanted, limit=10_000, refresh=question.refresh)
        found = {identifier: [] for identifier in wanted}
        for match in answer.matches:
            found[match.identifier].append(match.device.row.id)
        assert answer.found + answer.not_found == len(wanted)
        for identifier, ids in found.items():
            expected = holders(self.truth, identifier)
            assert Counter(ids) <= Counter(expected)
            assert ids == expected or not answer.coverage.complete
        return answer.coverage

    async def settle(self):
        """Asks until the answers are as complete as the customer's pages let them be."""
        scenario = self.service.books.scenario
        patient = Question({}, len(scenario.lots), False, False, PLENTY, None)
        whole = await self.ask(patient)
        assert whole
        if any(not problem.batches for problem in whole.problems):
            # What is missing of the list of batches is read on refresh only.
            whole = await self.ask(Question({}, len(scenario.lots), False, True, PLENTY, None))
        walkable = all(lot.walkable for lot in scenario.lots)
        odd = [batch.unreadable > 0 for batch in self.truth.batches]
        assert whole.complete or not walkable or scenario.junk or any(odd)
        found = await self.ask(Question({}, 0, True, False, PLENTY, None))
        assert found.complete == whole.complete
        for number, lot in enumerate(scenario.lots):
            one = await self.ask(Question({}, number, False, False, PLENTY, None))
            alone = scenario.junk and len(scenario.lots) == 1
            assert (one and one.complete) or not lot.walkable or alone or (one and odd[number])


async def play(service, transport, scenario, asked):
    asker = Asker(service, transport, service.play(scenario))
    with anyio.fail_after(PLENTY):
        for together in asked:
            async with anyio.create_task_group() as tasks:
                for question in together:
                    tasks.start_soon(asker.ask, question)
        service.faults.clear()
        service.at_request.clear()
        await asker.settle()
        asker.inventory.close()


def hurried(asked):
    """The same questions, none of which waits long for an answer that never comes."""
    return [
        [Question(q.where, q.batch, q.identifiers, q.refresh, min(q.seconds, 0.05), q.cancelled_at) for q in together]
        for together in asked
    ]


ALL = Question({}, 99, identifiers=False, refresh=False, seconds=PLENTY, cancelled_at=None)


def one_batch(*faults):
    return Scenario((Lot((2, 3, 2)),), 100, 0, faults, (0,))


@pytest.mark.slow
@settings(DETERMINISTIC, max_examples=30)
@given(scenario=scenarios([*FAULTS, *SLOW_FAULTS, *PAGE_FAULTS]), asked=rounds)
@example(one_batch(Fault("the page before", 0, 1, 1), Fault("403", 0, 1, 1)), [[ALL], [ALL]])
@example(one_batch(Fault("the last page but one", 0, 2, 1)), [[ALL]])
def test_an_answer_equals_the_truth_or_is_not_called_complete(portal, service, transport, scenario, asked):
    portal.call(play, service, transport, scenario, asked)


@pytest.mark.slow
@settings(DETERMINISTIC, max_examples=10)
@given(scenario=scenarios([NO_ANSWER, "500", "a page again"]), asked=rounds)
def test_a_service_that_falls_silent_does_not_make_an_answer_wrong(portal, service, transport, scenario, asked):
    portal.call(play, service, transport, scenario, hurried(asked))


async def ask_tool(client, customer, question, truth):
    """Asks the server, and holds both halves of its answer against the truth."""
    batch = batch_of(question, truth)
    arguments = {"customer": customer, "group_by": ["model", "policy"], "limit": 100, "refresh": question.refresh}
    arguments |= question.where | ({"batch": batch.id} if batch else {})
    result = await client.call_tool("list_devices", arguments)
    if result.is_error:
        assert result.content[0].text.startswith("Partner Center ")
        return
    answer = result.structured_content
    devices = batch.devices if batch else truth.devices
    expected = plain.matching(devices, question.where)
    assert result.content[0].text.startswith("INCOMPLETE") != answer["complete"]
    assert answer["devices_total"] <= len(devices)
    assert answer["devices_matched"] <= len(expected)
    for group in answer["groups"]:
        counted = Counter({row["value"]: row["devices"] for row in group["values"]})
        assert counted.total() + group["other"] == answer["devices_matched"]
        known = {value or "(none)": devices for value, devices in plain.grouped(expected, group["by"]).items()}
        assert counted <= Counter(known)
    if answer["complete"]:
        assert answer["devices_total"] == len(devices)
        assert answer["devices_matched"] == len(expected)
        findings = {row["kind"]: row["devices"] for row in answer["attention"]}
        counted = [each for each in ([batch] if batch else truth.batches) if each.count is not None]
        assert findings == plain.attention(devices, expected, counted, question.where)


async def play_through_the_server(client, service, scenario, asked):
    truth = service.play(scenario)
    customer = str(uuid.uuid4())
    with anyio.fail_after(PLENTY):
        for together in asked:
            async with anyio.create_task_group() as tasks:
                for question in together:
                    tasks.start_soon(ask_tool, client, customer, question, truth)


@pytest.mark.slow
@settings(DETERMINISTIC, max_examples=10)
@given(scenario=scenarios([*FAULTS, *PAGE_FAULTS]), asked=rounds)
def test_what_a_server_says_equals_the_truth_or_begins_with_incomplete(portal, service, client, scenario, asked):
    portal.call(play_through_the_server, client, service, scenario, asked)
