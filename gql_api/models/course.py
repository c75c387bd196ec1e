"""The table of courses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gql_api.models.model import Key, Model, Text, UtcDateTime, utc_now

if TYPE_CHECKING:
    from gql_api.models.student import Student
    from gql_api.models.student_courses import StudentCourses


class Course(Model):
    """Something that students are assigned to; `capacity` NULL means that it never fills up."""

    __tablename__ = "courses"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    credits: Mapped[int | None] = mapped_column(Integer)
    capacity: Mapped[int | None] = mapped_column(Integer)
    sourced_id: Mapped[str | None] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=utc_now())

    students: Mapped[list[Student]] = relationship(
        secondary="student_courses", back_populates="courses", lazy="raise", viewonly=True
    )
    student_links: Mapped[list[StudentCourses]] = relationship(
        back_populates="course", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )

    __table_args__ = (
        CheckConstraint("credits >= 0", name="credits"),
        CheckConstraint("capacity >= 0", name="capacity"),
        {"sqlite_autoincrement": True},  # an id that was handed out never comes to mean something else
    )
