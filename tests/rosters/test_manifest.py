from pathlib import Path

import pytest

from gql_api.errors import BundleUnusable
from gql_api.rosters.bundle import open_bundle
from gql_api.rosters.manifest import Manifest, Mode, Version, read_manifest
from tests.rosters.sample_bundle import FILES, Bundle, manifest, replaced, sample, written

HEADER = "propertyName,value\n"


def read(bundle: Bundle, folder: Path) -> Manifest:
    with open_bundle(written(bundle, folder)) as opened:
        return read_manifest(opened)


def refusal(bundle: Bundle, folder: Path) -> str:
    with pytest.raises(BundleUnusable) as refused:
        read(bundle, folder)
    return refused.value.message


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_manifest_says_version_and_files(tmp_path: Path, version: str) -> None:
    rostering, others = FILES[version]
    assert read(sample(version), tmp_path) == Manifest(
        Version(version), dict.fromkeys(others, Mode.ABSENT) | dict.fromkeys(rostering, Mode.BULK)
    )
    assert len(rostering) + len(others) == {"1.1": 13, "1.2": 21}[version]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"oneroster.version,1.2": "oneroster.version,1.0"}, "oneroster.version is '1.0'; 1.1 and 1.2 are read."),
        ({"oneroster.version,1.2\n": ""}, "oneroster.version is ''; 1.1 and 1.2 are read."),
        ({"manifest.version,1.0": "manifest.version,2.0"}, "manifest.version must be 1.0."),
        ({"file.users,bulk": "file.users,Bulk"}, "file.users is 'Bulk'; it must be absent, bulk or delta."),
    ],
)
def test_a_property_of_another_value_is_refused(tmp_path: Path, change: dict[str, str], message: str) -> None:
    [(old, new)] = change.items()
    assert refusal(replaced(sample(), "manifest.csv", old, new), tmp_path) == f"manifest.csv: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "manifest.version must be 1.0."),
        (HEADER.lower(), "line 1: the header must be propertyName,value."),
        ("propertyName,value,x\n", "line 1: the header must be propertyName,value."),
        (HEADER + "manifest.version\n", "line 2: a property and its value must stand here."),
        (HEADER + "a,1\na,1\n", "line 3: 'a' stands here a second time."),
        (HEADER + "a,\0\n", "line 2: no field may hold a NUL character."),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert refusal({"manifest.csv": text}, tmp_path).replace("manifest.csv, ", "") in (
        message,
        f"manifest.csv: {message}",
    )


def test_an_endless_manifest_is_refused(tmp_path: Path) -> None:
    text = HEADER + "".join(f"p{i},v\n" for i in range(1001))
    assert refusal({"manifest.csv": text}, tmp_path) == "manifest.csv has more than 1,000 properties."


def test_a_bundle_without_a_manifest_is_of_another_version_or_none(tmp_path: Path) -> None:
    files = sample()
    del files["manifest.csv"]
    assert refusal(files, tmp_path / "1.0") == (
        "The bundle has no manifest.csv, so it is of OneRoster 1.0; 1.1 and 1.2 are read."
    )
    files["Manifest.csv"] = manifest()
    assert refusal(files, tmp_path / "case") == (
        "The bundle has 'Manifest.csv'; it must be called manifest.csv, in small letters."
    )
    (tmp_path / "empty").mkdir()
    assert refusal({}, tmp_path / "empty") == (
        "There is no manifest.csv here, nor any other .csv file: this is no OneRoster bundle."
    )


def test_files_must_be_those_that_the_manifest_lists(tmp_path: Path) -> None:
    files = sample()
    del files["users.csv"]
    assert refusal(files, tmp_path / "missing") == "manifest.csv lists 'users.csv', which the bundle does not have."
    files["Users.csv"] = "x"
    assert refusal(files, tmp_path / "case") == (
        "manifest.csv lists 'users.csv', which the bundle does not have (its name must not be written 'Users.csv')."
    )
    assert refusal(sample() | {"results.csv": "x"}, tmp_path / "more") == (
        "The bundle has 'results.csv', which manifest.csv does not list."
    )
