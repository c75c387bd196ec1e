"""The tables as SQLAlchemy Core sees them, and the columns of each in the order of its row type.

The services write through Core: an entity would be loaded, tracked and flushed for what is one statement.
"""

from __future__ import annotations

from typing import Final

from gql_api.database.rows import CourseRow, StudentRow
from gql_api.models import AssignmentEvent, AuditEntry, Course, Model, Student, StudentCourses

STUDENTS: Final = Model.metadata.tables[Student.__tablename__]
COURSES: Final = Model.metadata.tables[Course.__tablename__]
STUDENT_COURSES: Final = Model.metadata.tables[StudentCourses.__tablename__]
ASSIGNMENT_EVENTS: Final = Model.metadata.tables[AssignmentEvent.__tablename__]
AUDIT_ENTRIES: Final = Model.metadata.tables[AuditEntry.__tablename__]

STUDENT_COLUMNS: Final = tuple(STUDENTS.c[name] for name in StudentRow._fields)
COURSE_COLUMNS: Final = tuple(COURSES.c[name] for name in CourseRow._fields)
