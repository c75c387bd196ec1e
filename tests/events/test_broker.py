import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gql_api.database.event_log import PAGE_SIZE, Event
from gql_api.database.visibility import EVERYTHING
from gql_api.errors import BadUserInput
from gql_api.events import Interest, Purge, SubscriberTooSlow
from gql_api.services.assignments import assign_course, assign_courses
from gql_api.services.courses import delete_course
from gql_api.services.pairs import Pair
from gql_api.services.students import delete_student
from gql_api.services.unit_of_work import UnitOfWork
from tests.events.outbox import Outbox, outbox, told

TIMEOUT_SECONDS = 30

on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Outbox]:
    async with outbox(database_url) as process:
        yield process


async def take(events: AsyncIterator[Event], number: int) -> list[Event]:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return [await anext(events) for _ in range(number)]


async def insert_event(connection: AsyncConnection, student_id: int) -> None:
    statement = text(
        "INSERT INTO assignment_events (kind, student_id, course_id, assigned_at, student_name, student_created_at,"
        " course_code, course_title, course_created_at) VALUES ('ASSIGNED', :id, 1, now(), '', now(), '', '', now())"
    )
    await connection.execute(statement, {"id": student_id})


@on_postgresql
async def test_an_event_that_commits_after_one_written_later_is_lost_by_id_but_not_by_position(
    engine: AsyncEngine, process: Outbox
) -> None:
    by_id: list[int] = []
    last = 0

    async def poll_by_id() -> None:
        nonlocal last
        async with engine.connect() as connection:
            statement = text("SELECT id, student_id FROM assignment_events WHERE id > :last ORDER BY id")
            for id_, student_id in await connection.execute(statement, {"last": last}):
                last = id_
                by_id.append(student_id)

    async with process.broker.subscribe(Interest(), visibility=EVERYTHING) as events:
        async with engine.connect() as slow:
            await insert_event(slow, 1)
            async with engine.begin() as quick:
                await insert_event(quick, 2)
            await poll_by_id()
            by_position = [told(event)[1] for event in await take(events, 1)]
            await slow.commit()
        await poll_by_id()
        by_position += [told(event)[1] for event in await take(events, 1)]
    assert by_id == [2]
    assert by_position == [2, 1]


async def test_what_changes_is_told_and_nothing_else(process: Outbox) -> None:
    [ann, ben], [logic, music] = await process.new_school(students=2, courses=2)
    await process.assign(ann, music)  # was before

    async def roll_back(uow: UnitOfWork) -> None:
        await assign_course(uow, student_id=ben, course_id=music)
        raise BadUserInput("not now")

    async with process.broker.subscribe(Interest(), visibility=EVERYTHING) as events:
        await process.assign(ann, logic)
        await process.assign(ann, logic)
        await process.unassign(ben, logic)
        with pytest.raises(BadUserInput):
            await process.units_of_work.run(roll_back)
        await process.units_of_work.run(lambda uow: assign_courses(uow, [Pair(ann, music), Pair(ben, logic)]))
        await process.unassign(ann, logic)
        await process.units_of_work.run(lambda uow: delete_student(uow, student_id=ann))
        await process.units_of_work.run(lambda uow: delete_course(uow, course_id=logic))
        assert [told(event) for event in await take(events, 5)] == [
            ("ASSIGNED", ann, logic),
            ("ASSIGNED", ben, logic),
            ("UNASSIGNED", ann, logic),
            ("UNASSIGNED", ann, music),
            ("UNASSIGNED", ben, logic),
        ]


async def test_an_event_of_what_was_deleted_since_tells_what_it_was(process: Outbox) -> None:
    [ann], [logic] = await process.new_school(students=1, courses=1)
    await process.assign(ann, logic)
    [before] = await process_events(process)
    await process.units_of_work.run(lambda uow: delete_student(uow, student_id=ann))
    await process.units_of_work.run(lambda uow: delete_course(uow, course_id=logic))
    made, removed = await process_events(process)
    assert (made.student, made.course) == (removed.student, removed.course) == (before.student, before.course)


async def process_events(process: Outbox) -> list[Event]:
    """All events that are kept."""
    async with process.log.watch() as watch:
        await watch.settle()
    return await process.log.read_after(0, EVERYTHING)


async def test_subscribers_are_told_what_they_are_interested_in(process: Outbox) -> None:
    [ann, ben], [logic, music] = await process.new_school(students=2, courses=2)
    subscribe = partial(process.broker.subscribe, visibility=EVERYTHING)
    async with (
        subscribe(Interest(student_id=ann)) as of_ann,
        subscribe(Interest(course_id=logic)) as of_logic,
        subscribe(Interest(ben, music)) as of_both,
    ):
        for student_id, course_id in ((ann, logic), (ann, music), (ben, logic), (ben, music)):
            await process.assign(student_id, course_id)
        assert [told(event)[1:] for event in await take(of_ann, 2)] == [(ann, logic), (ann, music)]
        assert [told(event)[1:] for event in await take(of_logic, 2)] == [(ann, logic), (ben, logic)]
        assert [told(event)[1:] for event in await take(of_both, 1)] == [(ben, music)]


async def test_who_resumes_misses_nothing_and_hears_nothing_twice_while_others_write(process: Outbox) -> None:
    number = 2 * PAGE_SIZE + 100
    students, courses = await process.new_school(students=number // 10, courses=10)
    pairs = [Pair(student_id, course_id) for student_id in students for course_id in courses]
    await process.units_of_work.run(lambda uow: assign_courses(uow, pairs[:1000]))
    first = (await process_events(process))[0]

    async def write() -> None:
        for pair in pairs[1000:]:
            await process.assign(*pair)

    async with (
        process.broker.subscribe(Interest(), visibility=EVERYTHING, after=first.position) as events,
        process.broker.subscribe(Interest(), visibility=EVERYTHING, after=first.position) as others,
    ):
        writing = asyncio.create_task(write())
        heard = [event.position for event in await take(events, number - 1)]
        await writing
        assert heard == [event.position for event in await take(others, number - 1)]
    assert len(set(heard)) == number - 1
    assert heard == sorted(heard)


async def test_who_resumes_after_an_event_that_is_gone_is_told_so(process: Outbox) -> None:
    with pytest.raises(BadUserInput, match="is not kept any more"):
        async with process.broker.subscribe(Interest(), visibility=EVERYTHING, after=7):
            pass


async def test_a_slow_subscriber_is_given_up_and_can_go_on_without_a_gap(database_url: str) -> None:
    async with outbox(database_url, queue_events_max=3) as process:
        students, [logic] = await process.new_school(students=10, courses=1)
        async with (
            process.broker.subscribe(Interest(course_id=logic), visibility=EVERYTHING) as slow,
            process.broker.subscribe(Interest(), visibility=EVERYTHING) as quick,
        ):
            reading = asyncio.create_task(take(quick, 10))
            for student_id in students:
                await process.assign(student_id, logic)
            everything = await reading
            heard = [event.position for event in await take(slow, 3)]
            with pytest.raises(SubscriberTooSlow, match="More than 3 events were waiting"):
                await anext(slow)
        async with process.broker.subscribe(Interest(), visibility=EVERYTHING, after=heard[-1]) as resumed:
            heard += [event.position for event in await take(resumed, 7)]
        assert heard == [event.position for event in everything]


@on_postgresql
async def test_idle_subscriptions_hold_one_connection_in_all_and_the_last_one_lets_it_go(
    engine: AsyncEngine, process: Outbox
) -> None:
    listening = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    everything = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    async with engine.connect() as connection:
        observer = await connection.execution_options(isolation_level="AUTOCOMMIT")
        before = await observer.scalar(everything)
        async with AsyncExitStack() as stack:
            for _ in range(100):
                await stack.enter_async_context(process.broker.subscribe(Interest(), visibility=EVERYTHING))
            assert await observer.scalar(everything) - before <= 2  # the reader's watch, and one that reads
        assert process.broker.subscribers == 0
        for _ in range(50):
            if not await observer.scalar(listening):
                break
            await asyncio.sleep(0.05)
        assert await observer.scalar(everything) - before <= 1


@on_postgresql
async def test_nothing_is_lost_when_the_connection_is_cut(engine: AsyncEngine, process: Outbox) -> None:
    students, [logic] = await process.new_school(students=20, courses=1)
    cut = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with process.broker.subscribe(Interest(), visibility=EVERYTHING) as events:
        for place, student_id in enumerate(students):
            if place % 5 == 4:
                async with engine.connect() as connection:
                    # The reader may be between two attempts to connect; the first time it is connected.
                    assert await connection.scalar(cut) > 0 or place > 5
            async with outbox(engine.url.render_as_string(hide_password=False)) as other:
                await other.assign(student_id, logic)
        assert [told(event)[1] for event in await take(events, 20)] == students


async def test_old_events_are_removed_from_the_beginning_and_the_newest_is_kept(
    engine: AsyncEngine, process: Outbox
) -> None:
    students, [logic] = await process.new_school(students=4, courses=1)
    for student_id in students:
        await process.assign(student_id, logic)
    events = await process_events(process)
    purge = Purge(process.log, process.units_of_work, retention_seconds=3600)
    assert await purge.run() == 0
    old = datetime.now(UTC) - timedelta(hours=2)
    written = {"sqlite": old.strftime("%Y-%m-%d %H:%M:%S.%f"), "postgresql": old}[engine.dialect.name]
    async with engine.begin() as connection:
        # The third is old, too, but behind one that is not.
        await connection.execute(
            text("UPDATE assignment_events SET occurred_at = :old WHERE student_id IN (:first, :third, :fourth)"),
            {"old": written, "first": students[0], "third": students[2], "fourth": students[3]},
        )
    assert await purge.run() == 1
    assert [event.position for event in await process_events(process)] == [event.position for event in events[1:]]
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE assignment_events SET occurred_at = :old"), {"old": written})
    assert sum(await asyncio.gather(purge.run(), purge.run())) == 2
    assert [event.position for event in await process_events(process)] == [events[-1].position]
    await process.unassign(students[0], logic)
    assert [event.position > events[-1].position for event in await process_events(process)] == [False, True]
