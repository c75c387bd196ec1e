import io

import pytest

from gql_api.errors import BundleUnusable
from gql_api.rosters.csv_records import LINE_BYTES_MAX, RECORD_BYTES_MAX, BrokenRecord, CsvReader, Record


def read(data: bytes) -> list[Record | BrokenRecord]:
    return list(CsvReader(io.BytesIO(data), "users.csv"))


def refusal(data: bytes) -> str:
    with pytest.raises(BundleUnusable) as refused:
        read(data)
    return refused.value.message


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [b"", b"\r\n"])
def test_lines_end_with_or_without_cr_and_a_byte_order_mark_is_tolerated(
    line_end: bytes, mark: bytes, last: bytes
) -> None:
    assert read(mark + b"a,b" + line_end + b'1,"x, ""y"""' + last) == [
        Record(1, 1, ["a", "b"]),
        Record(2, 2, ["1", 'x, "y"']),
    ]


def test_blank_lines_are_passed_over_and_counted() -> None:
    assert read(b"\na,b\n\r\n\n1,2\n\n") == [Record(2, 2, ["a", "b"]), Record(5, 5, ["1", "2"])]


def test_a_quoted_field_may_hold_a_line_feed() -> None:
    assert read(b'a,b\r\n"x\ny",2\r\n3,4') == [
        Record(1, 1, ["a", "b"]),
        Record(2, 3, ["x\ny", "2"]),
        Record(4, 4, ["3", "4"]),
    ]


@pytest.mark.parametrize(
    ("line", "rule", "fields"),
    [
        (b'"x\r\ny",2', "no field may hold a carriage return", ["x\ny", "2"]),
        (b'"x\ry",2', "no field may hold a carriage return", ["x y", "2"]),
        (b"x\ry,2", "no field may hold a carriage return", ["x y", "2"]),
        (b"x\0,2", "no field may hold a NUL character", ["x\0", "2"]),
        ("é,2".encode("latin-1"), "the text must be UTF-8, but byte 0xe9 is not", ["\ufffd", "2"]),
        (b"\xed\xa0\x80,2", "the text must be UTF-8, but byte 0xed is not", ["\ufffd" * 3, "2"]),
        (b'"x"y,2', "after a closing quote, a comma or the line's end must follow", []),
        (b'x"y",2', "a field that holds quotes must itself be quoted, with its quotes doubled", ['x"y"', "2"]),
        (b' "x",2', "a field that holds quotes must itself be quoted, with its quotes doubled", [' "x"', "2"]),
    ],
)
def test_a_broken_record_is_reported_and_reading_goes_on(line: bytes, rule: str, fields: list[str]) -> None:
    last_line = 1 + line.count(b"\n") + 1
    assert read(b"a,b\r\n" + line + b"\r\n3,4\r\n") == [
        Record(1, 1, ["a", "b"]),
        BrokenRecord(2, last_line, rule, fields),
        Record(last_line + 1, last_line + 1, ["3", "4"]),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a,b\r\n".encode("utf-16"), "users.csv is UTF-16; OneRoster wants UTF-8."),
        ("a,b\r\n".encode("utf-32"), "users.csv is UTF-32; OneRoster wants UTF-8."),
        ("a,b\r\n".encode("utf-16-be"), "users.csv is not text in UTF-8: its first line holds NUL bytes."),
        (b"a,b\r1,2\r3,4\r", "users.csv: its lines end with CR alone; CR LF or LF must end them."),
        (b'a,b\n1,2\n"3,4\n5,6\n', "users.csv, line 3: a quoted field does not end."),
    ],
)
def test_a_file_that_is_no_csv_as_a_whole_is_refused(data: bytes, message: str) -> None:
    assert refusal(data) == message


def test_no_line_is_longer_than_its_limit() -> None:
    longest = b"x" * LINE_BYTES_MAX
    assert read(longest) == [Record(1, 1, [longest.decode()])]
    assert refusal(b"a\n" + longest + b"x") == (
        "users.csv, line 2: longer than a line (65,536 bytes) or a record (131,072) may be; "
        "perhaps a quoted field does not end."
    )


def test_a_quoted_field_that_does_not_end_does_not_fill_the_memory() -> None:
    line = b"x" * 1023 + b"\n"
    stream = io.BytesIO(b'a\n"' + line * 4096)
    with pytest.raises(BundleUnusable, match=r"users\.csv, line 129: longer than a line"):
        list(CsvReader(stream, "users.csv"))
    assert stream.tell() <= RECORD_BYTES_MAX + LINE_BYTES_MAX
