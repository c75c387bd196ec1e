"""Bytes to records: RFC 4180 with OneRoster's restrictions (OneRoster CSV 1.2, section 3: UTF-8, no CR inside a field).

What is wrong with one record is reported with its line, and reading goes on; what makes the rest of the file doubtful
ends it. Whatever the file holds, no more than one record is in memory.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from gql_api.errors import BundleUnusable

LINE_BYTES_MAX = 64 * 1024
RECORD_BYTES_MAX = 128 * 1024
"""Fields may hold line breaks, so a record may have several lines. Below the csv module's own limit for one field."""

# UTF-32 first: its little-endian mark begins like that of UTF-16.
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

# The csv module lets quotes stand inside an unquoted field; RFC 4180 does not. Nothing here can backtrack.
_FIELD = r'(?:"(?:[^"]|"")*+"|[^",]*+)'
_RFC_4180_RECORD = re.compile(f"{_FIELD}(?:,{_FIELD})*+")


class Record(NamedTuple):
    """The fields of a record and the lines it begins and ends on, counted from 1."""

    line: int
    last_line: int
    fields: list[str]


class BrokenRecord(NamedTuple):
    """A record that cannot be trusted, the rule that it breaks, and what could be made out of it."""

    line: int
    last_line: int
    rule: str
    fields: list[str]


class CsvReader:
    """The records of a file, the header first, each exactly once; blank lines are passed over.

    Args:
        stream: the file, buffered.
        name: what the file is called in errors.

    Attributes:
        bytes_read: how far the reading has come.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.bytes_read = 0
        self._stream = stream
        self._name = name
        self._line = 0
        self._at_end = False
        # What belongs to the present record:
        self._texts: list[str] = []
        self._bytes_before = 0
        self._broken_rule: str | None = None
        self._ended_by_carriage_return = False

    def __iter__(self) -> Iterator[Record | BrokenRecord]:
        """Read on.

        Raises:
            BundleUnusable: the file is not UTF-8 as a whole, its lines end with CR alone, a line or record is longer
                than allowed, or a quoted field does not end.
        """
        records = csv.reader(self._decoded_lines(), strict=True)
        while True:
            line = self._line + 1
            self._texts.clear()
            self._bytes_before = self.bytes_read
            self._broken_rule = None
            try:
                fields = next(records)
            except StopIteration:
                return
            except csv.Error:
                if self._at_end:
                    raise BundleUnusable(f"{self._name}, line {line}: a quoted field does not end.") from None
                yield BrokenRecord(line, self._line, "after a closing quote, a comma or the line's end must follow", [])
                continue
            if (rule := self._rule_broken()) is not None:
                yield BrokenRecord(line, self._line, rule, fields)
            elif fields:
                yield Record(line, self._line, fields)

    def _rule_broken(self) -> str | None:
        if self._broken_rule is None and any('"' in text for text in self._texts):
            record = "".join(self._texts)
            if _RFC_4180_RECORD.fullmatch(record.removesuffix("\n")) is None:
                return "a field that holds quotes must itself be quoted, with its quotes doubled"
        return self._broken_rule

    def _decoded_lines(self) -> Iterator[str]:
        """Yield each line, ended by LF whatever ended it in the file."""
        while raw := self._stream.readline(LINE_BYTES_MAX + 1):
            self._line += 1
            self.bytes_read += len(raw)
            if self._line == 1:
                raw = self._without_byte_order_mark(raw)
            if len(raw) > LINE_BYTES_MAX or self.bytes_read - self._bytes_before > RECORD_BYTES_MAX:
                raise BundleUnusable(
                    f"{self._name}, line {self._line}: longer than a line ({LINE_BYTES_MAX:,} bytes) "
                    f"or a record ({RECORD_BYTES_MAX:,}) may be; perhaps a quoted field does not end."
                )
            text = self._text(raw)
            self._texts.append(text)
            yield text
        self._at_end = True

    def _without_byte_order_mark(self, raw: bytes) -> bytes:
        for mark, encoding in _OTHER_ENCODINGS.items():
            if raw.startswith(mark):
                raise BundleUnusable(f"{self._name} is {encoding}; OneRoster wants UTF-8.")
        if b"\0" in raw:
            raise BundleUnusable(f"{self._name} is not text in UTF-8: its first line holds NUL bytes.")
        if b"\r" in raw.removesuffix(b"\n").removesuffix(b"\r"):
            raise BundleUnusable(f"{self._name}: its lines end with CR alone; CR LF or LF must end them.")
        return raw.removeprefix(codecs.BOM_UTF8)

    def _text(self, raw: bytes) -> str:
        if self._texts and self._ended_by_carriage_return:
            self._broken_rule = "no field may hold a carriage return"  # the previous line's end is inside a field
        self._ended_by_carriage_return = raw.endswith(b"\r\n")
        line = raw[:-2] if self._ended_by_carriage_return else raw.removesuffix(b"\n")
        if b"\r" in line:
            self._broken_rule = "no field may hold a carriage return"
            line = line.replace(b"\r", b" ")
        if b"\0" in line:
            self._broken_rule = "no field may hold a NUL character"
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            self._broken_rule = f"the text must be UTF-8, but byte {line[error.start]:#04x} is not"
            text = line.decode(errors="replace")
        return text + "\n"
