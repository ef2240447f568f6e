"""The few statistics of the tables."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

median = statistics.median


def p99(values: Sequence[float]) -> float:
    """The smallest value that 99 of 100 values do not pass; of fewer than 100 the largest."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * 0.99) - 1]


def alternately(repetitions: int, baseline: Callable[[], A], ours: Callable[[], B]) -> list[tuple[A, B]]:
    """Both in turn, so that whatever else the machine does hits both."""
    return [(baseline(), ours()) for _ in range(repetitions)]
