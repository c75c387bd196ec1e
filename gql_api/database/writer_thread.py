"""A thread that works off what it is asked to do, in the order in which it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Final, Generic, TypeVar

AskedT = TypeVar("AskedT")

GROUP_SIZE_MAX: Final = 32
"""How much is done in one go, at most."""

GROUP_SECONDS: Final = 0.005
"""How long after the first thing in a go others are begun in the same: the first need not wait long for them."""


class WriterThread(Generic[AskedT]):
    """One thread, started when it is first needed.

    Args:
        name: what tools that look at threads show.
        do: what to do, in the thread, with something that was asked for and with whatever else waits already.
    """

    def __init__(self, name: str, do: Callable[[Iterator[AskedT]], None]) -> None:
        self._do = do
        self._asked: SimpleQueue[AskedT | None] = SimpleQueue()
        # Whoever ends the program without closing this is not kept by it.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._is_closed = False

    def ask(self, asked: AskedT) -> None:
        """Put something at the end of the line.

        Raises:
            RuntimeError: the thread was closed.
        """
        if self._is_closed:
            raise RuntimeError("this thread was closed")
        if self._thread.ident is None:
            self._thread.start()
        self._asked.put(asked)

    def close(self) -> None:
        """Wait until all is done that was asked for."""
        self._is_closed = True
        self._asked.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._do(self._group(asked))
            del asked  # while nothing is asked for, nothing is kept alive

    def _group(self, first: AskedT) -> Iterator[AskedT]:
        yield first
        ends_at = monotonic() + GROUP_SECONDS
        for _ in range(GROUP_SIZE_MAX - 1):
            if monotonic() > ends_at:
                return
            try:
                asked = self._asked.get_nowait()
            except Empty:
                return
            if asked is None:
                self._asked.put(None)  # for `_run`; nothing comes after it
                return
            yield asked
