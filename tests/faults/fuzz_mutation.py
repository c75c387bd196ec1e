"""Bytes made worse, and values that nobody expects: every choice of them drawn from a `Random`."""

from __future__ import annotations

from random import Random
from typing import Any, Final

PIECES: Final = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"%00",
    b"%",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"...",
    b"@skip(if: true)",
    b"$",
    b"-1",
    b"9223372036854775808",
    b"1e400",
    b"null",
    b"'; DROP TABLE students; --",
    b"../..",
    "\u202eé🎓".encode(),
    b"A" * 5000,
    b"[" * 300,
    b"{a" * 200,
)
"""What parsers and databases have stumbled over."""

TEXTS: Final = (
    "",
    "a\0b",
    "\ud800",
    "🎓",
    "x" * 3000,
    "%",
    "_",
    "'",
    '"',
    "\\",
    "\r\nSet-Cookie: a=b",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+23:59",
    "NaN",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/a}",
    "<script>",
    "c3R1MDAx",
    "c3R1OTIyMzM3MjAzNjg1NDc3NTgwOA",
    "Y3JzMDAx",
)
NUMBERS: Final = (0, -0.0, 1, -1, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 1e308, 0.1)

VALUE_DEPTH_MAX: Final = 4


def mutated(random: Random, data: bytes) -> bytes:
    """The same with one to four faults in it."""
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice([0, 1, 1, 2, 8, 40]))
        match random.randrange(5):
            case 0:
                middle = bytes([random.randrange(256)])
            case 1:
                middle = b""
            case 2:
                middle = data[start:end] * random.choice([2, 3, 50])
            case 3:
                middle = random.choice(PIECES)
            case _:
                other = random.randrange(len(data) + 1)
                middle = data[other : other + random.choice([1, 4, 30])]
        data = data[:start] + middle + data[end:]
    return data


def text(random: Random) -> str:
    """A text that somebody might not expect."""
    if random.randrange(3):
        return random.choice(TEXTS)
    return "".join(chr(random.choice([random.randrange(128), random.randrange(0xD800)])) for _ in range(8))


def value(random: Random, depth: int = 0) -> Any:
    """Any value of JSON."""
    match random.randrange(8 if depth < VALUE_DEPTH_MAX else 5):
        case 0:
            return None
        case 1:
            return random.choice([True, False])
        case 2 | 3:
            return random.choice(NUMBERS)
        case 4 | 5:
            return text(random)
        case 6:
            return [value(random, depth + 1) for _ in range(random.randrange(4))]
        case _:
            return {random.choice(KEYS): value(random, depth + 1) for _ in range(random.randrange(4))}


KEYS: Final = ("eq", "in", "and", "or", "not", "name", "email", "gte", "contains", "field", "direction", "id", "x", "")
