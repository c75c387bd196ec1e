"""A file's header, matched with the standard's columns: what stands where, and what each cell is checked for.

Every column of the standard stands in the standard's order; columns that may be blank may be missing; after them come
`metadata.*` columns, which are passed over unless we know them. Anything else is refused, so that a slip in a header
never turns a column into nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from gql_api.errors import BundleUnusable
from gql_api.rosters.cells import ReferenceList, Text
from gql_api.rosters.oneroster import File, Need

COLUMNS_MAX = 256
METADATA_PREFIX = "metadata."
BLANK_RULE = "must not be blank"


class Fault(NamedTuple):
    """What is wrong with a row: `column` is empty where it is the row as a whole; `value` is the cell's text."""

    line: int
    column: str
    rule: str
    value: str


class Layout:
    """Where a file's columns stand.

    Attributes:
        width: how many fields every row must have.
        kept: the position of each of the file's kept columns, None for one that this file does not have.
        lists: the positions of lists of references.
    """

    def __init__(self, file: File, header: list[str]) -> None:
        self.width = len(header)
        positions = {name: position for position, name in enumerate(header)}
        known = [column for column in (*file.columns, *file.extensions) if column.name in positions]
        self.kept = tuple((column, positions.get(column.name)) for column in file.kept_columns)
        self.lists = tuple(
            (column.name, column.type.file, positions[column.name])
            for column in known
            if isinstance(column.type, ReferenceList)
        )
        self._required = tuple((positions[c.name], c.name) for c in known if c.need is Need.ALWAYS)
        self._checks: tuple[tuple[int, str, Callable[[str], str | None]], ...] = tuple(
            (positions[column.name], column.name, column.type.check)
            for column in known
            if not isinstance(column.type, Text)
        )

    def faults(self, line: int, fields: list[str]) -> list[Fault]:
        """Check one row of the right width by itself."""
        faults = [Fault(line, name, BLANK_RULE, "") for position, name in self._required if not fields[position]]
        for position, name, check in self._checks:
            cell = fields[position]
            if cell and (rule := check(cell)) is not None:
                faults.append(Fault(line, name, rule, cell))
        return faults


def read_header(file: File, header: list[str]) -> Layout:
    """Match a header with the file's columns.

    Raises:
        BundleUnusable: a column is unknown, misspelt, there twice, missing though required, or out of order.
    """
    if problem := _problem(file, header):
        raise BundleUnusable(f"{file.csv_name}, line 1: {problem}.")
    return Layout(file, header)


def _problem(file: File, header: list[str]) -> str | None:
    if len(header) > COLUMNS_MAX:
        return f"{len(header):,} columns; at most {COLUMNS_MAX} are read"
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        return f"the column {_shown(repeated[0])} stands there twice"
    extensions = [name for name in header if name.startswith(METADATA_PREFIX)]
    standard = header[: len(header) - len(extensions)]
    if header[len(standard) :] != extensions:
        return "metadata.* columns must stand to the right of all others"
    return _problem_with_names(file, standard, extensions) or _problem_with_order(file, standard)


def _problem_with_names(file: File, standard: list[str], extensions: list[str]) -> str | None:
    names = [column.name for column in file.columns]
    for name in standard:
        if name not in names:
            slip = _differs_in_case(name, names)
            return slip or f"{_shown(name)} is no column of this file; those are {', '.join(names)}"
    known = [column.name for column in file.extensions]
    for name in extensions:
        if name not in known and (slip := _differs_in_case(name, known)):
            return slip
    missing = [column.name for column in file.columns if column.need is Need.ALWAYS and column.name not in standard]
    return f"the required column {missing[0]} is missing" if missing else None


def _problem_with_order(file: File, standard: list[str]) -> str | None:
    expected = [column.name for column in file.columns if column.name in standard]
    for name, expected_name in zip(standard, expected, strict=True):
        if name != expected_name:
            return f"{expected_name} must stand where {name} stands: the order of columns is the standard's"
    return None


def _differs_in_case(name: str, known: list[str]) -> str | None:
    for right in known:
        if right.lower() == name.strip().lower():
            return f"the column {_shown(name)} must be written {right}"
    return None


def _shown(name: str) -> str:
    return repr(name if len(name) <= 64 else f"{name[:63]}…")  # noqa: PLR2004 - enough to recognise it
