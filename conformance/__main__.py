"""Runs every suite, says what each found, and ends with 1 when there is anything."""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio

import node_tools
from conformance import clients, fuzzing, inspector, official, texts
from conformance.served import Served, serving


def main() -> int:
    """Runs the suites; the command line names the folders of the Python ones' programs."""
    parser = argparse.ArgumentParser(prog="python -m conformance")
    parser.add_argument("programs", type=Path, help="folder with the programs mcp-scanner and mcp-fuzzer")
    parser.add_argument("libraries", type=Path, help="folder with the Python that has the client libraries")
    options = parser.parse_args()
    programs, python = options.programs.resolve(), options.libraries.absolute() / "python"
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        found = [_ran(name, suite, served) for name, suite in _suites(served, programs, python, Path(folder)).items()]
    failed = sum(map(bool, found))
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _suites(served: Served, programs: Path, python: Path, folder: Path) -> dict[str, Callable[[], list[str]]]:
    def scanned() -> list[str]:
        return texts.run(programs / "mcp-scanner", anyio.run(texts.texts, served.url), folder)

    suites: dict[str, Callable[[], list[str]]] = {
        "inspector --strict": partial(inspector.run, served.url, folder),
    }
    for revision in node_tools.CONFORMANCE:
        suites[f"conformance {revision}"] = partial(official.run, served.url, revision, folder / revision)
    suites["yara"] = scanned
    for library in clients.LIBRARIES:
        suites[library] = partial(clients.run, python, library, folder / library)
    # Last, for what it leaves behind.
    suites["fuzzer"] = partial(fuzzing.run, programs / "mcp-fuzzer", served.url, folder)
    return suites


def _ran(name: str, suite: Callable[[], list[str]], served: Served) -> list[str]:
    began = time.monotonic()
    found = suite() + served.faults()
    print(f"{'FAILED' if found else 'ok':7}{name} ({time.monotonic() - began:.0f} s)", flush=True)
    for fault in found:
        print(f"       {fault}", flush=True)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
