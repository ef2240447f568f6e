"""The official conformance suite: each check passes, or its failure is expected and has a reason.

Many scenarios ask for tools, prompts and resources that only a server made for the suite has; they
cannot pass. `expected-REVISION.toml` names each check that does not, by scenario, with the reason.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import node_tools

HERE = Path(__file__).parent
_SECONDS = 120
_WRONG = {"FAILURE", "WARNING"}
# A folder of results is named for its scenario and the time.
_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")

Check = tuple[str, str]
"""Scenario and check."""


def run(url: str, revision: str, folder: Path) -> list[str]:
    """What is wrong with the server at `url`; the suite's results go to `folder`."""
    suite = ["--suite", "all", "--spec-version", revision, "--output-dir", str(folder)]
    done = node_tools.run(
        node_tools.CONFORMANCE[revision], "server", "--url", url, *suite, timeout=_SECONDS, cwd=folder.parent
    )
    if not any(check["status"] == "SUCCESS" for _, check in _checks(folder)):
        return [f"the suite checked nothing:\n{done.stdout}{done.stderr}"]
    return judged(folder, expectations(revision))


def judged(folder: Path, expected: Mapping[Check, str]) -> list[str]:
    """What in the results differs from what is expected: a failure too many, or one too few."""
    wrong = {
        (scenario, check["id"]): check.get("errorMessage") or check["description"]
        for scenario, check in _checks(folder)
        if check["status"] in _WRONG
    }
    new = [
        f"{scenario}: {check}: {what}" for (scenario, check), what in wrong.items() if (scenario, check) not in expected
    ]
    gone = [
        f"{scenario}: {check}: no longer fails; expect it to pass"
        for scenario, check in expected
        if (scenario, check) not in wrong
    ]
    return sorted(new) + sorted(gone)


def expectations(revision: str) -> dict[Check, str]:
    """The checks that are expected to fail, with the reason."""
    scenarios = tomllib.loads((HERE / f"expected-{revision}.toml").read_text(encoding="utf-8"))
    return {(name, check): reason for name, checks in scenarios.items() for check, reason in checks.items()}


def _checks(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted(folder.glob("*/checks.json")):
        found = _FOLDER.fullmatch(path.parent.name)
        for check in json.loads(path.read_text(encoding="utf-8")):
            yield found["scenario"] if found else path.parent.name, check
