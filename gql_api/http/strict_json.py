"""JSON as it should be sent: orjson's strictness, and neither duplicate keys nor numbers that would lose digits."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**64 - 1
"""The integers that are kept exactly; orjson makes floating-point numbers of all others."""

DEPTH_MAX: Final = 100
"""How deep arrays and objects may stand in one another: input values are converted recursively further on."""

VALUES_MAX: Final = 5000
"""How many values one text may hold: each costs up to 0.05 ms to convert further on, before any limit of the schema."""

# In valid JSON quotation marks stand around strings and nowhere else, so these matches are all its strings, each with
# the colon that makes it a key, and all its integers of 19 digits or more.
_KEYS_AND_LONG_INTEGERS = re.compile(rb'"(?:[^"\\]++|\\.)*+"(\s*+:)?|(?<![\d.eE+-])(-?\d{19,}+)(?![.eE])')
_INTEGER_DIGITS_MAX = 20
_SPACES = b" \t\r\n"


def loads(body: bytes | str) -> object:
    """Parse a JSON text (RFC 8259, UTF-8).

    Raises:
        ValueError: it is not JSON, not UTF-8, holds a lone surrogate, a key twice in one object, an integer that is not
            from INTEGER_MIN to INTEGER_MAX, or more than DEPTH_MAX levels or VALUES_MAX values. The message says which.
    """
    value = orjson.loads(body)
    text = body.encode() if isinstance(body, str) else body
    keys = None if _is_small(text) else _count_keys(value)
    if not _is_written_plainly(text, value):
        _check(text, _count_keys(value) if keys is None else keys)
    return value


def _is_small(text: bytes) -> bool:
    """Whether the text is too short, or has too few brackets, to exceed DEPTH_MAX or VALUES_MAX.

    A level takes two brackets; a value takes a character of its own and a comma, or else the other bracket around it.
    """
    length = len(text)
    if length > 2 * VALUES_MAX:
        return False
    return length <= 2 * DEPTH_MAX or length - len(text.translate(None, b"{[")) <= DEPTH_MAX


def _is_written_plainly(text: bytes, value: Any) -> bool:
    """Whether this is the text that the value is written as, but for spaces.

    Nearly all texts are, and none of them holds a key twice or an integer that lost digits: the value's own text would
    lack the one and the other.
    """
    plain = orjson.dumps(value)
    return text == plain or text.translate(None, _SPACES) == plain.translate(None, _SPACES)


def _count_keys(value: Any) -> int:
    """How many keys the parsed value holds.

    Raises:
        ValueError: it is nested too deeply, or holds too many values.
    """
    keys = values = depth = 0
    level: list[Any] = [value]
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)  # of what orjson makes, none is a subclass; most are strings
            if kind is str:
                continue
            if kind is dict:
                keys += len(item)
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
        level = below
        depth += 1
        values += len(level)
        if depth > DEPTH_MAX and level:
            raise ValueError(f"it is nested deeper than {DEPTH_MAX} levels")
        if values > VALUES_MAX:
            raise ValueError(f"it holds more than {VALUES_MAX} values")
    return keys


def _check(text: bytes, keys: int) -> None:
    keys_in_text = 0
    for match in _KEYS_AND_LONG_INTEGERS.finditer(text):
        if match[2] and not _is_exact(match[2]):
            raise ValueError(f"an integer is not from {INTEGER_MIN} to {INTEGER_MAX}")
        if match[1]:
            keys_in_text += 1
    if keys_in_text != keys:
        raise ValueError("an object has the same key twice")


def _is_exact(literal: bytes) -> bool:
    # The length first: converting a very long literal takes long, and Python refuses it.
    return len(literal.lstrip(b"-")) <= _INTEGER_DIGITS_MAX and INTEGER_MIN <= int(literal) <= INTEGER_MAX
