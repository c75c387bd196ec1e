"""The places to execute in, and the line in front of them."""

from __future__ import annotations

import asyncio

from gql_api.errors import Overloaded


class Places:
    """At most `executing_max` at once; `waiting_max` more wait in the order of arrival.

    Whoever finds a free place pays for the comparison of two integers, and for no future, task or lock.

    Attributes:
        executing: how many places are taken.
        refused: how many were sent away so far.
    """

    __slots__ = ("_expected", "_waiting", "_waiting_max", "executing", "executing_max", "refused")

    def __init__(self, *, executing_max: int, waiting_max: int) -> None:
        self.executing_max = executing_max
        self._waiting_max = waiting_max
        # While anyone waits, no place is free: a place that is left goes to the first of them.
        # In the order of arrival; an empty deque would take half a kilobyte, and each operation has a line of its own.
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._expected = 0  # let through by `expect` in this step of the loop; they will take a place in the next
        self.executing = 0
        self.refused = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether who comes now is sent away."""
        return self.executing >= self.executing_max and len(self._waiting) >= self._waiting_max

    def expect(self) -> bool:
        """Whether someone who was only just heard of may come; if not, that counts as refused.

        While all places are taken, no more are let through in one step of the event loop than there is room for in the
        line: otherwise a thousand who come at once would all be let through, to be refused when most of the work that
        a request makes has been done.
        """
        if self.executing < self.executing_max:
            return True
        if len(self._waiting) + self._expected >= self._waiting_max:
            self.refused += 1
            return False
        if not self._expected:
            asyncio.get_running_loop().call_soon(self._expect_nobody)
        self._expected += 1
        return True

    def refuse(self) -> Overloaded:
        """Count one who is sent away; what to tell them."""
        self.refused += 1
        return Overloaded()

    def take(self) -> bool:
        """Take a place if one is free."""
        if self.executing < self.executing_max:
            self.executing += 1
            return True
        return False

    async def wait(self, *, patient: bool = False) -> None:
        """Wait for a place, and take it.

        Args:
            patient: whether to wait also behind more than may do so: for work that was promised before.

        Raises:
            Overloaded: too many wait already.
        """
        if not patient and len(self._waiting) >= self._waiting_max:
            raise self.refuse()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.leave()  # it was ours as we gave up
            else:
                self._waiting.pop(turn, None)  # gone already if a place was left since we were cancelled
            raise

    def leave(self) -> None:
        """Give the place back: to the first who waits, if anyone does."""
        while self._waiting:
            turn = next(iter(self._waiting))
            del self._waiting[turn]
            if not turn.done():
                turn.set_result(None)
                return
        self.executing -= 1

    def _expect_nobody(self) -> None:
        self._expected = 0
