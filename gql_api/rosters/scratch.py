"""The scratch database: what was read of a bundle, and everything that is wrong with it.

A private SQLite database in a temporary file that the system forgets when it is closed. However large the bundle,
memory holds SQLite's page cache and one batch of rows. Rules that concern several rows are SQL here, in one dialect
whatever the target speaks, and a bundle that breaks them never touches the target.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    CursorResult,
    Executable,
    FromClause,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    case,
    create_engine,
    event,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.pool import StaticPool

from gql_api.errors import OperatorError
from gql_api.rosters.oneroster import File

BATCH_ROWS: Final = 10_000
CACHE_KIBIBYTES: Final = 32 * 1024

PAGES_MAX: Final = 4 * 1024**2
"""Pages of 4 KiB in the temporary file, 16 GiB in all: a bundle of the largest size takes half of that."""


class Standing(IntEnum):
    """Whether a row can be imported."""

    SOUND = 0
    FAULTY = 1
    DEPENDENT = 2
    """Sound by itself, but it needs a row that cannot be imported."""


class FaultInFile(NamedTuple):
    """A fault and where it is.

    Attributes:
        file: the file's name without its ending.
        line: where its record begins, counted from 1.
        column: empty where the row as a whole is at fault.
        rule: what is asked of the cell or row, or why it cannot be imported.
        value: the cell's text, shortened.
        standing: FAULTY, or DEPENDENT where the row is left out because of another.
    """

    file: str
    line: int
    column: str
    rule: str
    value: str
    standing: Standing


class Scratch:
    """The tables of one bundle.

    Attributes:
        files: a table per file, by the file's name, of the kept columns of its rows; a row's key is its line.
        list_items: one row per item in a list of references.
        faults: all that is wrong.
        students: the users who become students, as they will be stored.
        courses: the rows of courses.csv that become courses, likewise.
    """

    def __init__(self, connection: Connection, files: Sequence[File]) -> None:
        self._connection = connection
        metadata = MetaData()
        self.files: Mapping[str, Table] = {file.name: _table_of_file(file, metadata) for file in files}
        self.list_items = Table(
            "list_items",
            metadata,
            Column("file", String),
            Column("line", Integer),
            Column("column", String),
            Column("target", String),
            Column("sourcedId", String),
        )
        self.faults = Table(
            "faults",
            metadata,
            Column("file", String),
            Column("line", Integer),
            Column("column", String),
            Column("rule", String),
            Column("value", String),
            Column("standing", Integer),
            Index("faults_file_line", "file", "line"),
        )
        self.students = Table(
            "students",
            metadata,
            Column("line", Integer, primary_key=True),
            Column("sourced_id", String),
            Column("name", String),
            Column("email", String),
        )
        self.courses = Table(
            "courses",
            metadata,
            Column("line", Integer, primary_key=True),
            Column("sourced_id", String),
            Column("code", String),
            Column("title", String),
            Column("credits", Integer),
            Column("capacity", Integer),
        )
        metadata.create_all(connection, checkfirst=False)

    def add(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        """Add rows whose values stand in the order of the table's columns."""
        if rows:
            statement = str(table.insert().compile(dialect=self._connection.dialect))
            self._connection.exec_driver_sql(statement, rows)

    def create_index(self, *columns: Column[Any]) -> None:
        """Index columns of one table: after the rows are in, which is far quicker than before."""
        name = "_".join(column.name for column in columns)
        Index(f"{columns[0].table.description}_{name}", *columns).create(self._connection)
        # So that the planner knows which tables are large; looking at the first entries takes no time.
        self._connection.exec_driver_sql("ANALYZE")

    def report(self, faults: Iterable[FaultInFile]) -> None:
        """Report faults; where their rows are not marked yet, `mark` follows."""
        self.add(self.faults, [tuple(fault) for fault in faults])

    def report_selected(
        self, file: str, column: str, found: Select[tuple[int, str, str]], standing: Standing = Standing.FAULTY
    ) -> None:
        """Report the rows of a file that a statement finds (their lines, rules and values), and mark them."""
        line, rule, value = found.subquery().c
        values = select(literal(file), line, literal(column), rule, value, literal(int(standing)))
        if self.execute(insert(self.faults).from_select(list(self.faults.c), values)).rowcount:
            self.mark(file, standing)

    def mark(self, file: str, standing: Standing = Standing.FAULTY) -> None:
        """Give the sound rows of a file that faults have been reported of this standing."""
        table = self.files[file]
        reported = select(self.faults.c.line).where(self.faults.c.file == file)
        sound = table.c.standing == Standing.SOUND
        self.execute(update(table).where(sound, table.c.line.in_(reported)).values(standing=int(standing)))

    def execute(self, statement: Executable) -> CursorResult[Any]:
        """Run a statement."""
        return self._connection.execute(statement)

    def count(self, table: FromClause, *conditions: ColumnElement[bool]) -> int:
        """Count the rows of a table that fulfil all conditions."""
        counted: int = self._connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
        return counted

    def has_faults(self) -> bool:
        """Whether anything is wrong so far."""
        return self.execute(select(self.faults.c.line).limit(1)).first() is not None

    def rows(self, statement: Select[Any]) -> Iterator[Row[*tuple[Any, ...]]]:
        """Run a SELECT and give its rows as they are read, a batch at a time in memory."""
        yield from self._connection.execution_options(yield_per=BATCH_ROWS).execute(statement)

    def faults_in_order(self, standings: Collection[Standing]) -> Iterator[FaultInFile]:
        """Give the faults of these standings, in order of standing, file and line."""
        position = case({name: position for position, name in enumerate(self.files)}, value=self.faults.c.file)
        statement = select(self.faults).where(self.faults.c.standing.in_(standings))
        for row in self.rows(statement.order_by(self.faults.c.standing, position, self.faults.c.line)):
            fault = FaultInFile._make(row)
            yield fault._replace(standing=Standing(fault.standing))


@contextmanager
def open_scratch(files: Sequence[File]) -> Iterator[Scratch]:
    """Open a scratch database for these files; it is gone when the context ends.

    Raises:
        OperatorError: raised by whatever uses it, where its file cannot grow.
    """
    engine = create_engine("sqlite://", creator=_connect, poolclass=StaticPool)
    event.listen(engine, "handle_error", _explain, retval=True)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")  # one transaction throughout, or every row would be one
            yield Scratch(connection, files)
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect("", isolation_level=None)  # the empty name: a file of its own, for this connection
    pragmas: dict[str, str | int] = {"journal_mode": "OFF", "synchronous": "OFF", "analysis_limit": 400}
    pragmas |= {"cache_size": -CACHE_KIBIBYTES, "max_page_count": PAGES_MAX}
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name} = {value}")
    return connection


def _explain(context: ExceptionContext) -> OperatorError | None:
    if isinstance(context.original_exception, sqlite3.OperationalError):
        return OperatorError(
            f"The temporary file of the import cannot be written: {context.original_exception}. "
            "SQLITE_TMPDIR names another directory for it."
        )
    return None


def _table_of_file(file: File, metadata: MetaData) -> Table:
    kept = (Column(column.name, String) for column in file.kept_columns)
    # Named with its ending, so that courses.csv is not the table of courses.
    return Table(file.csv_name, metadata, Column("line", Integer, primary_key=True), Column("standing", Integer), *kept)
