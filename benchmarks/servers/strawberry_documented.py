"""Strawberry as its documentation has it: ORM entities, a DataLoader per relation, the stock GraphQL view.

It answers the same questions as this project's server, and no others.
"""
# ruff: noqa: D101, D102, D103 - written as examples in documentation are, where the text around them explains

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, ClassVar

import strawberry
from sqlalchemy import ForeignKey, event, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.types import Info

from gql_api.database.statements import Entity
from gql_api.models.model import UtcDateTime
from gql_api.schema.global_id import decode_key, encode_id

# ------------------------------------------------------------------------------------------------------------ entities


class Model(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: UtcDateTime}


class StudentEntity(Model):
    __tablename__ = "students"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    created_at: Mapped[datetime]


class CourseEntity(Model):
    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    title: Mapped[str]
    credits: Mapped[int | None]
    capacity: Mapped[int | None]


class StudentCourseEntity(Model):
    __tablename__ = "student_courses"
    student_id: Mapped[int] = mapped_column(ForeignKey("students.id"), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"), primary_key=True)


engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0)
open_session = async_sessionmaker(engine, expire_on_commit=False)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        # What is acknowledged is as lasting, and as sound, as with the other servers.
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


# --------------------------------------------------------------------------------------------------------- dataloaders

Key = tuple[int, int]  # the id of the parent, and how many of its children


def children(
    entity: type[StudentEntity | CourseEntity],
    parent_id: InstrumentedAttribute[int],
    child_id: InstrumentedAttribute[int],
) -> Callable[[list[Key]], Awaitable[list[list[Any]]]]:
    """Make the function of a DataLoader: one statement for each `first` that was asked for."""
    place = func.row_number().over(partition_by=parent_id, order_by=child_id).label("place")

    async def load(keys: list[Key]) -> list[list[Any]]:
        found: dict[Key, list[Any]] = defaultdict(list)
        for first in {first for _, first in keys}:
            ids = [id_ for id_, its_first in keys if its_first == first]
            links = select(parent_id.label("parent_id"), child_id.label("child_id"), place)
            links_found = links.where(parent_id.in_(ids)).subquery()
            statement = (
                select(links_found.c.parent_id, entity)
                .join(links_found, links_found.c.child_id == entity.id)
                .where(links_found.c.place <= first)
                .order_by(links_found.c.parent_id, entity.id)
            )
            async with open_session() as session:
                for id_, child in await session.execute(statement):
                    found[id_, first].append(child)
        return [found[key] for key in keys]

    return load


load_courses = children(CourseEntity, StudentCourseEntity.student_id, StudentCourseEntity.course_id)
load_students = children(StudentEntity, StudentCourseEntity.course_id, StudentCourseEntity.student_id)


class View(GraphQL[dict[str, Any], None]):
    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:  # noqa: ARG002 - Strawberry's names
        """Give each request dataloaders of its own."""
        return {"courses": DataLoader(load_courses), "students": DataLoader(load_students)}


# -------------------------------------------------------------------------------------------------------------- schema


@strawberry.type
class Course:
    database_id: strawberry.Private[int]
    code: str
    title: str
    credits: int | None

    @classmethod
    def of(cls, entity: CourseEntity) -> "Course":
        return cls(database_id=entity.id, code=entity.code, title=entity.title, credits=entity.credits)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(encode_id(Entity.COURSE, self.database_id))

    @strawberry.field
    async def students(self, info: Info, first: int = 20) -> "StudentConnection":
        students = await info.context["students"].load((self.database_id, first))
        return StudentConnection(nodes=[Student.of(student) for student in students])


@strawberry.type
class CourseConnection:
    nodes: list[Course]


@strawberry.type
class Student:
    database_id: strawberry.Private[int]
    name: str
    email: str | None
    created_at: datetime

    @classmethod
    def of(cls, entity: StudentEntity) -> "Student":
        return cls(database_id=entity.id, name=entity.name, email=entity.email, created_at=entity.created_at)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(encode_id(Entity.STUDENT, self.database_id))

    @strawberry.field
    async def courses(self, info: Info, first: int = 20) -> CourseConnection:
        courses = await info.context["courses"].load((self.database_id, first))
        return CourseConnection(nodes=[Course.of(course) for course in courses])


@strawberry.type
class StudentConnection:
    nodes: list[Student]


@strawberry.type
class Query:
    @strawberry.field
    async def student(self, id: strawberry.ID) -> Student | None:  # noqa: A002 - its name in the API
        async with open_session() as session:
            entity = await session.get(StudentEntity, decode_key(id, Entity.STUDENT, argument="id"))
        return Student.of(entity) if entity else None

    @strawberry.field
    async def students(self, first: int = 20, after: str | None = None) -> StudentConnection:
        async with open_session() as session:
            students = await session.scalars(
                select(StudentEntity).where(StudentEntity.id > int(after or 0)).order_by(StudentEntity.id).limit(first)
            )
        return StudentConnection(nodes=[Student.of(student) for student in students])

    @strawberry.field
    async def courses(self, first: int = 20, after: str | None = None) -> CourseConnection:
        async with open_session() as session:
            courses = await session.scalars(
                select(CourseEntity).where(CourseEntity.id > int(after or 0)).order_by(CourseEntity.id).limit(first)
            )
        return CourseConnection(nodes=[Course.of(course) for course in courses])


@strawberry.input
class AssignCourseInput:
    student_id: strawberry.ID
    course_id: strawberry.ID


@strawberry.type
class AssignCourseSuccess:
    student: Student
    course: Course


@strawberry.type
class AssignCourseRefused:
    message: str


AssignCourseResult = Annotated[AssignCourseSuccess | AssignCourseRefused, strawberry.union("AssignCourseResult")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def assign_course(self, input: AssignCourseInput) -> AssignCourseResult:  # noqa: A002
        ids = (
            decode_key(input.student_id, Entity.STUDENT, argument="studentId"),
            decode_key(input.course_id, Entity.COURSE, argument="courseId"),
        )
        async with open_session.begin() as session:
            student = await session.get(StudentEntity, ids[0])
            course = await session.get(CourseEntity, ids[1], with_for_update={"key_share": True})
            if student is None or course is None:
                return AssignCourseRefused(message="There is no such student or course.")
            if await session.get(StudentCourseEntity, ids) is None:
                link = StudentCourseEntity.course_id
                taken = await session.scalar(select(func.count()).where(link == course.id))
                if course.capacity is not None and (taken or 0) >= course.capacity:
                    return AssignCourseRefused(message="The course is full.")
                session.add(StudentCourseEntity(student_id=student.id, course_id=course.id))
        return AssignCourseSuccess(student=Student.of(student), course=Course.of(course))


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = Starlette(routes=[Route("/graphql", View(strawberry.Schema(query=Query, mutation=Mutation)))], lifespan=lifespan)
