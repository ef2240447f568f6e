"""`pc-mcp serve --http`: whoever asks nothing, or asks slowly or too much, keeps nobody else from asking."""

import contextlib
import logging
import resource
import signal
import sys
import time

import httpx2
import pytest

from pc_mcp.protocol.http_limits import Limits
from tests.commands.http_server import ACCEPT, INITIALIZE, connected, posted, received, while_served
from tests.commands.processes import AT_ONCE, SOON, environment, started, url_of

PATIENT = Limits(connections=8, request_seconds=600)
HASTY = Limits(connections=8, request_seconds=0.2)
HALF_A_HEADER = b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAcc"
HALF_A_BODY = (
    b"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAccept: application/json, text/event-stream\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [b"", HALF_A_HEADER, pytest.param(HALF_A_BODY, marks=pytest.mark.slow)],
    ids=["nothing", "half a header", "half a body"],
)
def test_who_has_waited_longest_makes_room_for_who_asks(sent):
    def work(url: str) -> None:
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(connected(url, sent)) for _ in range(30)]
            for _ in range(3):
                assert posted(url, "auto").status_code == 200
            assert received(waiting[0]) == b""
            waiting[-1].settimeout(0)
            with pytest.raises(BlockingIOError):
                waiting[-1].recv(1)

    while_served(work, limits=PATIENT)


@pytest.mark.parametrize(
    ("sent", "words"),
    [(b"", b""), (HALF_A_HEADER, b"408 Request Timeout"), (HALF_A_BODY, b"408 Request Timeout")],
    ids=["nothing", "half a header", "half a body"],
)
def test_a_request_that_does_not_come_to_its_end_in_time_is_given_up(sent, words, caplog):
    def work(url: str) -> None:
        connection = connected(url, sent)
        connection.settimeout(0.02)
        until = time.monotonic() + SOON
        answer = b""
        with connection, contextlib.suppress(ConnectionError):
            while time.monotonic() < until:  # what comes drop by drop takes no longer
                try:
                    if not (part := connection.recv(4096)):
                        break
                    answer += part
                except TimeoutError:
                    connection.sendall(b"x" if sent else b"")
        assert time.monotonic() < until
        assert words in answer
        assert bool(words) == bool(answer)

    with caplog.at_level(logging.WARNING):
        while_served(work, limits=HASTY)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_kept_connection_that_asks_nothing_more_is_let_go_of():
    def work(url: str) -> None:
        connection = connected(url, b"GET / HTTP/1.1\r\nHost: HOST\r\n\r\n" + HALF_A_HEADER)
        answer = received(connection)
        assert answer.count(b"HTTP/1.1 ") == 2
        assert b"408 Request Timeout" in answer

    while_served(work, limits=HASTY)


@pytest.mark.slow
def test_what_is_too_large_is_refused():
    limits = Limits(connections=8, request_seconds=600, header_bytes=2000, body_bytes=2000)

    def work(url: str) -> None:
        assert posted(url, "auto", X_Long="x" * 4000).status_code == 400
        endless = received(connected(url, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000))
        assert endless == b"" or b" 400 " in endless
        large = {**INITIALIZE, "padding": "x" * 3000}
        headers = {"Accept": ACCEPT, "Content-Type": "application/json"}
        assert httpx2.post(url, json=large, headers=headers, timeout=SOON).status_code == 413
        # Whoever is still sending when it is refused reads why, too.
        for _ in range(20):
            assert httpx2.post(url, content=b"x" * 14_000, headers=headers, timeout=SOON).status_code == 413
        pieces = (b"x" * 1000 for _ in range(3))
        assert httpx2.post(url, content=pieces, headers=headers, timeout=SOON).status_code == 413
        assert posted(url, "auto").status_code == 200

    while_served(work, limits=limits)


@pytest.mark.slow
def test_where_all_are_being_answered_the_next_one_is_told_that_there_is_no_room():
    def work(url: str) -> None:
        with contextlib.ExitStack() as stack:
            streams = []
            for _ in range(2):
                session = posted(url, "legacy").headers["mcp-session-id"]
                client = stack.enter_context(httpx2.Client(timeout=SOON))
                headers = {"Accept": "text/event-stream", "Mcp-Session-Id": session}
                streams.append(stack.enter_context(client.stream("GET", url, headers=headers)))
                assert streams[-1].status_code == 200
            assert posted(url, "auto").status_code == 503
            streams[0].close()
            until = time.monotonic() + SOON
            while (status := posted(url, "auto").status_code) == 503 and time.monotonic() < until:
                """It has not noticed yet that one has left."""
            assert status == 200

    while_served(work, limits=Limits(connections=2, request_seconds=600))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process take descriptors from another")
def test_without_descriptors_it_says_so_once_and_recovers(tmp_path):
    with started("serve", "--no-secret", "--http", "127.0.0.1:0", env=environment(tmp_path)) as process:
        url = url_of(process)
        assert posted(url, "auto").status_code == 200
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (4, before[1]))
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(connected(url))
            assert process.said("no connection can be accepted")
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
            assert posted(url, "auto").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0
    lines = process.logged().splitlines()
    assert sum("no connection can be accepted for now: Too many open files" in line for line in lines) == 1
    assert len(lines) < 10


@pytest.mark.slow
def test_300_connections_that_ask_nothing_do_not_use_up_the_descriptors(tmp_path):
    """As on macOS, where a process may open 256 files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    with started("serve", "--no-secret", "--http", "127.0.0.1:0", env=environment(tmp_path)) as process:
        url = url_of(process)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with contextlib.ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(connected(url))
            assert posted(url, "auto").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0
    assert "no connection can be accepted" not in process.logged()
