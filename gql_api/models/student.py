"""The table of students."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gql_api.models.model import Key, Model, Text, UtcDateTime, utc_now

if TYPE_CHECKING:
    from gql_api.models.course import Course
    from gql_api.models.student_courses import StudentCourses


class Student(Model):
    """A person who takes courses."""

    __tablename__ = "students"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text, unique=True)
    sourced_id: Mapped[str | None] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=utc_now())

    # Loading by accident is an error: lists of courses are read by the batch, through database/statements.py.
    courses: Mapped[list[Course]] = relationship(
        secondary="student_courses", back_populates="students", lazy="raise", viewonly=True
    )
    course_links: Mapped[list[StudentCourses]] = relationship(
        back_populates="student", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )

    __table_args__ = (
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
        {"sqlite_autoincrement": True},  # an id that was handed out never comes to mean someone else
    )
