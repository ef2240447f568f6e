"""How long reading keeps the event loop from everything else, other people's questions among it."""

from bench.processes import computed
from bench.reader import WARM_UP
from bench.results import Row, Section, Sizes
from bench.service import serving
from bench.world import BenchCustomer

MOST_MILLISECONDS = 20


def measure(sizes: Sizes) -> Section:
    """In pages of the usual size, and all devices in one page, which no service should send."""
    usual = BenchCustomer("Usual Pages", sizes.one_batch)
    huge = BenchCustomer("One Page", sizes.one_batch, sizes.one_batch, sizes.one_batch)
    rows = []
    with serving([usual, huge, WARM_UP]) as base_url:
        for name, customer in (("pages of 100 devices", usual), (f"one page of {huge.devices:,} devices", huge)):
            runs = [computed("bench.held", base_url, customer.id) for _ in range(sizes.slow_repetitions)]
            if any(run["devices"] != customer.devices for run in runs):
                raise RuntimeError("not every device was read")
            longest = max(run["longest"] for run in runs)
            ratio = longest / MOST_MILLISECONDS
            target = f"{MOST_MILLISECONDS} ms or less"
            rows.append(Row(name, f"{longest:.1f} ms", f"{MOST_MILLISECONDS} ms", f"{ratio:.2f}", target, ratio <= 1))
    return Section(
        "Event loop",
        f"The longest that anything else had to wait while {sizes.one_batch:,} devices were read as fast as the "
        f"service gives them, by the clock, in all of {sizes.slow_repetitions} runs; what other programs on the "
        "machine take is part of it.",
        rows,
    )
