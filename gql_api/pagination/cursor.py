"""Opaque cursors: a place in an ordered list, as text.

A cursor is the ordering's signature followed by the values of its keys at one row, as JSON in URL-safe base64. It names
a place, not a row: it stays good when rows are inserted around it and when its own row is deleted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from gql_api.errors import BadUserInput
from gql_api.pagination.ordering import KeyKind, Ordering, OrderKey

CURSOR_LENGTH_MAX = 8192
"""Characters; the longest cursor we make (two texts of 255 characters, each escaped to six bytes) has about half."""

_INTEGER_RANGE = range(-(2**63), 2**63)


def encode_cursor(ordering: Ordering, values: Sequence[Any]) -> str:
    """The cursor of the row that has these values of the ordering's keys."""
    return urlsafe_b64encode(orjson.dumps([ordering.signature, *values])).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str, ordering: Ordering, *, argument: str) -> tuple[Any, ...]:
    """The key values of the place that a cursor names; `argument` is `after` or `before`, for the message.

    Raises:
        BadUserInput: the text is not a cursor of ours, or it is one of another list or of another ordering.
    """
    match _payload(cursor):
        case [str(signature), *values] if signature == ordering.signature:
            pass
        case [str(signature), *_] if " by " in signature:
            raise BadUserInput(
                f"`{argument}` holds a cursor of another list or ordering ({signature!r});"
                f" this list is {ordering.signature!r}."
            )
        case _:
            raise _malformed(argument)
    if len(values) != len(ordering.keys):
        raise _malformed(argument)
    place = tuple(_value(key, value, argument) for key, value in zip(ordering.keys, values, strict=True))
    # A place has one cursor; what merely decodes to the same, by stray characters for instance, has been tampered with.
    if encode_cursor(ordering, place) != cursor:
        raise _malformed(argument)
    return place


def _payload(cursor: str) -> Any:
    if len(cursor) > CURSOR_LENGTH_MAX:
        return None
    try:
        return orjson.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (UnicodeEncodeError, Base64Error, orjson.JSONDecodeError):
        return None


def _value(key: OrderKey, value: Any, argument: str) -> Any:
    if value is None and key.nullable:
        return None
    if key.kind is KeyKind.TIME and isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
            if time.tzinfo is not None:
                return time.astimezone(UTC)
        except (ValueError, OverflowError):
            raise _malformed(argument) from None
    elif type(value) is key.kind.value:
        if key.kind is KeyKind.INTEGER and value in _INTEGER_RANGE:
            return value
        if key.kind is KeyKind.TEXT and "\0" not in value:
            return value
    raise _malformed(argument)


def _malformed(argument: str) -> BadUserInput:
    return BadUserInput(f"`{argument}` is not a cursor of this API; pass one that it gave you, unchanged.")
