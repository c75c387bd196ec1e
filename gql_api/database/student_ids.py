"""Which student a token means. Asked by the program itself, before it is known who asks and what they see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, String, bindparam, select

from gql_api.database.compiled import Reader
from gql_api.models import Student


def student_id_by_sourced_id(_dialect_name: str) -> Select[Any]:
    """The id of the student who has this `sourced_id`."""
    return select(Student.id).where(Student.sourced_id == bindparam("sourced_id", type_=String))


async def find_student_id(reader: Reader, sourced_id: str) -> int | None:
    """The key of the student who has this sourcedId, or None: one statement."""
    records = await reader.fetch(student_id_by_sourced_id, values={"sourced_id": sourced_id})
    return records[0][0] if records else None
