"""The rules that concern several rows of a bundle, on its scratch database.

A sourcedId names one row of its file, and "every object referenced by another object MUST also be defined"
(OneRoster CSV 1.2, section 3, on bulk processing).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, String, and_, exists, func, literal, or_, select
from sqlalchemy import cast as sql_cast

from gql_api.rosters.cells import Reference, ReferenceList
from gql_api.rosters.oneroster import STUDENT, Column, File
from gql_api.rosters.scratch import Scratch, Standing


def check_references(scratch: Scratch, files: Sequence[File]) -> None:
    """Report sourcedIds that are there twice, and references to what is not there."""
    for file in files:
        scratch.create_index(scratch.files[file.name].c.sourcedId)
    for file in files:
        _check_uniqueness(scratch, file)
    for file in files:
        for column in file.columns:
            if isinstance(column.type, Reference):
                _check_reference(scratch, file, column, column.type)
            elif isinstance(column.type, ReferenceList):
                _check_reference_list(scratch, file, column, column.type)


def leave_out_dependents(scratch: Scratch) -> None:
    """Report rows that need a row which cannot be imported, in such an order that they in turn have dependents.

    Only courses, classes, users and their roles make others impossible: orgs and academic sessions are not imported, so
    that nothing is lost where one of them is faulty.
    """
    if "roles" in scratch.files:
        _leave_out_users_without_role(scratch)
    for file, column, target in (
        ("classes", "courseSourcedId", "courses"),
        ("enrollments", "classSourcedId", "classes"),
        ("enrollments", "userSourcedId", "users"),
    ):
        _leave_out(scratch, file, column, target)


def _check_uniqueness(scratch: Scratch, file: File) -> None:
    table = scratch.files[file.name]
    first = (
        select(table.c.sourcedId, func.min(table.c.line).label("line"))
        .where(table.c.sourcedId.is_not(None))
        .group_by(table.c.sourcedId)
        .having(func.count() > 1)
        .subquery()
    )
    found = (
        select(table.c.line, sentence("must be unique in its file, but stands on line ", first.c.line, " already"))
        .add_columns(table.c.sourcedId)
        .join(first, first.c.sourcedId == table.c.sourcedId)
        .where(table.c.line > first.c.line)
    )
    scratch.report_selected(file.name, "sourcedId", found)


def _check_reference(scratch: Scratch, file: File, column: Column, reference: Reference) -> None:
    table, target = scratch.files[file.name], scratch.files[reference.file].alias("target")
    cell = table.c[column.name]
    found = select(table.c.line, literal(_missing(reference.file)), cell).where(cell.is_not(None))
    scratch.report_selected(file.name, column.name, found.where(~_exists(target, cell)))
    if reference.of_type is not None:
        rule = f"must refer to a row of {reference.file}.csv whose type is {reference.of_type}"
        # Of a faulty row the type may be what is wrong with it; that is said there.
        fits = or_(target.c.type == reference.of_type, target.c.standing != Standing.SOUND)
        found = select(table.c.line, literal(rule), cell).where(_exists(target, cell), ~_exists(target, cell, fits))
        scratch.report_selected(file.name, column.name, found)


def _check_reference_list(scratch: Scratch, file: File, column: Column, references: ReferenceList) -> None:
    items, target = scratch.list_items, scratch.files[references.file].alias("target")
    of_this_column = and_(items.c.file == file.name, items.c.column == column.name)
    found = select(items.c.line, literal(_missing(references.file)), items.c.sourcedId)
    scratch.report_selected(file.name, column.name, found.where(of_this_column, ~_exists(target, items.c.sourcedId)))


def _leave_out(scratch: Scratch, file: str, column: str, target_file: str) -> None:
    table, target = scratch.files[file], scratch.files[target_file].alias("target")
    cell = table.c[column]
    left_out = (
        select(target.c.sourcedId, func.min(target.c.line).label("line"))
        .group_by(target.c.sourcedId)
        .having(func.min(target.c.standing) != Standing.SOUND)
        .subquery()
    )
    found = (
        select(table.c.line, sentence("needs line ", left_out.c.line, f" of {target_file}.csv, which is left out"))
        .add_columns(cell)
        .join(left_out, left_out.c.sourcedId == cell)
        .where(table.c.standing == Standing.SOUND)
    )
    if "role" in table.c:
        found = found.where(table.c.role == STUDENT)  # no other enrolment is imported anyway
    scratch.report_selected(file, column, found, Standing.DEPENDENT)


def _leave_out_users_without_role(scratch: Scratch) -> None:
    """Report users who might be students: the row that says what they are is left out."""
    users, roles = scratch.files["users"], scratch.files["roles"]
    sound_students = select(roles.c.userSourcedId).where(roles.c.standing == Standing.SOUND, roles.c.role == STUDENT)
    left_out = (
        select(roles.c.userSourcedId, func.min(roles.c.line).label("line"))
        .where(roles.c.standing != Standing.SOUND)
        .group_by(roles.c.userSourcedId)
        .subquery()
    )
    found = (
        select(users.c.line, sentence("needs line ", left_out.c.line, " of roles.csv, which is left out"))
        .add_columns(users.c.sourcedId)
        .join(left_out, left_out.c.userSourcedId == users.c.sourcedId)
        .where(users.c.standing == Standing.SOUND, users.c.sourcedId.not_in(sound_students))
    )
    scratch.report_selected("users", "sourcedId", found, Standing.DEPENDENT)


def sentence(before: str, number: ColumnElement[int], after: str) -> ColumnElement[str]:
    """Write a number from a row into a rule."""
    return literal(before) + sql_cast(number, String) + literal(after)


def _exists(target: FromClause, cell: ColumnElement[str], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(target.c.sourcedId == cell, *conditions)


def _missing(file: str) -> str:
    return f"no row of {file}.csv has this sourcedId"
