"""What is asked, and the right answer, which follows from the population alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from benchmarks.population import Population
from gql_api.database.statements import Entity
from gql_api.schema.global_id import encode_id

JsonObject: TypeAlias = dict[str, Any]

NESTED_MAX: Final = 20
"""Rows of a nested list, `first: 20` in the documents."""


class Workload(StrEnum):
    """The five workloads, by the names under which they stand in the tables."""

    ROSTER = "W1"
    DEEP = "W2"
    STUDENT = "W3"
    ASSIGN = "W4"
    FLAT = "W5"

    @property
    def meaning(self) -> str:
        """What it is, for a reader of the tables."""
        return _MEANINGS[self]

    @property
    def document(self) -> str:
        """The GraphQL document."""
        return _DOCUMENTS[self]

    @property
    def page_size(self) -> int:
        """How many rows the outermost list has; 1 if there is none."""
        return _PAGE_SIZES.get(self, 1)


_MEANINGS: Final = {
    Workload.ROSTER: "roster page: 50 students, the courses of each",
    Workload.DEEP: "deep: 10 courses, 20 students of each, the courses of each of these",
    Workload.STUDENT: "one student by id, with the courses",
    Workload.ASSIGN: "`assignCourse` of random pairs, none of them twice",
    Workload.FLAT: "500 students, flat",
}

_DOCUMENTS: Final = {
    Workload.ROSTER: "query ($after: String) { students(first: 50, after: $after) { nodes { "
    "id name email courses(first: 20) { nodes { id code title credits } } } } }",
    Workload.DEEP: "query ($after: String) { courses(first: 10, after: $after) { nodes { "
    "title students(first: 20) { nodes { name courses(first: 20) { nodes { code title } } } } } } }",
    Workload.STUDENT: "query ($id: ID!) { student(id: $id) { "
    "name email courses(first: 20) { nodes { code title } } } }",
    Workload.ASSIGN: "mutation ($s: ID!, $c: ID!) { assignCourse(input: {studentId: $s, courseId: $c}) { "
    "... on AssignCourseSuccess { student { id } course { id } } } }",
    Workload.FLAT: "{ students(first: 500) { nodes { id name email createdAt } } }",
}

_PAGE_SIZES: Final = {Workload.ROSTER: 50, Workload.DEEP: 10, Workload.FLAT: 500}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about, where the workload leaves a choice: a student, a course, or where the page begins."""

    student_id: int = 1
    course_id: int = 1
    after_id: int = 0
    after_cursor: str | None = None


def variables(workload: Workload, subject: Subject) -> JsonObject:
    """The variables of a request."""
    match workload:
        case Workload.STUDENT:
            return {"id": encode_id(Entity.STUDENT, subject.student_id)}
        case Workload.ASSIGN:
            student, course = (Entity.STUDENT, subject.student_id), (Entity.COURSE, subject.course_id)
            return {"s": encode_id(*student), "c": encode_id(*course)}
        case _:
            return {} if subject.after_cursor is None else {"after": subject.after_cursor}


def right_answer(workload: Workload, population: Population, subject: Subject) -> JsonObject:
    """The `data` of the answer."""
    ids = range(subject.after_id + 1, subject.after_id + 1 + workload.page_size)
    match workload:
        case Workload.ROSTER:
            return {"students": {"nodes": [_student_on_roster(population, id_) for id_ in ids]}}
        case Workload.DEEP:
            students_of = population.students_of(ids)
            return {"courses": {"nodes": [_course_with_students(population, id_, students_of[id_]) for id_ in ids]}}
        case Workload.STUDENT:
            student = population.student(subject.student_id)
            courses = _courses(population, student.id)
            return {"student": {"name": student.name, "email": student.email, "courses": courses}}
        case Workload.ASSIGN:
            named = variables(workload, subject)
            return {"assignCourse": {"student": {"id": named["s"]}, "course": {"id": named["c"]}}}
        case Workload.FLAT:
            return {"students": {"nodes": [_student_flat(population, id_) for id_ in ids]}}


def _student_on_roster(population: Population, id_: int) -> JsonObject:
    student = population.student(id_)
    nodes = [
        {
            "id": encode_id(Entity.COURSE, course.id),
            "code": course.code,
            "title": course.title,
            "credits": course.credits,
        }
        for course in map(population.course, population.courses_of(id_))
    ]
    id_text = encode_id(Entity.STUDENT, id_)
    return {"id": id_text, "name": student.name, "email": student.email, "courses": {"nodes": nodes}}


def _course_with_students(population: Population, id_: int, student_ids: list[int]) -> JsonObject:
    nodes = [
        {"name": population.student(student_id).name, "courses": _courses(population, student_id)}
        for student_id in student_ids[:NESTED_MAX]
    ]
    return {"title": population.course(id_).title, "students": {"nodes": nodes}}


def _courses(population: Population, student_id: int) -> JsonObject:
    courses = map(population.course, population.courses_of(student_id))
    return {"nodes": [{"code": course.code, "title": course.title} for course in courses]}


def _student_flat(population: Population, id_: int) -> JsonObject:
    student = population.student(id_)
    created_at = student.created_at.isoformat().replace("+00:00", "Z")
    return {"id": encode_id(Entity.STUDENT, id_), "name": student.name, "email": student.email, "createdAt": created_at}
