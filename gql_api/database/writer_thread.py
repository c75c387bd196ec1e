"""A thread that does one thing after another, in the order in which it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class WriterThread:
    """One thread, started when it is first needed.

    An executor of one thread does the same, with futures for which other threads can wait, too: twice as dear.
    """

    def __init__(self, name: str) -> None:
        self._asked: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = SimpleQueue()
        # Whoever ends the program without closing this is not kept by it.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._is_closed = False

    def do(self, act: Callable[[], ResultT]) -> asyncio.Future[ResultT]:
        """What will have come of it, for the event loop that asks. It is done also if nobody waits for it any more.

        Raises:
            RuntimeError: the thread was closed.
        """
        if self._is_closed:
            raise RuntimeError("this thread was closed")
        if self._thread.ident is None:
            self._thread.start()
        outcome: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._asked.put((act, outcome))
        return outcome

    def close(self) -> None:
        """Wait until all is done that was asked for; for no event loop's thread."""
        self._is_closed = True
        self._asked.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            act, outcome = asked
            try:
                told = partial(_tell_result, outcome, act())
            except BaseException as error:  # noqa: BLE001 - whoever asked is told
                told = partial(_tell_error, outcome, error)
            outcome.get_loop().call_soon_threadsafe(told)
            del asked, act, outcome, told  # while nothing is asked for, nothing is kept alive


def _tell_result(outcome: asyncio.Future[ResultT], result: ResultT) -> None:
    if not outcome.done():
        outcome.set_result(result)


def _tell_error(outcome: asyncio.Future[Any], error: BaseException) -> None:
    if not outcome.done():
        outcome.set_exception(error)
        outcome.exception()  # seen: whoever asked may be gone, which is nothing for the event loop to complain of
