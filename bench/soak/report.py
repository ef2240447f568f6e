"""The table that a soak prints, and what it found wrong."""

from collections.abc import Iterator, Sequence

from bench.soak.clients import Record
from bench.soak.server import MEGABYTE, Memory
from bench.statistics import median, p99

FIRST_SECONDS = 60
"""What the memory of the end is compared with begins after so long, or after a quarter of a shorter soak."""

GROWTH_SHARE, GROWTH_BYTES = 0.1, 12 * MEGABYTE
"""How much more memory the end may have: which customers are kept differs from moment to moment, and the
allocator keeps what it once had in pieces. A leak of one answer's text a call would pass this in a minute."""

SHOWN = 25


def table(record: Record, inside: Record, memory: Memory) -> str:
    """What happened, as Markdown."""
    lines = ["| | over HTTP | in one process |", "|---|---:|---:|"]
    lines += [_row(name, one, two) for name, one, two in _rows(record, inside)]
    if memory.samples:
        lines += ["", "| time | memory |", "|---:|---:|"]
        last = memory.samples[-1][0]
        for part in range(11):
            second, size = next(sample for sample in memory.samples if sample[0] >= last * part / 10)
            lines.append(f"| {second:,.0f} s | {size / MEGABYTE:,.0f} MiB |")
        first, end = _windows(memory)
        lines += ["", f"Memory: {first / MEGABYTE:,.1f} MiB early on, {end / MEGABYTE:,.1f} MiB at the end."]
    else:
        lines += ["", "Memory, threads, files and sockets are not measured on this system."]
    return "\n".join(lines)


def verdict(record: Record, inside: Record, memory: Memory) -> list[str]:
    """What was wrong, a sentence each, the most frequent first."""
    found = (record.violations + inside.violations).most_common()
    examples = inside.examples | record.examples
    wrong = [f"WRONG ({times} times): {what}\n  such as {examples.get(what, what)}" for what, times in found[:SHOWN]]
    if len(found) > SHOWN:
        wrong.append(f"WRONG: {len(found) - SHOWN} more of other kinds")
    if memory.samples:
        first, end = _windows(memory)
        if end > first * (1 + GROWTH_SHARE) + GROWTH_BYTES:
            wrong.append(f"WRONG: the server's memory grew from {first / MEGABYTE:,.0f} to {end / MEGABYTE:,.0f} MiB.")
    for name, calls in (("over HTTP", record.answers), ("in one process", inside.answers)):
        if not calls:
            wrong.append(f"WRONG: no call {name} was answered at all.")
    return wrong


def _windows(memory: Memory) -> tuple[float, float]:
    """Typical memory early on and at the end, each over an eighth of the time."""
    last = memory.samples[-1][0]
    start = min(FIRST_SECONDS, last / 4)
    return memory.typical(start, start + last / 8), memory.typical(last * 7 / 8, last)


def _rows(record: Record, inside: Record) -> Iterator[tuple[str, str, str]]:
    both = (record, inside)

    def row(name: str, values: Sequence[object]) -> tuple[str, str, str]:
        return name, str(values[0]), str(values[1])

    yield row("calls", [f"{each.calls:,}" for each in both])
    yield row("connections", [f"{each.connections:,}" for each in both])
    yield row("cancelled by the client", [f"{each.cancelled:,}" for each in both])
    for tool in sorted(record.answers + inside.answers):
        yield row(f"answers of {tool}", [f"{each.answers[tool]:,}" for each in both])
    for tool in sorted(+(record.incomplete + inside.incomplete)):
        shares = [100 * each.incomplete[tool] / max(1, each.answers[tool]) for each in both]
        yield row(f"INCOMPLETE of {tool}", [f"{share:.1f} %" for share in shares])
    for kind in sorted(record.errors + inside.errors):
        yield row(f"errors: {kind}", [f"{each.errors[kind]:,}" for each in both])
    for name, figure in (("p50", median), ("p99", p99)):
        yield row(name, [f"{figure(each.seconds) * 1000:,.0f} ms" if each.seconds else "-" for each in both])


def _row(name: str, over_http: str, inside: str) -> str:
    return f"| {name} | {over_http} | {inside} |"
