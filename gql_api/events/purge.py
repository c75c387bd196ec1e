"""Removing events that have been kept long enough, now and then, for as long as the process lives."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from gql_api.database.event_log import EventLog
from gql_api.errors import DatabaseUnusable
from gql_api.services.event_retention import BATCH_SIZE, delete_old_events
from gql_api.services.unit_of_work import UnitsOfWork

logger = logging.getLogger(__name__)

INTERVAL_SECONDS_MAX: Final = 3600.0
BATCH_PAUSE_SECONDS: Final = 0.05
"""Between two batches, so that others have their turn."""


class Purge:
    """Removes old events.

    Args:
        log: gives events the positions by which they are removed.
        units_of_work: what they are removed through, a batch in each.
        retention_seconds: how long an event is kept, at least.
    """

    def __init__(self, log: EventLog, units_of_work: UnitsOfWork, *, retention_seconds: float) -> None:
        self._log = log
        self._units_of_work = units_of_work
        self._retention_seconds = retention_seconds

    async def run(self) -> int:
        """Remove all events that are old enough by now, in batches, and give their number.

        Raises:
            DatabaseUnusable: the database is away, or locked for too long.
        """
        before = datetime.now(UTC) - timedelta(seconds=self._retention_seconds)
        async with self._log.watch() as watch:
            await watch.settle()
        removed = 0
        while True:
            batch = await self._units_of_work.run(partial(delete_old_events, before=before))
            removed += batch
            if batch < BATCH_SIZE:
                return removed
            await asyncio.sleep(BATCH_PAUSE_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Remove old events regularly until the block is left: twice within the retention, at least once an hour."""
        task = asyncio.create_task(self._run_regularly(), name="event purge")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _run_regularly(self) -> None:
        interval_seconds = min(self._retention_seconds / 2, INTERVAL_SECONDS_MAX)
        while True:
            # Not all workers at once, and none while it is starting.
            await asyncio.sleep(interval_seconds * random.uniform(0.5, 1))  # noqa: S311 - not a secret
            try:
                removed = await self.run()
            except DatabaseUnusable as error:
                logger.warning("Old events were not removed: %s", error.message)
            except Exception:
                logger.exception("Old events were not removed")
            else:
                if removed:
                    logger.info("Removed %d events older than %g seconds", removed, self._retention_seconds)
