"""`pc-mcp demo`: what a person sees, in a pipe and in a terminal."""

import fcntl
import os
import pty
import re
import shlex
import shutil
import signal
import struct
import subprocess
import termios
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from pc_mcp.commands.cli import parser
from pc_mcp.commands.demo import QUESTIONS
from pc_mcp.commands.install.clients import CLIENTS
from tests.commands.processes import AT_ONCE, COMMAND, SOON, environment, run_to_end, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

COLUMNS = 80
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(env: dict[str, str]) -> tuple[int, str]:
    """Exit status and all that a terminal gets that is 80 columns wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, "demo"], env=env | {"TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # how Linux says that nobody has the other end any more
        pass
    finally:
        os.close(ours)
    return process.wait(AT_ONCE), shown.decode()


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory):
    """One in a pipe and one in a terminal, both at a time. The user's own settings are wrong.

    Coverage of all these pages would take long, so only one of them is measured.
    """
    home = tmp_path_factory.mktemp("demo")
    (home / "pc-mcp").mkdir()
    (home / "pc-mcp" / "config.toml").write_text("nonsense")
    variables = {"XDG_CONFIG_HOME": str(home), "PC_MCP_ANSWERS__MAX_CHARS": "wrong"}
    with ThreadPoolExecutor(2) as pool:
        piped: Future[subprocess.CompletedProcess[str]] = pool.submit(
            run_to_end, [*COMMAND, "demo"], env=environment(home, **variables), timeout=120
        )
        typed = pool.submit(in_terminal, environment(home, measured=True, **variables))
        yield piped.result(), typed.result()


@pytest.fixture
def piped(demonstrations) -> str:
    ended = demonstrations[0]
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_in_a_pipe_six_questions_are_asked_and_answered(piped):
    asked = re.findall(r"^(\d)\. “(.+)”$", piped, re.MULTILINE)
    assert asked == [(str(number), question.words) for number, question in enumerate(QUESTIONS, 1)]
    assert len(asked) == 6
    for question in QUESTIONS:
        assert re.search(rf"^   {question.tool}\(.+\)$", piped, re.MULTILINE)


def test_it_counts_the_large_customer_and_says_how_far_it_has_read(piped, world):
    customer = world.customer_id("Fabrikam Manufacturing")
    total = sum(1 for batch in world.batches(customer) for _ in world.devices(customer, batch["id"]))
    assert total == 100_000
    assert '   100,000 devices of "Fabrikam Manufacturing" in ' in piped
    assert re.search(r"^   reading: [\d,]+ of about 100,000 devices; \d+ of \d+ batches$", piped, re.MULTILINE)
    assert re.search(r'^   14,608 of 100,000 devices of "Fabrikam', piped, re.MULTILINE)


def test_each_answer_has_its_size_beside_the_size_of_the_services_json(piped):
    sizes = re.findall(
        r"^   ([\d,]+) characters of text, ([\d,]+) of structured content; "
        r"the service's JSON is ([\d,]+) characters(, of which nothing had to be read again)?\.$",
        piped,
        re.MULTILINE,
    )
    assert len(sizes) == 6
    numbers = [[int(number.replace(",", "")) for number in size[:3]] for size in sizes]
    assert all(0 < text <= 8000 and 0 < data <= 8000 and raw > 0 for text, data, raw in numbers)
    assert numbers[2][2] > 40_000_000
    # The fourth question is about the same devices: nothing is read again.
    assert [bool(size[3]) for size in sizes] == [False, False, False, True, False, False]
    assert numbers[3][2] == numbers[2][2]


def test_the_large_customers_answer_says_how_fast_its_pages_were_read(piped):
    (found,) = re.findall(
        r"^   ([\d,]+) pages in ([\d.]+) s, ([\d,]+) pages a second; "
        r"(\d+)% of the time was spent waiting for the service\.$",
        piped,
        re.MULTILINE,
    )
    pages, seconds, rate, waiting = (float(number.replace(",", "")) for number in found)
    assert pages == 1005
    assert pages / seconds == pytest.approx(rate, rel=0.1)
    assert 0 < waiting <= 100


def test_it_ends_with_how_to_connect_an_assistant(piped):
    end = piped[piped.index("Connect your assistant") :]
    assert all(client in end for client in CLIENTS)
    called = [shlex.split(line) for line in end.splitlines() if line.startswith("  ")]
    assert [parser().parse_args(words[1:]) for words in called]
    assert [words[1] for words in called] == ["install", "install", "login"]
    assert called[0][2:] == ["claude-desktop", "--sandbox"]
    assert all(shutil.which(command) for command, *_ in called)


def test_in_a_pipe_there_are_no_escape_codes_and_no_wrapped_lines(piped):
    assert "\x1b" not in piped
    assert "\r" not in piped
    rows = [line for line in piped.splitlines() if line.startswith("   | ")]
    assert rows
    assert all(row.endswith(" |") for row in rows)
    assert "Traceback" not in piped


def test_in_a_terminal_a_bar_shows_how_far_it_has_read(demonstrations):
    status, shown = demonstrations[1]
    assert status == 0
    bars = re.findall(r"━+.*?(\d+) %.*?([\d,]+) of about 100,000 devices", ESCAPE.sub("", shown))
    assert len(bars) > 2
    percents = [int(percent) for percent, _ in bars]
    assert percents == sorted(percents)
    assert "Traceback" not in shown


def test_in_a_terminal_nothing_is_cut_and_no_colour_vanishes(demonstrations):
    _, shown = demonstrations[1]
    # Bold, dim and magenta: legible on a dark and on a light background.
    styles = {code for found in re.findall(r"\x1b\[([0-9;]*)m", shown) for code in found.split(";")}
    assert styles <= {"", "0", "1", "2", "35"}
    text = ESCAPE.sub("", shown).replace("\r\n", "\n")
    assert "…" not in text
    answers = text[: text.index("Connect your assistant")]
    lines = [line.rpartition("\r")[2] for line in answers.splitlines()]
    assert max(len(line) for line in lines) <= COLUMNS


def test_a_reader_that_leaves_early_ends_it_quietly(tmp_path):
    with started("demo", env=environment(tmp_path, measured=True)) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.logged() == ""


def test_a_reader_that_leaves_while_it_says_how_far_it_has_read_ends_it_quietly(tmp_path):
    with started("demo", env=environment(tmp_path, measured=True)) as process:
        while b"reading: " not in process.stdout.readline():
            pass
        process.stdout.close()
        assert process.wait(SOON) == 0
        assert process.logged() == ""


def test_ctrl_c_ends_it_at_once(tmp_path):
    with started("demo", env=environment(tmp_path, measured=True)) as process:
        while b"reading: " not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(AT_ONCE) == 130
        assert "Traceback" not in process.logged()
