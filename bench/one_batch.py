"""100,000 devices in one batch: the walk against the shortest loop that can be written."""

from bench.processes import computed
from bench.reader import WARM_UP
from bench.results import Row, Section, Sizes
from bench.service import serving
from bench.statistics import alternately, median
from bench.world import BenchCustomer


def measure(sizes: Sizes) -> Section:
    """At no latency, where only our own work counts, and at that of a real service."""
    rows = [
        *_rows(sizes, 0, sizes.repetitions, target=1.15),
        *_rows(sizes, sizes.latency_ms, sizes.slow_repetitions, target=1.05),
    ]
    return Section(
        "One batch",
        f"A cold question about {sizes.one_batch:,} devices in one batch, each in a fresh process, against one "
        "`httpx2` client that follows the token, calls `json.loads` and counts. *Whole* is the time to the "
        "answer with its groups and 20 rows, *walk* the time to the last page.",
        rows,
    )


def _rows(sizes: Sizes, latency_ms: float, repetitions: int, *, target: float) -> list[Row]:
    customer = BenchCustomer("One Batch", sizes.one_batch, sizes.one_batch)
    batch = customer.batches[0].id
    with serving([customer, WARM_UP], latency_ms) as base_url:
        pairs = alternately(
            repetitions,
            lambda: computed("bench.reader", "plain", base_url, customer.id, batch),
            lambda: computed("bench.reader", "ours", base_url, customer.id, batch),
        )
    if any(run["devices"] != customer.devices for pair in pairs for run in pair):
        raise RuntimeError("not every device was read")
    rows = []
    for name, key in (("whole", "seconds"), ("walk", "walk_seconds")):
        plain = median([theirs["seconds"] for theirs, _ in pairs])
        seconds = median([ours[key] for _, ours in pairs])
        ratio = median([ours[key] / theirs["seconds"] for theirs, ours in pairs])
        figure = f"{latency_ms:g} ms a page, {name}"
        shown = f"{seconds:.2f} s", f"{plain:.2f} s", f"{ratio:.2f}"
        rows.append(Row(figure, *shown, f"{target} or less", ratio <= target))
    busy = [median([run["busy_seconds"] for run in runs]) for runs in zip(*pairs, strict=True)]
    rows.append(Row("processor time", f"{busy[1]:.2f} s", f"{busy[0]:.2f} s", f"{busy[1] / busy[0]:.2f}"))
    rates = [median([customer.pages / run["seconds"] for run in runs]) for runs in zip(*pairs, strict=True)]
    waits = [median([_waiting(run) for run in runs]) for runs in zip(*pairs, strict=True)]
    rows.append(Row("pages a second", f"{rates[1]:,.0f}", f"{rates[0]:,.0f}", f"{rates[1] / rates[0]:.2f}"))
    rows.append(Row("share of the time spent waiting", f"{waits[1]:.0%}", f"{waits[0]:.0%}", ""))
    return rows


def _waiting(run: dict[str, float]) -> float:
    return max(0.0, 1 - run["busy_seconds"] / run["seconds"])
