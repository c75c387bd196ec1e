"""The table of assignments: which student takes which course, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gql_api.models.model import Model, UtcDateTime, utc_now

if TYPE_CHECKING:
    from gql_api.models.course import Course
    from gql_api.models.student import Student


class StudentCourses(Model):
    """One assignment: the link between a student and a course, with the time at which it was made.

    The primary key holds a student's courses together, the index (course_id, student_id) a course's students: both
    directions are read in order of id without sorting.
    """

    __tablename__ = "student_courses"

    student_id: Mapped[int] = mapped_column(ForeignKey("students.id", ondelete="CASCADE"), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=utc_now())

    student: Mapped[Student] = relationship(back_populates="course_links", lazy="raise")
    course: Mapped[Course] = relationship(back_populates="student_links", lazy="raise")

    __table_args__ = (
        Index(None, "course_id", "student_id"),
        {"sqlite_with_rowid": False},  # SQLite then keeps the rows in the primary key itself
    )
