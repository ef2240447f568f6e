"""`python -m bench` measures everything and writes RESULTS.md; with names, those figures alone."""

import argparse
import importlib
import sys
from pathlib import Path

from bench.results import NOTES, RESULTS, TINY, Section, Sizes, write, written

FIGURES = ("one_batch", "one_customer", "event_loop", "follow_up", "memory", "start", "load", "size", "parser")


def main() -> None:
    """Measures, prints each table as soon as it is there, and writes the file when it has them all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of: {', '.join(FIGURES)}")
    parser.add_argument("--tiny", action="store_true", help="a few devices, once: does it run at all?")
    parser.add_argument("--output", type=Path, help=f"the file to write ({RESULTS.name} where all is measured)")
    options = parser.parse_args()
    if unknown := set(options.figures) - set(FIGURES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}")
    sizes = TINY if options.tiny else Sizes()
    sections = [_measured(name, sizes) for name in options.figures or FIGURES]
    if not options.figures or options.output:
        write(sections, options.output or RESULTS, NOTES)


def _measured(name: str, sizes: Sizes) -> Section:
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    section: Section = importlib.import_module(f"bench.{name}").measure(sizes)
    print(written(section), flush=True)
    return section


if __name__ == "__main__":
    main()
