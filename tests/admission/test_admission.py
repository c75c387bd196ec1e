"""In time or not at all, and never in the way of others."""

import asyncio
import time

import pytest

from gql_api.admission import Admission
from gql_api.errors import DeadlineExceeded, Overloaded


async def take(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def test_what_is_done_in_time_is_given_back() -> None:
    admission = Admission()
    assert await admission.run(lambda: take(0.01), seconds=5) == "done"
    assert admission.places.executing == 0


@pytest.mark.parametrize(("asked", "granted"), [(None, 0.2), (0.1, 0.1), (60.0, 0.2)])
async def test_what_takes_longer_than_it_may_is_given_up(asked: float | None, granted: float) -> None:
    admission = Admission(timeout_seconds=0.2)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        await admission.run(lambda: take(10), seconds=asked)
    assert caught.value.message == f"This took longer than {granted} seconds and was given up."
    assert granted <= time.monotonic() - began < granted + 0.5
    assert admission.places.executing == 0
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await admission.run(lambda: take(0)) == "done"


async def test_waiting_for_a_place_counts() -> None:
    admission = Admission(executing_max=1, timeout_seconds=5)
    occupying = asyncio.create_task(admission.run(lambda: take(10)))
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await admission.run(lambda: take(0), seconds=0.1)
    assert (admission.places.executing, admission.places.waiting) == (1, 0)
    occupying.cancel()
    await asyncio.wait([occupying])
    assert admission.places.executing == 0


async def test_who_is_cancelled_by_others_is_not_told_of_a_deadline() -> None:
    admission = Admission(timeout_seconds=0.1)
    running = asyncio.create_task(admission.run(lambda: take(10)))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert admission.places.executing == 0


async def test_what_fails_by_itself_after_its_deadline_tells_its_own_fault() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise LookupError from None

    with pytest.raises(LookupError):
        await Admission().run(fail_when_cancelled, seconds=0.05)


async def test_whoever_comes_when_the_line_is_full_is_refused_before_anything_is_done() -> None:
    admission = Admission(executing_max=1, waiting_max=1)
    running = [asyncio.create_task(admission.run(lambda: take(0.05))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        admission.require_room()
    with pytest.raises(Overloaded):
        await admission.run(lambda: take(0))
    assert admission.places.refused == 2
    assert await asyncio.gather(*running) == ["done", "done"]
    admission.require_room()
