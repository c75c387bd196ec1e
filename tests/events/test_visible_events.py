"""Events are for those who see the student: in what is read from the log, and in what is handed out as it happens."""

import asyncio

import pytest

from gql_api.database.visibility import EVERYTHING, Sight, Visibility
from gql_api.errors import BadUserInput
from gql_api.events import Interest
from gql_api.identity import StudentsSeen
from tests.events.outbox import outbox

NOBODY = Visibility(Sight(courses=True, students=StudentsSeen.NONE))
NO_COURSES = Visibility(Sight(courses=False, students=StudentsSeen.OWN), 1)


def own(student_id: int) -> Visibility:
    return Visibility(Sight(courses=True, students=StudentsSeen.OWN), student_id)


async def test_the_log_gives_the_events_that_are_seen_and_holds_no_others(database_url: str) -> None:
    async with outbox(database_url) as process:
        [ann, ben], [logic, music] = await process.new_school(students=2, courses=2)
        for student_id, course_id in ((ann, logic), (ben, logic), (ben, music), (ann, music)):
            await process.assign(student_id, course_id)
        async with process.log.watch() as watch:
            await watch.settle()
        events = await process.log.read_after(0, EVERYTHING)
        of_ann = [event for event in events if event.student.id == ann]
        of_ben = [event for event in events if event.student.id == ben]
        assert (len(of_ann), len(of_ben)) == (2, 2)
        assert await process.log.read_after(0, own(ann)) == of_ann
        assert await process.log.read_after(of_ann[0].position, own(ann)) == of_ann[1:]
        for visibility, held in ((EVERYTHING, events), (own(ann), of_ann), (own(ben), of_ben), (NOBODY, [])):
            assert await process.log.read_after(0, visibility) == held
            assert [event for event in events if await process.log.holds(event.position, visibility)] == held


@pytest.mark.parametrize("interest", [Interest(), Interest(1), Interest(None, 3), Interest(1, 3)])
def test_an_interest_is_narrowed_to_what_is_seen(interest: Interest) -> None:
    assert interest.within(EVERYTHING) == interest
    assert interest.within(own(1)) == interest._replace(student_id=1)
    nothing = [interest.within(visibility) for visibility in (NOBODY, NO_COURSES)]
    if interest.student_id is not None:
        nothing.append(interest.within(own(2)))
    assert set(nothing) == {Interest(student_id=0)}


async def test_who_resumes_after_an_event_of_somebody_else_is_told_that_it_is_not_kept(database_url: str) -> None:
    async with outbox(database_url) as process:
        [ann, ben], [logic] = await process.new_school(students=2, courses=1)
        await process.assign(ann, logic)
        async with process.log.watch() as watch:
            await watch.settle()
        [of_ann] = await process.log.read_after(0, EVERYTHING)
        messages = []
        for position in (of_ann.position, of_ann.position + 100):
            with pytest.raises(BadUserInput) as refused:
                async with process.broker.subscribe(Interest(), visibility=own(ben), after=position):
                    pass
            messages.append(refused.value.message)
        assert messages[0] == messages[1]


async def test_who_catches_up_hears_what_is_seen_and_nothing_else(database_url: str) -> None:
    async with outbox(database_url) as process:
        [ann, ben], courses = await process.new_school(students=2, courses=4)
        for course_id in courses[:3]:
            await process.assign(ann, course_id)
            await process.assign(ben, course_id)
        async with process.log.watch() as watch:
            await watch.settle()
        first = (await process.log.read_after(0, own(ann)))[0]
        async with process.broker.subscribe(Interest(), visibility=own(ann), after=first.position) as events:
            heard = [await asyncio.wait_for(anext(events), 30) for _ in range(2)]
            await process.assign(ben, courses[3])
            await process.assign(ann, courses[3])
            heard.append(await asyncio.wait_for(anext(events), 30))
        assert [(event.student.id, event.course.id) for event in heard] == [(ann, key) for key in courses[1:]]
