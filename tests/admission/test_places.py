"""Who executes, who waits and who is sent away."""

import asyncio

import pytest

from gql_api.admission import Places
from gql_api.errors import Overloaded


def occupancy(places: Places) -> tuple[int, int, int]:
    return places.executing, places.waiting, places.refused


async def test_no_more_than_the_places_there_are_execute_and_the_rest_wait_in_the_order_of_arrival() -> None:
    places, order = Places(executing_max=2, waiting_max=3), list[int]()

    async def operate(number: int) -> None:
        if not places.take():
            await places.wait()
        order.append(number)
        await asyncio.sleep(0)
        assert places.executing <= 2
        places.leave()

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(operate(number))
    assert order == [0, 1, 2, 3, 4]
    assert occupancy(places) == (0, 0, 0)


async def test_who_finds_the_line_full_is_refused_at_once() -> None:
    places = Places(executing_max=1, waiting_max=1)
    assert places.take()
    waiting = asyncio.create_task(places.wait())
    await asyncio.sleep(0)
    assert places.is_full
    assert not places.take()
    with pytest.raises(Overloaded):
        await places.wait()
    assert occupancy(places) == (1, 1, 1)
    places.leave()
    await waiting
    assert occupancy(places) == (1, 0, 1)


async def test_who_was_promised_a_place_waits_behind_a_full_line() -> None:
    places = Places(executing_max=1, waiting_max=0)
    assert places.take()
    patient = asyncio.create_task(places.wait(patient=True))
    await asyncio.sleep(0)
    assert not patient.done()
    places.leave()
    await patient
    assert occupancy(places) == (1, 0, 0)


@pytest.mark.parametrize("has_been_called", [False, True])
async def test_who_gives_up_waiting_takes_no_place_with_him(*, has_been_called: bool) -> None:
    places = Places(executing_max=1, waiting_max=2)
    assert places.take()
    first, second = asyncio.create_task(places.wait()), asyncio.create_task(places.wait())
    await asyncio.sleep(0)
    if has_been_called:
        places.leave()  # the place is the first one's, who does not know it yet
    first.cancel()
    await asyncio.wait([first])
    if not has_been_called:
        assert occupancy(places) == (1, 1, 0)
        places.leave()
    await second
    places.leave()
    assert occupancy(places) == (0, 0, 0)


async def test_a_place_is_left_just_after_one_who_waits_was_cancelled() -> None:
    places = Places(executing_max=1, waiting_max=2)
    assert places.take()
    first, second = asyncio.create_task(places.wait()), asyncio.create_task(places.wait())
    await asyncio.sleep(0)
    first.cancel()
    places.leave()  # before the first has heard of it
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert occupancy(places) == (1, 0, 0)


async def test_in_one_step_no_more_are_expected_than_there_is_room_for_in_the_line() -> None:
    places = Places(executing_max=1, waiting_max=2)
    assert [places.expect() for _ in range(5)] == [True] * 5  # while a place is free, nobody is counted
    assert places.take()
    assert [places.expect() for _ in range(5)] == [True, True, False, False, False]
    await asyncio.sleep(0)
    assert [places.expect() for _ in range(3)] == [True, True, False]
    assert places.refused == 4
