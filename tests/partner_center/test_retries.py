"""What may pass is tried again, as long and as often as is safe; what will not pass is not."""

import logging
import time
from dataclasses import replace
from email.utils import formatdate

import anyio
import pytest

from pc_mcp.auth import ConfiguredAccount
from pc_mcp.partner_center import PartnerCenterError, errors
from pc_mcp.partner_center.pace import Pace
from pc_mcp.partner_center.retries import ATTEMPTS, backoff
from tests.double import HANG, HANG_UP, asking, customer, raw, serving

MAY_PASS = [408, 429, 500, 502, 503, 504]


class Waits:
    """A backoff that does not wait, and remembers for which attempts it was asked."""

    def __init__(self):
        self.attempts = []

    def __call__(self, failures):
        self.attempts.append(failures)
        return 0


class Retrying(logging.Handler):
    """Says when the client has noted that it will try again."""

    def __init__(self):
        super().__init__()
        self.noted = anyio.Event()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())
        self.noted.set()


@pytest.fixture
def retrying(caplog):
    handler, logger = Retrying(), logging.getLogger("pc_mcp.partner_center.retries")
    caplog.set_level(logging.INFO, logger.name)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.mark.parametrize("status", MAY_PASS)
async def test_a_failure_that_passes_is_not_noticed(status):
    waits = Waits()
    answers = raw(status=status), raw(status=status), customer()
    async with serving(*answers) as service, asking(service.base_url, backoff=waits) as client:
        await client.customer("1")
    assert len(service.requests) == 3
    assert waits.attempts == [1, 2]


@pytest.mark.parametrize("status", MAY_PASS)
async def test_attempts_end(status):
    async with serving(raw(status=status)) as service, asking(service.base_url) as client:
        with pytest.raises(PartnerCenterError) as caught:
            await client.customer("1")
    assert caught.value.status == status
    assert len(service.requests) == ATTEMPTS == 5


async def test_every_other_status_is_asked_for_once():
    statuses = [201, 202, 204, 301, 302, 307, 400, 401, 403, 404, 405, 409, 410, 501, 505]
    answers = [raw(status=status, Retry_After="0") for status in statuses]
    options = {"backoff": (waits := Waits())}
    async with serving(*answers) as service, asking(service.base_url, **options) as client:
        for number, status in enumerate(statuses, 1):
            with pytest.raises(PartnerCenterError) as caught:
                await client.customer("1")
            assert caught.value.status == status
            assert len(service.requests) == number
    assert waits.attempts == []


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        (HANG, "no answer in time", 0.1),
        (HANG_UP, "RemoteProtocolError", 10),
        (raw(b"{", length=9), "RemoteProtocolError", 10),
    ],
)
async def test_a_service_that_stays_silent_is_unreachable_after_every_attempt(answer, reason, seconds):
    options = {"backoff": (waits := Waits()), "timeout_seconds": seconds}
    async with serving(answer) as service, asking(service.base_url, **options) as client:
        with pytest.raises(errors.Unreachable, match=reason) as caught:
            await client.customer("1")
    assert caught.value.status is None
    assert len(service.requests) == ATTEMPTS
    assert waits.attempts[:4] == [1, 2, 3, 4]


async def test_a_port_where_nobody_listens_is_unreachable():
    async with serving(HANG_UP) as service:
        pass
    waits = Waits()
    async with asking(service.base_url, backoff=waits) as client:
        with pytest.raises(errors.Unreachable, match="the connection was refused"):
            await client.customer("1")
    assert waits.attempts[-1] == ATTEMPTS


def test_waits_grow_differ_and_stay_short():
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 8], 1):
        waits = [backoff(attempt) for _ in range(200)]
        assert 0 <= min(waits) < longest / 4
        assert longest * 3 / 4 < max(waits) <= longest


@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_in_seconds_goes_before_the_backoff(status):
    waits = Waits()
    answers = raw(status=status, Retry_After="0"), raw(status=status, Retry_After=" 0 "), customer()
    async with serving(*answers) as service, asking(service.base_url, backoff=waits) as client:
        await client.customer("1")
    assert waits.attempts == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"Retry_After": "2.5"}, 2.5),
        ({"Retry_After": "3."}, 3),
        ({"Retry_After": "2.5", "body": b"Try again in 9 seconds."}, 2.5),
        ({"Retry_After": "-1", "body": b'{"message":"Rate limit is exceeded. Try again in 3 seconds."}'}, 3),
        ({"body": b'{"statusCode":429,"message":"Rate limit is exceeded. Try again in 3 seconds."}'}, 3),
        ({"body": b"Please retry after 1.5 s."}, 1.5),
        ({"body": b"TRY AGAIN IN 2 MINUTES"}, 120),
        ({"body": b"try again in 250 milliseconds"}, 0.25),
        ({"body": b"try again in 999999999 seconds"}, 300),
        ({"Retry_After": "9" * 400}, 300),
        ({"body": b"try again in " + b"9" * 100_000 + b" seconds"}, None),
        ({"body": b" " * 5000 + b"try again in 3 seconds"}, None),
        ({"body": b"try again in 3 weeks"}, None),
    ],
)
async def test_how_long_a_429_asks_to_wait_is_read_and_reported(said, seconds):
    waits = Waits()
    async with serving(raw(status=429, **said)) as service, asking(service.base_url, backoff=waits) as client:
        with anyio.move_on_after(0.2), pytest.raises(errors.Throttled) as caught:
            await client.customer("1")
    assert len(service.requests) == (1 if seconds else ATTEMPTS)
    assert bool(waits.attempts) == (seconds is None)
    assert caught.value.wait_seconds == seconds


@pytest.mark.parametrize("said", [{"Retry_After": "0.2"}, {"body": b"Try again in 0.2 seconds."}])
async def test_a_wait_of_a_fraction_or_in_words_is_kept(said):
    times = []
    answers = iter([raw(status=429, **said), customer()])

    async def answer_to(_):
        times.append(time.monotonic())
        return next(answers)

    async with serving(answer_to=answer_to) as service, asking(service.base_url) as client:
        await client.customer("1")
    assert times[1] - times[0] >= 0.2


@pytest.mark.slow
async def test_a_wait_until_a_date_is_kept():
    waits, times = Waits(), []
    until = int(time.time()) + 1
    answers = iter([raw(status=429, Retry_After=formatdate(until, usegmt=True)), customer()])

    async def answer_to(_):
        times.append(time.time())
        return next(answers)

    async with serving(answer_to=answer_to) as service, asking(service.base_url, backoff=waits) as client:
        await client.customer("1")
    assert times[1] >= until - 0.01
    assert waits.attempts == []


async def test_a_date_that_has_passed_is_no_wait():
    waits = Waits()
    answer = raw(status=429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    async with serving(answer, customer()) as service, asking(service.base_url, backoff=waits) as client:
        with anyio.fail_after(5):
            await client.customer("1")
    assert waits.attempts == []


async def test_a_wait_that_cannot_be_read_leaves_it_to_the_backoff():
    odd = [
        "",
        "soon",
        "-1",
        "nan",
        "inf",
        "1e3",
        "1_0",
        ".",
        "1.5.2",
        "0x1",
        "1, 2",
        "\u00b2",
        "Wed, 99 Oct 2015 07:28:00 GMT",
        "Wed Oct",
    ]
    answers = [answer for text in odd for answer in (raw(status=429, Retry_After=text), customer())]
    options = {"backoff": (waits := Waits())}
    async with serving(*answers) as service, asking(service.base_url, **options) as client:
        for number in range(len(odd)):
            await client.customer("1")
            assert len(waits.attempts) == number + 1


@pytest.mark.parametrize("long", ["100000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_long_wait_can_be_left_at_any_moment(long, retrying):
    async with serving(raw(status=429, Retry_After=long)) as service, asking(service.base_url) as client:
        with anyio.fail_after(1000):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.customer, "1")
                await retrying.noted.wait()
                tasks.cancel_scope.cancel()
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_that_would_end_after_the_deadline_is_not_begun(status):
    async with serving(raw(status=status, Retry_After="60")) as service, asking(service.base_url) as client:
        with anyio.move_on_after(50) as scope:
            for _ in range(2):
                with pytest.raises(PartnerCenterError) as caught:
                    await client.customer("1")
                assert "ask again in 60 s" in str(caught.value).lower()
                assert 59 < caught.value.wait_seconds <= 60
                assert "it wants no request for 60 s" in str(caught.value)
    assert not scope.cancelled_caught
    # After the 429 nothing more is sent until the time has come.
    assert len(service.requests) == (1 if status == 429 else 2)


async def test_the_pace_of_an_account_is_halved_by_a_429_and_recovers_by_itself():
    pace = Pace(8)
    pace.throttled(0, began=anyio.current_time())
    assert pace.at_once == 4
    pace.throttled(0, began=anyio.current_time())
    assert pace.at_once == 2
    answers = 0
    while pace.at_once < 8:
        pace.answered()
        answers += 1
    assert 20 < answers < 50
    pace.answered()
    assert pace.at_once == 8


@pytest.mark.parametrize("seconds", [0, 60])
async def test_the_answers_to_requests_under_way_at_a_429_slow_the_pace_once(seconds):
    pace = Pace(8)
    began = anyio.current_time()
    for _ in range(8):
        pace.throttled(seconds, began)
    assert pace.at_once == 4
    assert seconds - 1 < pace.wait_seconds <= seconds


@pytest.mark.parametrize(
    "odd", ["Fri, 31 Dec 99999999999999 23:59:59 GMT", "Fri, 31 Dec 2027 23:59:59 +99999999999999999999", "soon", "-1"]
)
async def test_an_odd_retry_after_is_as_good_as_none(odd):
    answers = raw(status=429, Retry_After=odd), customer()
    async with serving(*answers) as service, asking(service.base_url) as client:
        assert (await client.customer("1")).id
    assert len(service.requests) == 2


async def test_a_429_does_not_slow_another_account(retrying):
    async def answer_to(request):
        one = request.headers["authorization"] == "Bearer one"
        return raw(status=429, Retry_After="100") if one else customer()

    one, another = (ConfiguredAccount(name, name) for name in ("one", "another"))
    async with (
        serving(answer_to=answer_to) as service,
        asking(service.base_url, one) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(client.customer, "1")
        await retrying.noted.wait()
        await replace(client, account=another).customer("1")
        tasks.cancel_scope.cancel()
    assert [request.headers["authorization"] for request in service.requests] == ["Bearer one", "Bearer another"]


@pytest.mark.slow
async def test_a_429_slows_every_request_of_the_account_until_the_last_one_permits(retrying):
    waits = {"first": "1", "longer": "2", "shorter": "1"}
    may_answer = {name: anyio.Event() for name in waits}
    throttled, answered = {}, {}

    async def answer_to(request):
        name = request.target.rpartition("/")[2]
        if name in throttled or name not in waits:
            answered[name] = time.monotonic()
            return customer(id=name)
        await may_answer[name].wait()
        throttled[name] = time.monotonic()
        return raw(status=429, Retry_After=waits[name])

    async with (
        serving(answer_to=answer_to) as service,
        asking(service.base_url) as client,
        anyio.create_task_group() as tasks,
    ):
        for name in waits:
            tasks.start_soon(client.customer, name)
        await anyio.wait_all_tasks_blocked()
        for name in waits:
            retrying.noted = anyio.Event()
            may_answer[name].set()
            await retrying.noted.wait()
            tasks.start_soon(client.customer, f"asked-after-{name}")
            await anyio.wait_all_tasks_blocked()
    assert len(answered) == 6
    assert min(answered.values()) - throttled["longer"] >= 1.99


async def test_a_503_slows_its_own_request_only(retrying):
    async def answer_to(request):
        busy = request.target.endswith("busy")
        return raw(status=503, Retry_After="100") if busy else customer(id="free")

    async with serving(answer_to=answer_to) as service, asking(service.base_url) as client:
        with anyio.fail_after(1000):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.customer, "busy")
                await retrying.noted.wait()
                await client.customer("free")
                tasks.cancel_scope.cancel()
    assert [request.target[-4:] for request in service.requests] == ["busy", "free"]


async def test_a_throttled_walk_is_exact(sandbox, world, connect, mode):
    sandbox.switches.throttle_every = 3
    sandbox.switches.retry_after_seconds = 0
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": "Documentation Sample"})
    assert not result.is_error
    assert result.structured_content["complete"] is True
    assert result.structured_content["devices_total"] == 5


async def test_what_is_logged_of_a_retry_has_neither_token_nor_path(retrying):
    async with serving(raw(status=503), customer(id="a-customer")) as service, asking(service.base_url) as client:
        await client.customer("a-customer")
    [line] = retrying.lines
    assert "trying again" in line
    assert "HTTP 503" in line
    assert "sandbox-token" not in line
    assert "a-customer" not in line


async def test_a_time_that_has_run_out_is_not_called_a_limit_of_the_service():
    async with serving(customer()) as service, asking(service.base_url) as client:
        with anyio.CancelScope(deadline=anyio.current_time() - 1) as scope:
            await client.customer("1")
    assert scope.cancelled_caught
