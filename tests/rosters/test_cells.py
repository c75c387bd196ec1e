from typing import Any

import pytest

from gql_api.rosters.cells import (
    GUID_RULE,
    TRUE_OR_FALSE,
    BlankInBulk,
    Date,
    Guid,
    GuidList,
    OneOf,
    Reference,
    ReferenceList,
    WholeNumber,
    Year,
)

DATE_RULE = "must be a day of the calendar, written YYYY-MM-DD"
NUMBER_RULE = "must be a whole number from 0 to 2147483647"


@pytest.mark.parametrize(
    ("type_", "cells"),
    [
        (Guid(), ["0", "a" * 255, "A.b-c_d/e@f"]),
        (GuidList(), ["a", "a,b", ",".join(["x" * 255] * 100)]),
        (OneOf(("a", "b")), ["a", "b"]),
        (OneOf(("a",), extensible=True), ["a", "ext:whatever"]),
        (Date(), ["2024-02-29", "0001-01-01", "9999-12-31"]),
        (Year(), ["2025"]),
        (WholeNumber(), ["0", "007", "2147483647"]),
    ],
)
def test_what_a_cell_may_hold(type_: Any, cells: list[str]) -> None:
    assert [type_.check(cell) for cell in cells] == [None] * len(cells)


@pytest.mark.parametrize(
    ("type_", "cells", "rule"),
    [
        (Guid(), ["a" * 256, "a b", "é", "a\n", "٣", "a,b"], GUID_RULE),
        (Reference("users"), ["a b"], GUID_RULE),
        (GuidList(), [",", "a,", ",a", "a, b", "a;b"], f"every item {GUID_RULE}, with single commas between them"),
        (ReferenceList("users"), ["a,,b"], f"every item {GUID_RULE}, with single commas between them"),
        (OneOf(("a", "b")), ["c", "ext:c", "a "], "must be one of a, b"),
        (OneOf(("a",), extensible=True), ["c"], "must be one of a, ext:…"),
        (TRUE_OR_FALSE, ["TRUE"], "must be written true: case matters"),
        (
            Date(),
            ["2023-02-29", "20240101", "2024-1-1", "2024-01-01T00:00:00Z", "01/02/2024", "2024-01-0\u0661"],
            DATE_RULE,
        ),
        (Year(), ["24", "20245", "2024 "], "must be a year, written YYYY"),
        (WholeNumber(), ["-1", "1.5", "2147483648", "1e3", "99999999999999", "٣"], NUMBER_RULE),
        (BlankInBulk(), ["active"], "must be blank in bulk mode; delta mode is not supported"),
    ],
)
def test_what_a_cell_may_not_hold(type_: Any, cells: list[str], rule: str) -> None:
    assert [type_.check(cell) for cell in cells] == [rule] * len(cells)
