"""What tests of events need: a broker over a database, rows to assign, and what was told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gql_api.database.compiled import Reader
from gql_api.database.event_log import Event, EventLog
from gql_api.database.readers import create_reader
from gql_api.database.transaction import Transactions
from gql_api.database.transactions import create_transactions
from gql_api.events import Broker
from gql_api.services.assignments import assign_course, unassign_course
from gql_api.services.courses import create_course
from gql_api.services.students import create_student
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork


@dataclass(frozen=True)
class Outbox:
    """A process, as far as events go: it writes them, reads them, and hands them out."""

    transactions: Transactions
    reader: Reader
    log: EventLog
    broker: Broker
    units_of_work: UnitsOfWork

    async def new_school(self, *, students: int, courses: int) -> tuple[list[int], list[int]]:
        """The ids of so many new students and courses."""

        async def create(uow: UnitOfWork) -> tuple[list[int], list[int]]:
            return (
                [(await create_student(uow, name=f"Student {i}")).id for i in range(students)],
                [(await create_course(uow, code=f"C{i}", title="Logic")).id for i in range(courses)],
            )

        return await self.units_of_work.run(create)

    async def assign(self, student_id: int, course_id: int) -> None:
        await self.units_of_work.run(lambda uow: assign_course(uow, student_id=student_id, course_id=course_id))

    async def unassign(self, student_id: int, course_id: int) -> None:
        await self.units_of_work.run(lambda uow: unassign_course(uow, student_id=student_id, course_id=course_id))


@asynccontextmanager
async def outbox(url: str, *, queue_events_max: int = 1000) -> AsyncIterator[Outbox]:
    transactions = create_transactions(url, pool_size=5, busy_timeout_seconds=5)
    reader = create_reader(
        url, pool_size=5, sqlite_reader_threads=2, sqlite_inline_seconds=0.01, busy_timeout_seconds=5
    )
    log = EventLog(url, reader)
    broker = Broker(log, queue_events_max=queue_events_max)
    try:
        yield Outbox(transactions, reader, log, broker, UnitsOfWork(transactions, on_announced=log.notify))
    finally:
        await broker.close()
        await log.close()
        await reader.close()
        await transactions.close()


def told(event: Event) -> tuple[str, int, int]:
    return event.kind.value, event.student.id, event.course.id
