"""What the official conformance suite says is held against what is expected of it."""

import json

import pytest

from conformance import official

pytestmark = pytest.mark.slow

CHECKS = [
    {"id": "good", "status": "SUCCESS", "description": "Good"},
    {"id": "bad", "status": "FAILURE", "description": "Bad", "errorMessage": "went wrong"},
    {"id": "meek", "status": "WARNING", "description": "Should be better"},
    {"id": "told", "status": "INFO", "description": "Told"},
]


@pytest.fixture
def results(tmp_path):
    """A folder of results as the suite writes it, of one scenario."""
    scenario = tmp_path / "server-a-scenario-2026-01-02T03-04-05-678Z"
    scenario.mkdir()
    (scenario / "checks.json").write_text(json.dumps(CHECKS))
    return tmp_path


def test_a_failure_and_a_warning_that_nobody_expects_are_faults(results):
    assert official.judged(results, {}) == ["a-scenario: bad: went wrong", "a-scenario: meek: Should be better"]


def test_expected_ones_are_none(results):
    assert official.judged(results, {("a-scenario", "bad"): "why", ("a-scenario", "meek"): "why"}) == []


def test_one_that_is_expected_and_passes_is_a_fault(results):
    expected = {("a-scenario", name): "why" for name in ("bad", "meek", "good")}
    assert official.judged(results, expected) == ["a-scenario: good: no longer fails; expect it to pass"]


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_each_expected_failure_has_a_reason(revision):
    reasons = official.expectations(revision).values()
    assert reasons
    assert all(reason.endswith(".") and len(reason) > 30 for reason in reasons)
