"""Rows that are kept by column behave as a list of rows would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_api.database.rows import UNREAD, CourseRow, Rows, StudentRow, keys_of

NAMES = ("parent_id", "id", "name", "email")
RECORDS = [(1, 10, "Ada", None), (1, 11, "Bo", "bo@example.org"), (2, 12, "Cy", None), (3, 13, "Di", None)]
LIST = [StudentRow(key, name, email) for _, key, name, email in RECORDS]


@pytest.fixture
def rows() -> Rows[StudentRow]:
    return Rows.of(StudentRow, NAMES, RECORDS)


def test_columns_that_were_not_read_are_no_data() -> None:
    (row,) = Rows.of(CourseRow, ("id", "code"), [(7, "C7")])
    assert row == CourseRow(7, "C7")
    assert [row.title, row.credits, row.capacity, row.sourced_id, row.created_at] == [UNREAD] * 5
    assert repr(UNREAD) == "UNREAD"
    with pytest.raises(TypeError):
        UNREAD + 1


def test_rows_are_a_sequence(rows: Rows[StudentRow]) -> None:
    assert list(rows) == LIST
    assert len(rows) == 4
    assert [rows[place] for place in range(-4, 4)] == [LIST[place] for place in range(-4, 4)]
    assert list(reversed(rows)) == LIST[::-1]
    assert LIST[2] in rows
    assert rows.index(LIST[2]) == 2
    assert repr(rows[1:2]) == f"Rows([{LIST[1]!r}])"


@pytest.mark.parametrize("place", [4, -5, 2**70])
def test_there_is_no_row_outside(rows: Rows[StudentRow], place: int) -> None:
    with pytest.raises(IndexError):
        rows[place]
    with pytest.raises(IndexError):
        rows.value("name", place)


def test_a_column_that_was_not_selected_is_an_error(rows: Rows[StudentRow]) -> None:
    with pytest.raises(KeyError):
        rows.column("created_at")
    with pytest.raises(KeyError):
        rows.value("created_at", 0)


@given(st.slices(4), st.slices(4))
def test_slices_of_slices_are_those_of_lists(outer: slice, inner: slice) -> None:
    outer, inner = slice(outer.start, outer.stop), slice(inner.start, inner.stop)
    rows = Rows.of(StudentRow, NAMES, RECORDS)[outer][inner]
    expected = LIST[outer][inner]
    assert list(rows) == expected
    assert len(rows) == len(expected)
    assert list(rows.column("name")) == [row.name for row in expected]
    assert [rows.value("name", place) for place in range(len(expected))] == [row.name for row in expected]
    assert list(keys_of(rows)) == [row.id for row in expected]


def test_rows_are_not_sliced_in_steps(rows: Rows[StudentRow]) -> None:
    with pytest.raises(ValueError, match="in steps of one"):
        rows[::2]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=5))
def test_joined_rows_are_joined_lists(bounds: list[tuple[int, int]]) -> None:
    rows = Rows.of(StudentRow, NAMES, RECORDS)
    other = Rows.of(StudentRow, NAMES, RECORDS[::-1])
    sources = [(rows, LIST), (other, LIST[::-1])]
    parts = [(sources[i % 2][0][start:stop], sources[i % 2][1][start:stop]) for i, (start, stop) in enumerate(bounds)]
    joined = rows[0:0].joined([part for part, _ in parts])
    expected = [row for _, some in parts for row in some]
    assert list(joined) == expected
    assert list(joined.column("parent_id")) == [2 if row.id == 12 else 3 if row.id == 13 else 1 for row in expected]


def test_neighbouring_slices_are_joined_without_copying(rows: Rows[StudentRow]) -> None:
    joined = rows[0:1].joined([rows[1:1], rows[1:3], rows[3:4]])
    assert list(joined) == LIST
    assert joined.column("name") is rows.column("name")


def test_no_records_are_no_rows() -> None:
    rows = Rows.of(StudentRow, NAMES, [])
    assert (list(rows), len(rows), list(rows.column("email"))) == ([], 0, [])
    assert list(rows.joined([rows, rows])) == []


@pytest.mark.parametrize("names", [("id",), ("id", "name", "email")], ids=["too-few", "too-many"])
def test_records_of_another_width_than_the_names_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        Rows.of(StudentRow, names, [(10, "Ada")])


def test_the_keys_of_row_objects_are_taken_from_them() -> None:
    assert keys_of(LIST) == [10, 11, 12, 13]
