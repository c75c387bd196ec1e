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


def loads(body: bytes | str) -> object:
    """Parse a JSON text (RFC 8259, UTF-8).

    Raises:
        ValueError: it is not JSON, not UTF-8, holds a lone surrogate, a key twice in one object, an integer that is not
            from INTEGER_MIN to INTEGER_MAX, or more than DEPTH_MAX levels or VALUES_MAX values. The message says which.
    """
    value = orjson.loads(body)
    keys, has_huge_number = _survey(value)
    if has_huge_number or keys != _keys_at_most(body):
        _check(body, keys)
    return value


def _survey(value: Any) -> tuple[int, bool]:
    """How many keys the parsed value holds, and whether a number in it may have been an integer that lost digits."""
    keys = values = depth = 0
    has_huge_number = False
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
            elif kind is float and abs(item) >= -INTEGER_MIN:
                has_huge_number = True
        level = below
        depth += 1
        values += len(level)
        if depth > DEPTH_MAX and level:
            raise ValueError(f"it is nested deeper than {DEPTH_MAX} levels")
        if values > VALUES_MAX:
            raise ValueError(f"it holds more than {VALUES_MAX} values")
    return keys, has_huge_number


def _keys_at_most(body: bytes | str) -> int:
    """An upper bound of the keys in the text, in the time of a few searches: each key's colon follows `"` or a space.

    Where the bound equals the number of keys that survived parsing, no key was there twice. Where it does not, most
    often because a string holds such a colon, the text has to be looked at.
    """
    if isinstance(body, str):
        body = body.encode()
    return body.count(b'":') + body.count(b" :") + body.count(b"\n:") + body.count(b"\t:") + body.count(b"\r:")


def _check(body: bytes | str, keys: int) -> None:
    text = body.encode() if isinstance(body, str) else body
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
