"""What a snapshot of 1,000,000 devices takes, and whether it is given back."""

from bench.processes import computed
from bench.reader import WARM_UP
from bench.results import Row, Section, Sizes
from bench.service import serving
from bench.statistics import median
from bench.world import BenchCustomer

MEBIBYTE = 2**20


def measure(sizes: Sizes) -> Section:
    """Growth from a process that has read a small customer already."""
    customer = BenchCustomer("Million", sizes.million)
    with serving([customer, WARM_UP]) as base_url:
        runs = [computed("bench.resident", base_url, customer.id) for _ in range(sizes.slow_repetitions)]
    json_bytes = sum(len(page) for page in customer.device_pages(customer.batches[0])) / customer.batches[0].size
    before, dropped = (median([run[key] for run in runs]) for key in ("before", "dropped"))
    peak = median([(run["peak"] - run["before"]) / run["devices"] for run in runs])
    kept = median([(run["kept"] - run["before"]) / run["devices"] for run in runs])
    back = median([run["dropped"] / run["before"] for run in runs])
    return Section(
        "Memory",
        f"Resident memory of a process that reads {sizes.million:,} devices in {len(customer.batches):,} batches, "
        "against itself after a small question; a device's JSON is the baseline of bytes.",
        [
            Row(
                "bytes a device, growth of the peak",
                f"{peak:.0f}",
                f"{json_bytes:.0f}",
                f"{peak / json_bytes:.2f}",
                "250 bytes or less",
                met=peak <= 250,
            ),
            Row("bytes a device, kept", f"{kept:.0f}", f"{json_bytes:.0f}", f"{kept / json_bytes:.2f}"),
            Row(
                "when the snapshot is dropped",
                f"{dropped / MEBIBYTE:.0f} MiB",
                f"{before / MEBIBYTE:.0f} MiB",
                f"{back:.2f}",
                "1.2 or less",
                met=back <= 1.2,
            ),
        ],
    )
