"""All batches of a customer, eight at a time, against the time that the service alone takes."""

from bench.processes import computed
from bench.reader import CONCURRENCY, WARM_UP
from bench.results import Row, Section, Sizes
from bench.service import serving
from bench.statistics import alternately, median
from bench.world import BenchCustomer


def measure(sizes: Sizes) -> Section:
    """Every page takes as long as a real one; the ideal is nothing but those times, side by side."""
    customer = BenchCustomer("Many Batches", sizes.batches * 500)
    batches = [batch.id for batch in customer.batches]
    with serving([customer, WARM_UP], sizes.latency_ms) as base_url:
        pairs = alternately(
            sizes.customer_repetitions,
            lambda: computed("bench.reader", "plain", base_url, customer.id, *batches),
            lambda: computed("bench.reader", "ours", base_url, customer.id),
        )
    if any(run["devices"] != customer.devices for pair in pairs for run in pair):
        raise RuntimeError("not every device was read")
    ideal = (1 + customer.pages / CONCURRENCY) * sizes.latency_ms / 1000
    plain = median([theirs["seconds"] for theirs, _ in pairs])
    rows = [Row("the shortest loop, eight at a time", f"{plain:.2f} s", f"{ideal:.2f} s", f"{plain / ideal:.2f}")]
    for name, key in (("whole", "seconds"), ("walk", "walk_seconds")):
        seconds = median([ours[key] for _, ours in pairs])
        ratio = seconds / ideal
        rows.append(Row(name, f"{seconds:.2f} s", f"{ideal:.2f} s", f"{ratio:.2f}", "1.15 or less", met=ratio <= 1.15))
        beside = median([ours[key] / theirs["seconds"] for theirs, ours in pairs])
        rows.append(Row(f"{name}, beside the shortest loop", f"{seconds:.2f} s", f"{plain:.2f} s", f"{beside:.2f}"))
    rates = [median([customer.pages / run["seconds"] for run in runs]) for runs in zip(*pairs, strict=True)]
    rows.append(Row("pages a second", f"{rates[1]:,.0f}", f"{rates[0]:,.0f}", f"{rates[1] / rates[0]:.2f}"))
    busy = [median([run["busy_seconds"] / run["seconds"] for run in runs]) for runs in zip(*pairs, strict=True)]
    rows.append(Row("share of the time that the process computes", f"{busy[1]:.0%}", f"{busy[0]:.0%}", ""))
    return Section(
        "One customer",
        f"A cold question about {len(customer.batches)} batches of 500 devices at {sizes.latency_ms:g} ms a page, "
        f"{CONCURRENCY} batches at a time, against the ideal: the list of batches, then all pages' latencies divided "
        f"by {CONCURRENCY}. *Whole* is the time to the answer, *walk* the time to the last page. The shortest loop "
        "that can be written, which knows the batches beforehand, shows how near the ideal this machine lets anybody "
        "come.",
        rows,
    )
