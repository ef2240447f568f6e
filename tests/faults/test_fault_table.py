"""Every fault of the table, through the server: what the answer says, and what the next one says when it is over."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from bench import plain
from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Sandbox, World, running
from tests.answers.reading import check_halves
from tests.conftest import settings_for
from tests.faults.table import PLACES, ROWS, STORIES, UPSTREAM, Form, Kind, Row

# The first test waits for all stories.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PAGE = 100
MANY_SECONDS, WAITED_SECONDS = 60, 3
TRACES = re.compile(r"Traceback|File \"|httpx2|h11|Errno|0x[0-9a-f]{6}")


@dataclass
class Story:
    """What was answered while a fault lasted, how long that took, and what was answered afterwards."""

    first: CallToolResult
    seconds: float
    correlation_ids: set[str]
    second: CallToolResult

    @property
    def text(self) -> str:
        return str(self.first.content[0].text)

    @property
    def data(self) -> dict[str, Any]:
        return dict(self.first.structured_content or {})


@dataclass
class Stories:
    """All stories, most of them told side by side: what takes long is the waiting between attempts."""

    world: World
    told: dict[tuple[str, Form], Story | Exception] = field(default_factory=dict)

    async def tell(self) -> None:
        # Where the clock decides, nothing else keeps the machine busy.
        waited = [row for row in ROWS if row.kind is Kind.WAITED]
        await self._tell_side_by_side([[row] for row in waited])
        at_once = [row for row in ROWS if row.is_told_at_once]
        rest = [row for row in ROWS if row not in waited and row not in at_once]
        await self._tell_side_by_side([at_once, *([row] for row in rest)])

    async def _tell_side_by_side(self, chains: list[list[Row]]) -> None:
        waiting = len(chains)
        all_ready = anyio.Event()

        async def tell(rows: list[Row]) -> None:
            """One row after the other, by one server of one service."""
            nonlocal waiting
            answers = {"time_budget_seconds": budget(rows[0])}
            partner_center = {"timeout_seconds": rows[0].timeout_seconds}
            with running(self.world) as sandbox:
                server = build_server(settings_for(sandbox, partner_center=partner_center, answers=answers))
                async with Client(server) as client:
                    # To make a server takes time that would be missing from the calls of the others.
                    waiting -= 1
                    if not waiting:
                        all_ready.set()
                    await all_ready.wait()
                    for row in rows:
                        async with anyio.create_task_group() as tasks:
                            for form in row.forms:
                                tasks.start_soon(self._tell, row, form, sandbox, client)

        async with anyio.create_task_group() as tasks:
            for rows in chains:
                tasks.start_soon(tell, rows)

    async def _tell(self, row: Row, form: Form, sandbox: Sandbox, client: Client) -> None:
        customer, batch = PLACES[form]
        question = {"customer": self.world.customer_id(customer), "limit": 0, "group_by": ["batch"]}
        if form is Form.LATER_PAGE:
            question["batch"] = batch
        fault = row.script(form)
        asked_before = len(sandbox.requests)
        sandbox.switches.scripted.append(fault)
        try:
            started = anyio.current_time()
            first = await client.call_tool("list_devices", question | {"refresh": True})
            seconds = anyio.current_time() - started
            mine = [r for r in sandbox.requests[asked_before:] if str(question["customer"]) in r.path]
            correlation_ids = {request.headers["ms-correlationid"] for request in mine}
            sandbox.switches.scripted.remove(fault)
            second = await client.call_tool("list_devices", question)
            self.told[row.name, form] = Story(first, seconds, correlation_ids, second)
        except Exception as error:  # its own test says so
            self.told[row.name, form] = error


def budget(row: Row) -> float:
    """How many seconds a call may take."""
    return WAITED_SECONDS if row.kind is Kind.WAITED else MANY_SECONDS


@pytest.fixture(scope="module")
def stories(world: World) -> Stories:
    stories = Stories(world)
    anyio.run(stories.tell)
    return stories


@pytest.fixture
def story(row: Row, form: Form, stories: Stories) -> Story:
    told = stories.told[row.name, form]
    if isinstance(told, Exception):
        raise told
    return told


@pytest.fixture(scope="module")
def sizes(world: World) -> dict[Form, dict[str, int]]:
    """The devices of each batch that is asked about."""
    sizes = {}
    for form, (customer, asked) in PLACES.items():
        batches = {batch.id: len(batch.devices) for batch in plain.customer_of(world, customer).batches}
        sizes[form] = {asked: batches[asked]} if form is Form.LATER_PAGE else batches
    return sizes


@pytest.fixture
def truth(form: Form, sizes: dict[Form, dict[str, int]]) -> dict[str, int]:
    return sizes[form]


def counted(data: dict[str, Any]) -> dict[str, int]:
    return {value["value"]: value["devices"] for value in data["groups"][0]["values"]}


def each(*kinds: Kind, forms: tuple[Form, ...] = tuple(Form)) -> pytest.MarkDecorator:
    """The stories of those kinds and forms."""
    chosen = [(row, form) for row, form in STORIES if form in forms and (not kinds or row.kind in kinds)]
    ids = [f"{row.name}-{form.name.lower()}" for row, form in chosen]
    return pytest.mark.parametrize(("row", "form"), chosen, ids=ids)


@each()
def test_an_answer_comes_in_time_in_its_own_words_and_both_halves_agree(row, form, story):
    assert story.seconds < budget(row) + 2
    both = story.text + json.dumps(story.data)
    assert UPSTREAM not in both
    assert TRACES.search(both) is None
    if not story.first.is_error:
        check_halves(story.text, story.data, 8000)


@each(forms=(Form.ONE_OF_MANY, Form.LATER_PAGE))
def test_the_rest_is_answered_and_what_is_missing_is_said(row, form, story, truth):
    assert not story.first.is_error, story.text
    assert story.text.startswith("INCOMPLETE:")
    assert not story.data["complete"]
    batch = PLACES[form][1]
    read = truth | {batch: PAGE} if form is Form.LATER_PAGE else {id_: truth[id_] for id_ in truth if id_ != batch}
    assert counted(story.data) == read
    assert story.data["devices_total"] == sum(read.values())
    assert (story.data["batches_read"], story.data["batches_total"]) == (len(truth) - 1, len(truth))
    notes = " ".join(story.data["notes"])
    assert f"{sum(read.values())} of {sum(truth.values())} devices, by devicesCount" in notes
    assert row.words in notes
    assert row.then in notes
    if row.kind is not Kind.WAITED:
        (correlation_id,) = story.correlation_ids
        assert any(f'"{batch}"' in note and correlation_id in note for note in story.data["notes"])


@each(Kind.RETRIED, Kind.SAID, Kind.SIGN_IN, forms=(Form.FIRST_PAGE,))
def test_where_there_is_nothing_to_answer_with_an_error_says_what_happened_and_what_to_do(row, form, story):
    assert story.first.is_error, story.text
    assert row.words in story.text
    assert row.then in story.text
    (correlation_id,) = story.correlation_ids
    assert correlation_id in story.text


@each(Kind.WAITED, forms=(Form.FIRST_PAGE,))
def test_where_nothing_came_in_time_no_number_passes_for_a_count(row, form, story):
    if not story.first.is_error:
        assert story.text.startswith("INCOMPLETE:")
        assert (story.data["complete"], story.data["devices_total"]) == (False, 0)
    assert "Ask the same again" in story.text or "ask the same again" in story.text


@each(forms=(Form.ONCE,))
def test_what_passes_is_not_noticed(row, form, story, truth):
    assert not story.first.is_error, story.text
    assert story.data["complete"], story.text
    assert story.data["notes"] == []
    assert counted(story.data) == truth
    assert story.data["devices_total"] == sum(truth.values())


@each()
def test_when_the_fault_is_over_the_same_question_is_answered_exactly(row, form, story, truth):
    assert not story.second.is_error, story.second.content[0].text
    data = story.second.structured_content
    assert data["complete"], story.second.content[0].text
    assert counted(data) == truth
    assert data["devices_total"] == sum(truth.values())
