"""How a list is cut into pages: by key, never by offset.

A list has an ordering (`ordering.py`), which ends in a unique key, so that every row has one place. A page is asked
for relative to a place (`page.py`); a place travels as an opaque cursor (`cursor.py`) and becomes a condition that an
index can answer (`keyset.py`): reading the ten-thousandth page costs what reading the first one costs.
"""

from gql_api.pagination.cursor import decode_cursor, encode_cursor
from gql_api.pagination.keyset import Part, order_by, seek
from gql_api.pagination.ordering import KeyKind, Ordering, OrderKey
from gql_api.pagination.page import PageLimits, PageRequest

__all__ = [
    "KeyKind",
    "OrderKey",
    "Ordering",
    "PageLimits",
    "PageRequest",
    "Part",
    "decode_cursor",
    "encode_cursor",
    "order_by",
    "seek",
]
