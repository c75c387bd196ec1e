"""manifest.csv: which version of OneRoster a bundle speaks, and which files belong to it (OneRoster CSV 1.2, 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gql_api.errors import BundleUnusable
from gql_api.rosters.bundle import Bundle
from gql_api.rosters.csv_records import BrokenRecord, CsvReader

MANIFEST: Final = "manifest.csv"
PROPERTIES_MAX = 1_000


class Version(StrEnum):
    """The versions of OneRoster that are read; the values are the manifest's."""

    V1_1 = "1.1"
    V1_2 = "1.2"


class Mode(StrEnum):
    """What the manifest says of a file."""

    ABSENT = "absent"
    BULK = "bulk"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says; `modes` by file name without its ending, e.g. `users`."""

    version: Version
    modes: Mapping[str, Mode]


def read_manifest(bundle: Bundle) -> Manifest:
    """Read the manifest and compare its list of files with those that are there.

    Raises:
        BundleUnusable: there is no manifest (the bundle is of OneRoster 1.0, or none), it is malformed, of another
            version, or lists other files than the bundle has.
    """
    if MANIFEST not in bundle.sizes:
        raise BundleUnusable(_what_is_there_instead(bundle))
    properties = _read_properties(bundle)
    if properties.get("manifest.version") != "1.0":
        raise BundleUnusable(f"{MANIFEST}: manifest.version must be 1.0.")
    try:
        version = Version(properties.get("oneroster.version", ""))
    except ValueError:
        raise BundleUnusable(
            f"{MANIFEST}: oneroster.version is {properties.get('oneroster.version', '')!r}; 1.1 and 1.2 are read."
        ) from None
    modes = {
        name.removeprefix("file."): _mode(name, value) for name, value in properties.items() if name.startswith("file.")
    }
    _compare_with_files(bundle, modes)
    return Manifest(version, modes)


def _what_is_there_instead(bundle: Bundle) -> str:
    similar = [name for name in bundle.sizes if name.lower() == MANIFEST]
    if similar:
        return f"The bundle has {similar[0]!r}; it must be called {MANIFEST}, in small letters."
    if bundle.sizes:
        return f"The bundle has no {MANIFEST}, so it is of OneRoster 1.0; 1.1 and 1.2 are read."
    return f"There is no {MANIFEST} here, nor any other .csv file: this is no OneRoster bundle."


def _read_properties(bundle: Bundle) -> dict[str, str]:
    properties: dict[str, str] = {}
    with bundle.open(MANIFEST) as stream:
        for number, record in enumerate(CsvReader(stream, MANIFEST)):
            if number > PROPERTIES_MAX:
                raise BundleUnusable(f"{MANIFEST} has more than {PROPERTIES_MAX:,} properties.")
            if isinstance(record, BrokenRecord):
                raise BundleUnusable(f"{MANIFEST}, line {record.line}: {record.rule}.")
            if number == 0:
                if record.fields != ["propertyName", "value"]:
                    raise BundleUnusable(f"{MANIFEST}, line {record.line}: the header must be propertyName,value.")
                continue
            if len(record.fields) != 2:  # noqa: PLR2004 - a name and its value
                raise BundleUnusable(f"{MANIFEST}, line {record.line}: a property and its value must stand here.")
            name, value = record.fields
            if name in properties:
                raise BundleUnusable(f"{MANIFEST}, line {record.line}: {name[:64]!r} stands here a second time.")
            properties[name] = value
    return properties


def _mode(name: str, value: str) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        raise BundleUnusable(f"{MANIFEST}: {name[:64]} is {value[:64]!r}; it must be absent, bulk or delta.") from None


def _compare_with_files(bundle: Bundle, modes: Mapping[str, Mode]) -> None:
    listed = {f"{name}.csv" for name, mode in modes.items() if mode is not Mode.ABSENT}
    there = set(bundle.sizes) - {MANIFEST}
    for name in sorted(listed - there):
        similar = [other for other in there if other.lower() == name.lower()]
        hint = f" (its name must not be written {similar[0]!r})" if similar else ""
        raise BundleUnusable(f"{MANIFEST} lists {name!r}, which the bundle does not have{hint}.")
    for name in sorted(there - listed):
        raise BundleUnusable(f"The bundle has {name!r}, which {MANIFEST} does not list.")
