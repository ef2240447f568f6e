"""What a figure has to say, the table of all of them, and `RESULTS.md`."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
NOTES = FOLDER / "NOTES.md"
LIBRARIES = ("pc-mcp", "mcp", "httpx2", "anyio", "pydantic", "msgspec", "uvicorn")


@dataclass(frozen=True)
class Row:
    """One line of the table: texts to show, and whether the target, if there is one, is met."""

    figure: str
    ours: str
    baseline: str
    ratio: str
    target: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {True: "met", False: "**missed**", None: ""}[self.met]
        return self.figure, self.ours, self.baseline, self.ratio, self.target, verdict


@dataclass(frozen=True)
class Section:
    """The lines of one figure under a heading, and in a sentence or two what was compared with what."""

    title: str
    how: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Sizes:
    """How large and how often everything is measured."""

    one_batch: int = 100_000
    batches: int = 200
    million: int = 1_000_000
    answers: tuple[int, ...] = (0, 1, 100, 10_000, 1_000_000)
    latency_ms: float = 20
    repetitions: int = 7
    slow_repetitions: int = 3
    customer_repetitions: int = 5
    questions: int = 100
    slow_questions: int = 30
    starts: int = 15
    clients: int = 50
    load_seconds: float = 20


TINY = Sizes(
    one_batch=300,
    batches=3,
    million=600,
    answers=(0, 1, 300),
    latency_ms=1,
    repetitions=1,
    slow_repetitions=1,
    customer_repetitions=1,
    questions=1,
    slow_questions=1,
    starts=1,
    clients=2,
    load_seconds=0.1,
)


def table(rows: Iterable[Row]) -> str:
    """A Markdown table."""
    head = ("figure", "ours", "baseline", "ratio", "target", "")
    lines = [head, tuple("---" for _ in head), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def written(section: Section) -> str:
    """A section as Markdown."""
    return f"## {section.title}\n\n{section.how}\n\n{table(section.rows)}\n"


def write(sections: Sequence[Section], path: Path = RESULTS, notes: Path = NOTES) -> None:
    """Writes the results; the reading of them is a person's, in `notes`, and is added as it is."""
    missed = sum(row.met is False for section in sections for row in section.rows)
    met = sum(row.met is True for section in sections for row in section.rows)
    parts = [
        "# Results\n",
        "Written by `make bench`. Every figure is compared with a baseline of the same run. What two processes do in "
        "turn is compared turn by turn, and the median of the ratios is given; other programs on the machine hit both. "
        "Everything else is the ratio of what stands beside it.\n",
        "\n".join(f"- {line}" for line in (_machine(), _versions(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")) + "\n",
        f"{met} targets are met, {missed} are missed.\n",
        *map(written, sections),
        notes.read_text(encoding="utf-8") if notes.exists() else "",
    ]
    path.write_text("\n".join(parts).rstrip("\n") + "\n", encoding="utf-8")


def _machine() -> str:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    memory = f", {gibibytes:.0f} GiB of memory" if gibibytes else ""
    return f"{_processor()}, {os.cpu_count()} cores{memory}; {platform.system()} {platform.release()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{platform.python_implementation()} {platform.python_version()}, {libraries}"
