"""A file's rows into the scratch database, each checked by itself."""

from __future__ import annotations

from gql_api.errors import BundleUnusable
from gql_api.rosters.bundle import Bundle
from gql_api.rosters.cells import Guid
from gql_api.rosters.csv_records import BrokenRecord, CsvReader, Record
from gql_api.rosters.layout import Fault, Layout, read_header
from gql_api.rosters.oneroster import File
from gql_api.rosters.progress import Step
from gql_api.rosters.scratch import BATCH_ROWS, FaultInFile, Scratch, Standing

BATCH_BYTES = 4 * 1024**2
"""Bytes of the file that are in memory at once, however few rows they make."""

VALUE_LENGTH_MAX = 80
"""Characters of a faulty cell that are kept to show it."""

_GUID = Guid()


def stage_file(scratch: Scratch, bundle: Bundle, file: File, step: Step) -> Layout:
    """Read a file into its table; faulty rows too, so that what refers to them is known to.

    Returns:
        Where the file's columns stand, and so which ones it has.

    Raises:
        BundleUnusable: the file as a whole cannot be read: see `CsvReader`, `read_header`; or it has no data rows.
    """
    with bundle.open(file.csv_name) as stream:
        reader = CsvReader(stream, file.csv_name)
        records = iter(reader)
        header = next(records, None)
        if header is None:
            raise BundleUnusable(f"{file.csv_name} is empty; the header is missing.")
        if isinstance(header, BrokenRecord):
            raise BundleUnusable(f"{file.csv_name}, line {header.line}: {header.rule}.")
        layout = read_header(file, header.fields)
        batch = _Batch(scratch, file, layout)
        for record in records:
            batch.take(record)
            if batch.rows_count >= BATCH_ROWS or reader.bytes_read - step.done >= BATCH_BYTES:
                batch.flush()
                step.advance(reader.bytes_read - step.done)
        batch.flush()
        step.advance(reader.bytes_read - step.done)
    if batch.rows_total == 0:
        raise BundleUnusable(f"{file.csv_name} has no data rows; the standard wants such a file to be left out.")
    return layout


class _Batch:
    """Rows on their way into the scratch database."""

    def __init__(self, scratch: Scratch, file: File, layout: Layout) -> None:
        self.rows_total = 0
        self._scratch = scratch
        self._file = file
        self._layout = layout
        self._table = scratch.files[file.name]
        self._kept = [position for _, position in layout.kept]
        self._rows: list[tuple[int | str | None, ...]] = []
        self._items: list[tuple[str | int, ...]] = []
        self._faults: list[FaultInFile] = []

    @property
    def rows_count(self) -> int:
        return len(self._rows) + len(self._items) + len(self._faults)

    def take(self, record: Record | BrokenRecord) -> None:
        self.rows_total += 1
        fields = record.fields
        if isinstance(record, BrokenRecord):
            self._take_unreadable(record, record.rule)
        elif len(fields) != self._layout.width:
            self._take_unreadable(record, f"has {len(fields)} fields, the header has {self._layout.width}")
        elif faults := self._layout.faults(record.line, fields):
            self._report(faults)
            self._add(record.line, Standing.FAULTY, fields)
        else:
            self._add(record.line, Standing.SOUND, fields)
            for column, target, position in self._layout.lists:
                if cell := fields[position]:
                    self._items += [(self._file.name, record.line, column, target, item) for item in cell.split(",")]

    def flush(self) -> None:
        self._scratch.add(self._table, self._rows)
        self._scratch.add(self._scratch.list_items, self._items)
        self._scratch.report(self._faults)
        self._rows, self._items, self._faults = [], [], []

    def _take_unreadable(self, record: Record | BrokenRecord, rule: str) -> None:
        if record.last_line > record.line:
            # A quote out of place has swallowed lines that may have been rows of their own.
            raise BundleUnusable(
                f"{self._file.csv_name}, line {record.line}: {rule}; quotes make one record of lines "
                f"{record.line} to {record.last_line}, and what was lost with it cannot be told."
            )
        self._report([Fault(record.line, "", rule, "")])
        sourced_id = record.fields[0] if record.fields and _GUID.check(record.fields[0]) is None else ""
        self._add(record.line, Standing.FAULTY, [sourced_id, *[""] * (self._layout.width - 1)])

    def _add(self, line: int, standing: Standing, fields: list[str]) -> None:
        self._rows.append(
            (line, int(standing), *[None if position is None else fields[position] or None for position in self._kept])
        )

    def _report(self, faults: list[Fault]) -> None:
        self._faults += [
            FaultInFile(self._file.name, fault.line, fault.column, fault.rule, shortened(fault.value), Standing.FAULTY)
            for fault in faults
        ]


def shortened(value: str) -> str:
    """Cut a cell's text to what is needed to recognise it."""
    return value if len(value) <= VALUE_LENGTH_MAX else f"{value[: VALUE_LENGTH_MAX - 1]}…"
