"""All batches of a customer, eight at a time, against the time that the service alone takes."""

from bench.processes import computed
from bench.reader import CONCURRENCY, WARM_UP
from bench.results import Row, Section, Sizes
from bench.service import serving
from bench.statistics import median
from bench.world import BenchCustomer


def measure(sizes: Sizes) -> Section:
    """Every page takes as long as a real one; the ideal is nothing but those times, side by side."""
    customer = BenchCustomer("Many Batches", sizes.batches * 500)
    with serving([customer, WARM_UP], sizes.latency_ms) as base_url:
        runs = [computed("bench.reader", "ours", base_url, customer.id) for _ in range(sizes.customer_repetitions)]
    if any(run["devices"] != customer.devices for run in runs):
        raise RuntimeError("not every device was read")
    ideal = (1 + customer.pages / CONCURRENCY) * sizes.latency_ms / 1000
    rows = []
    for name, key in (("whole", "seconds"), ("walk", "walk_seconds")):
        seconds = median([run[key] for run in runs])
        ratio = seconds / ideal
        rows.append(Row(name, f"{seconds:.2f} s", f"{ideal:.2f} s", f"{ratio:.2f}", "1.15 or less", met=ratio <= 1.15))
    busy = median([run["busy_seconds"] / run["seconds"] for run in runs])
    rows.append(Row("pages a second", f"{customer.pages / seconds:,.0f}", f"{customer.pages / ideal:,.0f}", ""))
    rows.append(Row("share of the time that our process computes", f"{busy:.0%}", "", ""))
    return Section(
        "One customer",
        f"A cold question about {len(customer.batches)} batches of 500 devices at {sizes.latency_ms:g} ms a page, "
        f"{CONCURRENCY} batches at a time, against the ideal: the list of batches, then all pages' latencies divided "
        f"by {CONCURRENCY}. *Whole* is the time to the answer, *walk* the time to the last page.",
        rows,
    )
