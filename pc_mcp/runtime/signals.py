"""What a signal does to a server, whatever it serves over."""

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def on_signal(end: Callable[[], None]) -> Iterator[None]:
    """Calls `end` on SIGINT and SIGTERM; a second signal ends the process without ceremony."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    came: list[int] = []

    def first(number: int, _: object) -> None:
        came.append(number)  # nothing is logged here: the signal may have come while a line was written
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        end()

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in came:
            logger.info("ended by %s", signal.Signals(each).name)
