import pytest

from gql_api.errors import BundleUnusable
from gql_api.rosters.layout import Fault, read_header
from gql_api.rosters.manifest import Version
from gql_api.rosters.oneroster import ROLES, rostering_files
from tests.rosters.sample_bundle import sample

HEADER = sample()["roles.csv"].splitlines()[0].split(",")
ROW = sample()["roles.csv"].splitlines()[1].split(",")


def refusal(header: list[str]) -> str:
    with pytest.raises(BundleUnusable) as refused:
        read_header(ROLES, header)
    return refused.value.message


def without(*names: str) -> list[str]:
    return [name for name in HEADER if name not in names]


@pytest.mark.parametrize("version", list(Version))
def test_the_standards_headers_are_read(version: Version) -> None:
    files = sample(version.value)
    for file in rostering_files(version):
        header = files[file.csv_name].splitlines()[0].split(",")
        assert header == [column.name for column in file.columns]
        assert read_header(file, header).width == len(header)


def test_columns_that_may_be_blank_may_be_missing() -> None:
    layout = read_header(ROLES, without("status", "dateLastModified", "beginDate", "endDate", "userProfileSourcedId"))
    assert layout.faults(2, ["r", "u", "primary", "student", "o"]) == []


def test_unknown_metadata_is_passed_over() -> None:
    assert read_header(ROLES, [*HEADER, "metadata.color", "metadata.Color"]).width == len(HEADER) + 2


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ([*HEADER, "sourcedId"], "the column 'sourcedId' stands there twice"),
        ([*HEADER, "", ""], "the column '' stands there twice"),
        (["sourcedid", *HEADER[1:]], "the column 'sourcedid' must be written sourcedId"),
        ([" sourcedId", *HEADER[1:]], "the column ' sourcedId' must be written sourcedId"),
        ([*HEADER, "color"], "'color' is no column of this file; those are " + ", ".join(HEADER)),
        (["a;b" * 40], f"'{('a;b' * 40)[:63]}…' is no column of this file; those are " + ", ".join(HEADER)),
        (["metadata.color", *HEADER], "metadata.* columns must stand to the right of all others"),
        (without("role"), "the required column role is missing"),
        (without("sourcedId"), "the required column sourcedId is missing"),
        (
            [*HEADER[:4], HEADER[5], HEADER[4], *HEADER[6:]],
            "roleType must stand where role stands: the order of columns is the standard's",
        ),
        ([*HEADER, *(f"metadata.{i}" for i in range(300))], "310 columns; at most 256 are read"),
    ],
)
def test_any_other_header_is_refused(header: list[str], message: str) -> None:
    assert refusal(header) == f"roles.csv, line 1: {message}."


def test_a_misspelt_extension_of_ours_is_refused() -> None:
    courses = rostering_files(Version.V1_2)[2]
    header = [column.name for column in courses.columns]
    with pytest.raises(BundleUnusable, match=r"'metadata\.Capacity' must be written metadata\.capacity"):
        read_header(courses, [*header, "metadata.Capacity"])


def test_a_row_that_keeps_the_rules_has_no_faults() -> None:
    assert read_header(ROLES, HEADER).faults(2, ROW) == []


def test_every_fault_of_a_row_is_found() -> None:
    cells = {
        "sourcedId": "",
        "status": "active",
        "userSourcedId": "a b",
        "roleType": "Primary",
        "beginDate": "2024-02-30",
    }
    row = [cells.get(name, cell) for name, cell in zip(HEADER, ROW, strict=True)]
    assert read_header(ROLES, HEADER).faults(7, row) == [
        Fault(7, "sourcedId", "must not be blank", ""),
        Fault(7, "status", "must be blank in bulk mode; delta mode is not supported", "active"),
        Fault(7, "userSourcedId", "must be 1 to 255 of the characters 0-9 A-Z a-z . - _ / @", "a b"),
        Fault(7, "roleType", "must be written primary: case matters", "Primary"),
        Fault(7, "beginDate", "must be a day of the calendar, written YYYY-MM-DD", "2024-02-30"),
    ]
