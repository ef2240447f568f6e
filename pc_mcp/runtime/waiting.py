"""Waiting for what may never answer: a keyring that somebody has to unlock, a library that blocks, a name server.

Such work runs in a daemon thread: its wait has a limit, and the end of the process does not wait
for it. (The threads of anyio and of `concurrent.futures` are joined when the interpreter ends.)
"""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any, Self, TypeVar

import anyio

T = TypeVar("T")


class Ended(Exception):
    """Work wanted to end more than itself: the process (`SystemExit`), a generator, or whatever a library means by an
    error that is no `Exception`, as a panic of one written in Rust is. That ends its thread, and nothing else."""


def begun(work: Callable[[], T]) -> "Future[T]":
    """What `work` will have answered, once it has, from a thread of its own; it raises nothing but `Exception`s."""
    future, answer = _answering(work)
    threading.Thread(target=answer, name="waits", daemon=True).start()
    return future


def _answering(work: Callable[[], T]) -> "tuple[Future[T], Callable[[], None]]":
    """What `work` will have answered, and what a thread has to call for that."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def answer() -> None:
        try:
            result = context.run(work)
        except BaseException as error:
            is_ordinary = isinstance(error, Exception) and not isinstance(error, StopIteration)
            future.set_exception(error if is_ordinary else Ended(type(error).__name__))
        else:
            future.set_result(result)

    future.set_running_or_notify_cancel()
    return future, answer


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """What `work` answers; who waits for it can be cancelled, it itself cannot."""
    return await asyncio.wrap_future(begun(work))


class Worker:
    """One daemon thread, which does one piece of work after another. Use as a context manager."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._waiting.put(None)

    async def do(self, work: Callable[[], T]) -> T:
        """What `work` answers; who waits for it can be cancelled, it itself cannot."""
        future, answer = _answering(work)
        self._waiting.put(answer)
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while answer := self._waiting.get():
            answer()


def run(main: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Runs `main` in an event loop whose end waits for no thread, not for a name server either."""

    async def with_daemons() -> T:
        asyncio.get_running_loop().set_default_executor(_DaemonThreads())
        return await main(*arguments)

    return anyio.run(with_daemons)


class _DaemonThreads(ThreadPoolExecutor):
    """A daemon thread for each piece of work. asyncio takes no other kind of executor than this one."""

    def submit(self, work: Callable[..., T], /, *arguments: Any, **named: Any) -> "Future[T]":
        return begun(partial(work, *arguments, **named))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is waited for."""
