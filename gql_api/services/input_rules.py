"""What a field may hold: every rule on single values, and its message, in one place.

A rule takes a value as it came in and gives it back as it is to be stored, or raises `InvalidInput`, which names the
field as the API spells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

from gql_api.errors import InvalidInput
from gql_api.models.model import INTEGER_MAX, TEXT_LENGTH_MAX

KEY_MAX: Final = 2**63 - 1
"""The largest key that a row can have."""

EMAIL_LENGTH_MAX: Final = 254
"""Characters of an address that mail can be sent to (RFC 5321, section 4.5.3.1.3, less its two brackets)."""

# Control characters are Unicode's category Cc; a surrogate without its partner is no character at all.
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_SOURCED_ID = re.compile(r"[0-9A-Za-z.\-_/@]+")

Rule: TypeAlias = Callable[[str, Any], Any]


class Unchanged(Enum):
    """The type of UNCHANGED, for annotations."""

    UNCHANGED = "UNCHANGED"


UNCHANGED: Final = Unchanged.UNCHANGED
"""The argument of an update that was left out: the field stays as it is. None, in contrast, clears it."""


def is_key(number: int) -> bool:
    """Whether a row could have this id; with other numbers the databases are not even asked."""
    return 1 <= number <= KEY_MAX


def checked(rules: Mapping[str, tuple[str, Rule]], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store, by column, of those fields that were given.

    Args:
        rules: by column, the field's name in the API and its rule.
        given: by column, what came in; fields that are UNCHANGED are left out.

    Raises:
        InvalidInput: a value breaks its rule.
    """
    return {
        column: rules[column][1](rules[column][0], value) for column, value in given.items() if value is not UNCHANGED
    }


def required_text(field: str, value: str | None) -> str:
    """A text of one line, without the blanks around it.

    Raises:
        InvalidInput: it is null, empty, longer than TEXT_LENGTH_MAX characters, or holds what is not text.
    """
    if value is None:
        raise InvalidInput(field, f"{field} cannot be null.")
    text = value.strip()
    if not text:
        raise InvalidInput(field, f"{field} is empty; it must have at least one character that is not blank.")
    _check_text(field, text, length_max=TEXT_LENGTH_MAX)
    return text


def email_address(field: str, value: str | None) -> str | None:
    """An address as it was written; its case is kept, and addresses that differ in case alone differ.

    Raises:
        InvalidInput: it has not exactly one @ with something on both sides, has blanks, or is too long.
    """
    if value is None:
        return None
    _check_text(field, value, length_max=EMAIL_LENGTH_MAX)
    if not _EMAIL.fullmatch(value):
        raise InvalidInput(field, f"{field} must be one address, like ada@example.org, without blanks.")
    return value


def sourced_id(field: str, value: str | None) -> str | None:
    """The id of a record in the system it comes from: OneRoster's GUID.

    Raises:
        InvalidInput: it is empty, longer than TEXT_LENGTH_MAX characters, or has a character that GUIDs have not.
    """
    if value is None:
        return None
    if not _SOURCED_ID.fullmatch(value) or len(value) > TEXT_LENGTH_MAX:
        allowed = "letters A-Z and a-z, digits, and . - _ / @"
        raise InvalidInput(field, f"{field} must have 1 to {TEXT_LENGTH_MAX} characters, each of them of {allowed}.")
    return value


def whole_number(field: str, value: int | None) -> int | None:
    """A number of things.

    Raises:
        InvalidInput: it is negative or larger than INTEGER_MAX.
    """
    if value is not None and not 0 <= value <= INTEGER_MAX:
        raise InvalidInput(field, f"{field} is {value}; it must be at least 0 and at most {INTEGER_MAX}.")
    return value


def _check_text(field: str, text: str, *, length_max: int) -> None:
    if len(text) > length_max:
        raise InvalidInput(field, f"{field} has {len(text)} characters; it may have at most {length_max}.")
    if found := _NOT_TEXT.search(text):
        raise InvalidInput(
            field,
            f"{field} holds U+{ord(found[0]):04X} at position {found.start() + 1};"
            " control characters and lone surrogates are not allowed.",
        )
