"""What is stored: three tables, the outbox of their events, and the audit of who changed and read what."""

from gql_api.models.audit import AuditAction, AuditEntry
from gql_api.models.course import Course
from gql_api.models.model import Model
from gql_api.models.outbox import AssignmentEvent, AssignmentEventKind
from gql_api.models.student import Student
from gql_api.models.student_courses import StudentCourses

__all__ = [
    "AssignmentEvent",
    "AssignmentEventKind",
    "AuditAction",
    "AuditEntry",
    "Course",
    "Model",
    "Student",
    "StudentCourses",
]
