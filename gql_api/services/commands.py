"""`gql-api student`, save for its options: what is stored about a student, and that it be forgotten."""

from __future__ import annotations

import os
import pwd
from functools import partial

import orjson

from gql_api.services.actor import OPERATOR, Actor
from gql_api.services.personal_data import erase_student, export_student, student_name
from gql_api.services.unit_of_work import UnitsOfWork


def operator() -> Actor:
    """Whoever runs this program, by the operating system's name."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without a name, as in many containers
        name = None
    return Actor(name, OPERATOR)


async def export_command(units_of_work: UnitsOfWork, student_id: int) -> str:
    """Everything that is stored about the student, as JSON; see `export_student`."""
    stored = await units_of_work.run(partial(export_student, student_id=student_id), actor=operator())
    return orjson.dumps(stored, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


async def erase_command(units_of_work: UnitsOfWork, student_id: int) -> str:
    """Erase what is personal, and say what that was; see `erase_student`."""
    erasure = await units_of_work.run(partial(erase_student, student_id=student_id), actor=operator())
    if not erasure.changed_anything:
        return f"Student {student_id}: there was nothing to erase (any more)."
    erased = ["name, e-mail address and sourcedId in the record"] if erasure.record else []
    erased += [f"the name in {erasure.events} events"] if erasure.events else []
    return f"Student {student_id}: erased {' and '.join(erased)}. The assignments, all counts and the audit stay."


async def name_command(units_of_work: UnitsOfWork, student_id: int) -> str:
    """The student as the question shows them that precedes an erasure."""
    name = await units_of_work.run(partial(student_name, student_id=student_id))
    return f"student {student_id}, {'who was deleted' if name is None else name}"
