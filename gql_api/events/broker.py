"""One reader per process, many subscribers: each event is read once, and handed to all who want it.

The reader runs for as long as anybody subscribes. It alone holds a database connection, and only to notice commits. If
that breaks it connects again and goes on behind the last event it has read, so subscribers notice nothing but a pause.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import asyncpg

from gql_api.database.event_log import PAGE_SIZE, Event, EventLog, Watch
from gql_api.database.visibility import EVERYTHING, Visibility
from gql_api.errors import BadUserInput, DatabaseUnusable
from gql_api.events.subscriber import Interest, Subscription

logger = logging.getLogger(__name__)

RETRY_SECONDS_MIN: Final = 0.05
RETRY_SECONDS_MAX: Final = 1.0
"""The longest pause between attempts to reach the database again."""

READ_ATTEMPTS_MAX: Final = 6
"""How often a subscriber who catches up tries to read on; about 3 seconds pass until then."""

JOIN_SECONDS_MAX: Final = 10.0
"""How long a new subscriber waits until the reader has reached the present."""

STALL_SECONDS_MAX: Final = 0.5
"""How long the reader waits for subscribers whose queues are full and who take nothing."""

BURST_SECONDS_MAX: Final = 10.0
"""How long it waits, at most, for those that take something, when more happens at once than their queues hold."""

BURST_PAUSE_SECONDS: Final = 0.005


class Broker:
    """Hands the events of a database to subscribers.

    Args:
        log: where the events are read.
        queue_events_max: how many events may wait for a subscriber before it is given up as too slow.
    """

    def __init__(self, log: EventLog, *, queue_events_max: int = 1000) -> None:
        self._log = log
        self._queue_events_max = queue_events_max
        self._burst_events_max = min(PAGE_SIZE, queue_events_max)
        self._subscriptions: defaultdict[Interest, set[Subscription]] = defaultdict(set)
        self._users = 0
        self._position: int | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._joining: list[asyncio.Future[None]] = []

    @property
    def subscribers(self) -> int:
        """How many there are in this process."""
        return self._users

    @asynccontextmanager
    async def subscribe(
        self, interest: Interest, *, visibility: Visibility, after: int | None = None
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """The events that are committed from now on, or all behind the event `after`; without gaps or repeats.

        Only those that are seen: there are no others, for this subscriber.

        Raises:
            BadUserInput: the event `after` is not kept any more, so what followed it may not be either.
            DatabaseUnusable: the database is away.
            SubscriberTooSlow: raised by the iterator, once all that was queued is taken.
        """
        subscription = Subscription(interest.within(visibility), events_max=self._queue_events_max)
        self._users += 1
        try:
            if self._reader is None:
                self._reader = asyncio.create_task(self._read(), name="event reader")
            await self._reach_present()
            if after is None:
                self._subscriptions[subscription.interest].add(subscription)
            elif not await self._log.holds(after, visibility):
                raise BadUserInput(
                    "The event `after` is not kept any more, so what followed it may be lost. Read how things stand "
                    "now, and subscribe without `after`."
                )
            async with aclosing(self._events(subscription, visibility, after)) as events:
                yield events
        finally:
            self._users -= 1
            self._leave(subscription)
            if self._users == 0:
                await self.close()

    async def close(self) -> None:
        """Stop reading; subscribers hear nothing more."""
        reader, self._reader = self._reader, None
        self._position = None
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])

    async def _events(
        self, subscription: Subscription, visibility: Visibility, after: int | None
    ) -> AsyncGenerator[Event, None]:
        if after is not None:
            async with aclosing(self._missed(subscription, visibility, after)) as missed:
                async for event in missed:
                    yield event
        while True:
            yield await subscription.get()

    async def _missed(
        self, subscription: Subscription, visibility: Visibility, after: int
    ) -> AsyncGenerator[Event, None]:
        """The events that the reader has passed already; with the last of them the subscription joins the others.

        Nothing is queued until then, however much there is to catch up on. Joining awaits nothing after it has seen
        where the reader stands, so no event slips through between the last page and the queue.
        """
        while True:
            reached = self._position or 0
            page = await self._page_after(after, visibility)
            for event in page:
                after = event.position
                if subscription.interest.covers(event):
                    yield event
            if len(page) < PAGE_SIZE:
                after = max(after, reached)  # greater only if what was in between is purged, or not seen
                if (self._position or 0) <= after:
                    subscription.after = after
                    self._subscriptions[subscription.interest].add(subscription)
                    return

    async def _page_after(self, position: int, visibility: Visibility) -> list[Event]:
        """Read a page, more than once if the connection breaks meanwhile."""
        for attempt in range(1, READ_ATTEMPTS_MAX):
            try:
                return await self._log.read_after(position, visibility)
            except (DatabaseUnusable, asyncpg.InternalClientError):
                await asyncio.sleep(RETRY_SECONDS_MIN * 2**attempt)
        return await self._log.read_after(position, visibility)

    def _leave(self, subscription: Subscription) -> None:
        others = self._subscriptions.get(subscription.interest)
        if others is not None:
            others.discard(subscription)
            if not others:
                del self._subscriptions[subscription.interest]

    async def _reach_present(self) -> None:
        """Wait until the reader has handed out all that was committed before this call."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joining.append(reached)
        self._asked.set()
        try:
            async with asyncio.timeout(JOIN_SECONDS_MAX):
                await reached
        except TimeoutError as error:
            raise DatabaseUnusable("The reader of events did not reach the database in time.") from error

    async def _read(self) -> None:
        pause_seconds = RETRY_SECONDS_MIN
        while True:
            try:
                async with self._log.watch() as watch:
                    while True:
                        await self._hand_out_new(watch)
                        pause_seconds = RETRY_SECONDS_MIN
                        await self._rest(watch)
            except (DatabaseUnusable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error) as error:
                logger.warning("Events cannot be read, trying again: %s", error)
            except Exception:
                logger.exception("Events cannot be read, trying again")
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))  # noqa: S311 - not a secret
            pause_seconds = min(2 * pause_seconds, RETRY_SECONDS_MAX)

    async def _hand_out_new(self, watch: Watch) -> None:
        self._asked.clear()
        joining = len(self._joining)
        await watch.settle()
        if self._position is None:
            self._position = await self._log.last_position()
        page: list[Event] | None = None
        while page is None or len(page) == PAGE_SIZE:
            # One reading for all subscribers: what each of them sees of it, its `interest` says.
            page = await self._log.read_after(self._position, EVERYTHING)
            for start in range(0, len(page), self._burst_events_max):
                burst = page[start : start + self._burst_events_max]
                await self._make_room(len(burst))
                for event in burst:
                    self._hand_out(event)
                    self._position = event.position
        for reached in self._joining[:joining]:
            if not reached.done():
                reached.set_result(None)
        del self._joining[:joining]

    def _hand_out(self, event: Event) -> None:
        student_id, course_id = event.student.id, event.course.id
        for interest in (
            Interest(),
            Interest(student_id),
            Interest(None, course_id),
            Interest(student_id, course_id),
        ):
            for subscription in tuple(self._subscriptions.get(interest, ())):
                if not subscription.put(event):
                    self._leave(subscription)

    async def _make_room(self, events: int) -> None:
        """Wait for those whose queues have no room for so many events, for as long as they go on taking.

        Otherwise a burst would fill the queues of all subscribers at once, before the quickest could take anything.
        """
        clock = asyncio.get_running_loop().time
        begun = progressed = clock()
        lacking = self._lacking_room(events)
        while lacking:
            await asyncio.sleep(BURST_PAUSE_SECONDS)
            now, before, lacking = clock(), lacking, self._lacking_room(events)
            if lacking != before:
                progressed = now
            if now - progressed > STALL_SECONDS_MAX or now - begun > BURST_SECONDS_MAX:
                return

    def _lacking_room(self, events: int) -> int:
        """How many events have to be taken before so many fit into every queue."""
        return sum(max(0, events - one.room) for those in self._subscriptions.values() for one in those)

    async def _rest(self, watch: Watch) -> None:
        """Wait for a commit, or for somebody who wants to know whether there was one."""
        waits = [asyncio.create_task(watch.wait()), asyncio.create_task(self._asked.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            outcomes = await asyncio.gather(*waits, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
