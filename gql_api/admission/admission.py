"""The way in for whatever executes: a deadline first, then a place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gql_api.admission.deadlines import Deadlines
from gql_api.admission.places import Places

ResultT = TypeVar("ResultT")


class Admission:
    """Lets operations in; one for a worker, whatever transport they come by.

    Args:
        executing_max: operations that execute at once.
        waiting_max: operations that wait for that at once; further ones are refused.
        timeout_seconds: how long an operation may take, waiting included, if its client does not ask for less.
    """

    def __init__(self, *, executing_max: int = 64, waiting_max: int = 256, timeout_seconds: float = 10.0) -> None:
        self.places = Places(executing_max=executing_max, waiting_max=waiting_max)
        self.timeout_seconds = timeout_seconds
        self._deadlines = Deadlines()

    def require_room(self) -> None:
        """Refuse early, before any work is done; whoever comes through will not be refused in the same step.

        Raises:
            Overloaded: as many wait as may.
        """
        if self.places.is_full:
            raise self.places.refuse()

    async def run(
        self, operate: Callable[[], Awaitable[ResultT]], *, seconds: float | None = None, patient: bool = False
    ) -> ResultT:
        """Do something in a place of its own, and in time.

        Args:
            operate: what to do; it is cancelled when its time is over.
            seconds: how long it may take; never more than `timeout_seconds`, which is also the default.
            patient: whether to wait for a place also when too many do; see `Places.wait`.

        Raises:
            Overloaded: as many wait as may.
            DeadlineExceeded: the time is over.
        """
        limit = self.timeout_seconds
        deadlines, places = self._deadlines, self.places
        deadline = deadlines.begin(limit if seconds is None or seconds > limit else seconds)
        try:
            if not places.take():
                await places.wait(patient=patient)
            try:
                result = await operate()
            finally:
                places.leave()
        except BaseException as error:
            deadlines.end(deadline, error)
            raise
        deadlines.end(deadline)
        return result
