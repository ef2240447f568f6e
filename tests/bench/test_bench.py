"""The benchmarks run, at a tiny size, and what they write is a table that says what was met."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import FIGURES
from bench.results import Row, Section, write
from bench.statistics import alternately, p99
from bench.world import BenchCustomer

pytestmark = pytest.mark.slow


def bench(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=200,
        check=False,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.timeout(240)  # some thirty processes
def test_all_figures_run_and_are_written_to_a_file(tmp_path):
    results = tmp_path / "RESULTS.md"
    done = bench("--tiny", "--output", str(results))
    assert done.returncode == 0, done.stderr
    written = results.read_text(encoding="utf-8")
    assert written.startswith("# Results\n")
    assert written.count("\n| figure | ours | baseline | ratio | target |  |\n| --- |") == len(FIGURES)
    for line in (
        "| 0 ms a page, walk |",
        "| start to tools/list |",
        "| 300 devices |",
        "| errors | 0 | 0 |  | 0 | met |",
    ):
        assert f"\n{line}" in written


def test_an_unknown_figure_is_refused_with_those_that_there_are():
    done = bench("speed")
    assert done.returncode == 2
    assert "there is no figure speed" in done.stderr


def test_the_file_counts_the_targets_and_ends_with_the_notes(tmp_path):
    rows = [
        Row("walk", "1 s", "2 s", "0.50", "1.15 or less", met=True),
        Row("start", "3 s", "2 s", "1.50", "1.15 or less", met=False),
        Row("rate", "7", "8", "0.88"),
    ]
    results, notes = tmp_path / "RESULTS.md", tmp_path / "NOTES.md"
    notes.write_text("## Misses\n\nWhy.\n", encoding="utf-8")
    write([Section("Things", "How.", rows)], results, notes)
    written = results.read_text(encoding="utf-8")
    assert "1 targets are met, 1 are missed." in written
    assert "| start | 3 s | 2 s | 1.50 | 1.15 or less | **missed** |\n| rate | 7 | 8 | 0.88 |  |  |\n" in written
    assert written.endswith("\n\n## Misses\n\nWhy.\n")


@pytest.mark.parametrize(("devices", "batches", "pages"), [(0, 0, 0), (1, 1, 1), (500, 1, 5), (1201, 3, 13)])
def test_a_customer_has_as_many_devices_as_it_should(devices, batches, pages):
    customer = BenchCustomer("Somebody", devices)
    assert (len(customer.batches), customer.pages) == (batches, pages)
    assert sum(batch.size for batch in customer.batches) == devices
    assert sum(path.endswith("/devices") for path, _, _ in customer.answers()) == pages


def test_the_99th_percentile_is_passed_by_one_value_of_a_hundred():
    assert p99([float(value) for value in range(200, 0, -1)]) == 198
    assert p99([3.0, 1.0, 2.0]) == 3


def test_both_are_measured_in_turn():
    turns = []
    assert alternately(2, lambda: turns.append("theirs"), lambda: turns.append("ours")) == [(None, None)] * 2
    assert turns == ["theirs", "ours"] * 2
