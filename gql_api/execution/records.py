"""Building the results of a level from columns.

Writing a dict out at once costs half of filling it key by key, and most selections are narrow: every width up to eight
has its own line, wider records are filled.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Keys = tuple[str, ...]
    Columns = list[Iterable[Any]]
    Records = list[dict[str, Any]]


def build_records(keys: Keys, columns: Mapping[str, Sequence[Any]], count: int) -> Records:
    """Return ``count`` dicts with the given keys in their order; a key that has no column yet is None."""
    if count == 1:
        return [{key: columns[key][0] if key in columns else None for key in keys}]
    if not columns or len(keys) >= len(_BUILDERS):
        records = list(map(dict.copy, repeat(dict.fromkeys(keys), count)))
        for key, column in columns.items():
            for record, value in zip(records, column, strict=True):
                record[key] = value
        return records
    return _BUILDERS[len(keys)](keys, [columns.get(key) or repeat(None, count) for key in keys])


def _none(_keys: Keys, _columns: Columns) -> Records:
    return []


def _one(keys: Keys, columns: Columns) -> Records:
    (a,) = keys
    return [{a: s} for s in columns[0]]


def _two(keys: Keys, columns: Columns) -> Records:
    a, b = keys
    return [{a: s, b: t} for s, t in zip(*columns, strict=True)]


def _three(keys: Keys, columns: Columns) -> Records:
    a, b, c = keys
    return [{a: s, b: t, c: u} for s, t, u in zip(*columns, strict=True)]


def _four(keys: Keys, columns: Columns) -> Records:
    a, b, c, d = keys
    return [{a: s, b: t, c: u, d: v} for s, t, u, v in zip(*columns, strict=True)]


def _five(keys: Keys, columns: Columns) -> Records:
    a, b, c, d, e = keys
    return [{a: s, b: t, c: u, d: v, e: w} for s, t, u, v, w in zip(*columns, strict=True)]


def _six(keys: Keys, columns: Columns) -> Records:
    a, b, c, d, e, f = keys
    return [{a: s, b: t, c: u, d: v, e: w, f: x} for s, t, u, v, w, x in zip(*columns, strict=True)]


def _seven(keys: Keys, columns: Columns) -> Records:
    a, b, c, d, e, f, g = keys
    return [{a: s, b: t, c: u, d: v, e: w, f: x, g: y} for s, t, u, v, w, x, y in zip(*columns, strict=True)]


def _eight(keys: Keys, columns: Columns) -> Records:
    a, b, c, d, e, f, g, h = keys
    return [{a: s, b: t, c: u, d: v, e: w, f: x, g: y, h: z} for s, t, u, v, w, x, y, z in zip(*columns, strict=True)]


_BUILDERS: tuple[Callable[[Keys, Columns], Records], ...] = (
    _none,
    _one,
    _two,
    _three,
    _four,
    _five,
    _six,
    _seven,
    _eight,
)
