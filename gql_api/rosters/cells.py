"""What one cell may hold, by the data type of its column (OneRoster CSV 1.2, section 3: key to the tables).

Every type but `Text` has a `check`: it takes the text of a cell that is not blank and answers the rule it breaks, or
None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from gql_api.models.model import INTEGER_MAX

_GUID = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}", re.ASCII)
_GUIDS = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}(?:,[0-9A-Za-z.\-_/@]{1,255})*+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)

GUID_RULE = "must be 1 to 255 of the characters 0-9 A-Z a-z . - _ / @"


@dataclass(frozen=True, slots=True)
class Text:
    """Any text, also lists of texts."""


@dataclass(frozen=True, slots=True)
class Guid:
    """An identifier."""

    def check(self, cell: str) -> str | None:  # noqa: D102 - see the module
        return None if _GUID.fullmatch(cell) else GUID_RULE


@dataclass(frozen=True, slots=True)
class Reference(Guid):
    """The sourcedId of a row of another file, or of the same.

    Attributes:
        file: the file's name without its ending.
        of_type: what the column `type` of that row must be, where the standard says so.
    """

    file: str
    of_type: str | None = None


@dataclass(frozen=True, slots=True)
class GuidList:
    """Identifiers with commas between them."""

    def check(self, cell: str) -> str | None:  # noqa: D102
        return None if _GUIDS.fullmatch(cell) else f"every item {GUID_RULE}, with single commas between them"


@dataclass(frozen=True, slots=True)
class ReferenceList(GuidList):
    """The sourcedIds of several rows of one file."""

    file: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a vocabulary, in exactly this case; `extensible` ones admit terms that begin with `ext:` (1.2)."""

    terms: tuple[str, ...]
    extensible: bool = False

    def check(self, cell: str) -> str | None:  # noqa: D102
        if cell in self.terms or (self.extensible and cell.startswith("ext:")):
            return None
        slip = [term for term in self.terms if term.lower() == cell.lower()]
        if slip:
            return f"must be written {slip[0]}: case matters"
        return f"must be one of {', '.join(self.terms)}{', ext:…' if self.extensible else ''}"


TRUE_OR_FALSE = OneOf(("true", "false"))


@dataclass(frozen=True, slots=True)
class Date:
    """A day, `YYYY-MM-DD`."""

    def check(self, cell: str) -> str | None:  # noqa: D102
        return None if _is_day(cell) else "must be a day of the calendar, written YYYY-MM-DD"


@dataclass(frozen=True, slots=True)
class Year:
    """A year, `YYYY`."""

    def check(self, cell: str) -> str | None:  # noqa: D102
        return None if _YEAR.fullmatch(cell) else "must be a year, written YYYY"


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A number from 0; not of the standard, which has no numbers in these files."""

    def check(self, cell: str) -> str | None:  # noqa: D102
        if _NUMBER.fullmatch(cell) and int(cell) <= INTEGER_MAX:
            return None
        return f"must be a whole number from 0 to {INTEGER_MAX}"


@dataclass(frozen=True, slots=True)
class BlankInBulk:
    """What only delta mode fills in."""

    def check(self, cell: str) -> str | None:  # noqa: ARG002, D102
        return "must be blank in bulk mode; delta mode is not supported"


CellType = Text | Guid | GuidList | OneOf | Date | Year | WholeNumber | BlankInBulk


@lru_cache(maxsize=4096)  # rosters repeat their days; most are looked up
def _is_day(cell: str) -> bool:
    if _DATE.fullmatch(cell) is None:
        return False
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return True
