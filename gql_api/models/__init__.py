"""What is stored: three tables and the outbox of their events, and nothing about who asks for them."""

from gql_api.models.course import Course
from gql_api.models.model import Model
from gql_api.models.outbox import AssignmentEvent, AssignmentEventKind
from gql_api.models.student import Student
from gql_api.models.student_courses import StudentCourses

__all__ = ["AssignmentEvent", "AssignmentEventKind", "Course", "Model", "Student", "StudentCourses"]
