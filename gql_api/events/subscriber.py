"""One subscriber: what it wants to hear of, and what it has yet to be told."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from gql_api.database.event_log import Event
from gql_api.database.visibility import EVERYTHING, Visibility
from gql_api.errors import RequestRefused


class SubscriberTooSlow(RequestRefused):
    """More events happened than the subscriber took in; those that were not told are still kept."""

    code = "SUBSCRIBER_TOO_SLOW"


class Interest(NamedTuple):
    """The events that are wanted: of one student, of one course, of both, or (None) of any."""

    student_id: int | None = None
    course_id: int | None = None

    def covers(self, event: Event) -> bool:
        """Whether this event is wanted."""
        return self.student_id in {None, event.student.id} and self.course_id in {None, event.course.id}

    def within(self, visibility: Visibility) -> Interest:
        """What of these events is seen; the others are as if they did not happen."""
        if visibility == EVERYTHING:
            return self
        own_student_id = visibility.own_student_id
        if not visibility.sight.courses or own_student_id is None or self.student_id not in {None, own_student_id}:
            return NO_EVENTS
        return self._replace(student_id=own_student_id)


NO_EVENTS: Final = Interest(student_id=0)
"""Keys begin at 1."""


class Subscription:
    """A bounded queue of events, for one task to take from.

    Attributes:
        interest: which events are wanted.
        after: the position of the last event that was told otherwise; events up to there are not queued.
    """

    __slots__ = ("_error", "_events", "_events_max", "_waiting", "after", "interest")

    def __init__(self, interest: Interest, *, events_max: int) -> None:
        self.interest = interest
        self.after = 0
        self._events: deque[Event] = deque()
        self._events_max = events_max
        self._waiting: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @property
    def room(self) -> int:
        """How many events may yet be queued."""
        return self._events_max - len(self._events)

    def put(self, event: Event) -> bool:
        """Queue an event; False if there was no room, which is the end of this subscription."""
        if event.position <= self.after:
            return True
        if len(self._events) >= self._events_max:
            self.fail(
                SubscriberTooSlow(
                    f"More than {self._events_max} events were waiting to be taken. Subscribe again, `after` the last "
                    "event that you received, to go on without a gap."
                )
            )
            return False
        self._events.append(event)
        self._wake()
        return True

    def fail(self, error: Exception) -> None:
        """End the subscription: the error comes after what is queued."""
        self._error = error
        self._wake()

    async def get(self) -> Event:
        """The next event, once there is one.

        Raises:
            SubscriberTooSlow: the queue was full once; all that was in it has been taken.
        """
        while not self._events:
            if self._error is not None:
                raise self._error
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._events.popleft()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
