"""How much each caller may ask for in a minute, by cost: a sliding window counter.

What was spent in the previous minute counts for as much of it as the last sixty seconds cover, evenly spread; so nobody
can spend twice as much around the turn of a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Final, NamedTuple

from limits import RateLimitItemPerMinute
from limits.strategies import SlidingWindowCounterRateLimiter

from gql_api.admission.window_counters import WindowCounters
from gql_api.errors import RateLimited

WINDOW_SECONDS: Final = 60
KEYS_MAX: Final = 100_000
"""Callers whose spending is known at once."""


class Quota(NamedTuple):
    """What a caller has left, and in how many seconds, rounded up, some of what was spent comes back."""

    remaining: int
    seconds: int


class RateLimit:
    """The quotas of all callers; one for a worker, whatever transport they come by. Nothing here awaits.

    Args:
        cost_per_minute: how much each may spend.
        keys_max: how many callers are known at once; whoever came longest ago begins anew.
        clock: gives seconds.
    """

    def __init__(
        self, *, cost_per_minute: int, keys_max: int = KEYS_MAX, clock: Callable[[], float] = monotonic
    ) -> None:
        self.cost_per_minute = cost_per_minute
        self._limit = RateLimitItemPerMinute(cost_per_minute)
        self._counters = WindowCounters(keys_max=keys_max, clock=clock)
        self._limiter = SlidingWindowCounterRateLimiter(self._counters)

    def charge(self, key: str, cost: int = 1) -> None:
        """Let a caller spend so much.

        Raises:
            RateLimited: that much is not left; nothing was spent.
        """
        if not self._limiter.hit(self._limit, key, cost=cost):
            remaining = self.quota(key).remaining
            raise RateLimited(
                cost=cost,
                cost_per_minute=self.cost_per_minute,
                remaining=remaining,
                seconds=self._seconds_until(key, cost),
            )

    def quota(self, key: str) -> Quota:
        """What a caller has left."""
        previous, previous_seconds, current, _ = self._window(key)
        spent = int(previous * previous_seconds / WINDOW_SECONDS) + current
        return Quota(max(0, self.cost_per_minute - spent), max(1, ceil(previous_seconds)))

    def _seconds_until(self, key: str, cost: int) -> int:
        """In how many seconds, rounded up, so much will be left, if nothing is spent until then."""
        previous, seconds_left, current, _ = self._window(key)
        # What may be spent already; below the next whole number, since the counter rounds down.
        allowed = max(0, self.cost_per_minute - cost) + 1
        # In this window what the previous one counts goes down, in the next one what this one does.
        if current < allowed and previous:
            seconds = seconds_left - WINDOW_SECONDS * (allowed - current) / previous
        else:
            seconds = seconds_left + WINDOW_SECONDS * max(0.0, 1 - allowed / max(1, current))
        return max(0, int(seconds)) + 1

    def _window(self, key: str) -> tuple[int, float, int, float]:
        return self._counters.get_sliding_window(self._limit.key_for(key), WINDOW_SECONDS)
