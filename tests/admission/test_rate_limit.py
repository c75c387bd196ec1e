import random

import pytest

from gql_api.admission import RateLimit
from gql_api.admission.rate_limit import Quota
from gql_api.admission.window_counters import WindowCounters
from gql_api.errors import RateLimited

PER_MINUTE = 100


class Clock:
    """A clock that is put forward."""

    def __init__(self, now: float = 6000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def limited(clock: Clock, **options: int) -> RateLimit:
    return RateLimit(cost_per_minute=PER_MINUTE, clock=clock, **options)


def test_a_caller_spends_what_a_minute_allows_and_no_more() -> None:
    limit = limited(Clock())
    limit.charge("ada", 60)
    limit.charge("ada", 40)
    with pytest.raises(RateLimited) as caught:
        limit.charge("ada")
    assert caught.value.message == (
        "Of the 100 that you may spend in a minute 0 are left, and this needs 1. Come again in 61 seconds."
    )
    assert limit.quota("ada") == Quota(0, 60)


def test_what_is_refused_is_not_spent() -> None:
    limit = limited(Clock())
    limit.charge("ada", 60)
    with pytest.raises(RateLimited):
        limit.charge("ada", 41)
    assert limit.quota("ada").remaining == 40
    limit.charge("ada", 40)


def test_nobody_spends_what_is_anothers() -> None:
    limit = limited(Clock())
    limit.charge("ada", PER_MINUTE)
    limit.charge("bob", PER_MINUTE)


@pytest.mark.parametrize(
    ("seconds", "remaining"), [(0, 0), (59.9, 0), (60, 0), (75, 25), (90, 50), (119.4, 99), (120, 100)]
)
def test_what_was_spent_comes_back_evenly_in_the_minute_after(seconds: float, remaining: int) -> None:
    clock = Clock()
    limit = limited(clock)
    limit.charge("ada", PER_MINUTE)
    clock.now += seconds
    assert limit.quota("ada").remaining == remaining


def test_nobody_spends_twice_as_much_around_the_turn_of_a_minute() -> None:
    clock = Clock()
    limit = limited(clock)
    clock.now += 59
    limit.charge("ada", PER_MINUTE)
    clock.now += 2
    with pytest.raises(RateLimited):
        limit.charge("ada", 5)


def test_who_comes_again_when_told_to_is_let_in_and_nobody_much_earlier() -> None:
    chance = random.Random(1)  # noqa: S311 - not a secret
    refused = 0
    for _ in range(3000):
        clock = Clock(6000 + 600 * chance.random())
        limit = limited(clock)
        for _ in range(chance.randint(1, 12)):
            cost = chance.randint(1, PER_MINUTE)
            try:
                limit.charge("ada", cost)
            except RateLimited as error:
                refused += 1
                begun = clock.now
                clock.now = begun + max(0, error.seconds - 2.5)
                if error.seconds > 3:
                    with pytest.raises(RateLimited):
                        limit.charge("ada", cost)
                clock.now = begun + error.seconds
                limit.charge("ada", cost)
            clock.now += 20 * chance.random()
    assert refused > 1000


def test_callers_beyond_the_bound_are_forgotten_and_nothing_grows() -> None:
    counters = WindowCounters(keys_max=100, clock=Clock())
    for number in range(10_000):
        assert counters.acquire_sliding_window_entry(f"address {number}", 10, 60, 10)
        counters.acquire_sliding_window_entry("ada", 10, 60)  # who is there all the time stays
    assert len(counters) == 100
    assert not counters.acquire_sliding_window_entry("ada", 10, 60)
