"""An ordering as ORDER BY, a place in it as WHERE.

NULL counts as greater than every value: last when ascending, first when descending. That is PostgreSQL's default (its
indexes serve it as they are); SQLite is told so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, UnaryExpression, and_, bindparam, false, or_, true, tuple_

from gql_api.pagination.ordering import Ordering, OrderKey


def order_by(
    ordering: Ordering, columns: Mapping[str, ColumnElement[object]], *, backward: bool = False
) -> list[UnaryExpression[object]]:
    """The ORDER BY terms of an ordering, or of its reverse."""
    return [_direction(columns[key.name], key, descending=key.descending != backward) for key in ordering.keys]


def _direction(column: ColumnElement[object], key: OrderKey, *, descending: bool) -> UnaryExpression[object]:
    term = column.desc() if descending else column.asc()
    if not key.nullable:
        return term
    return term.nulls_first() if descending else term.nulls_last()


def seek(
    ordering: Ordering,
    columns: Mapping[str, ColumnElement[object]],
    nulls: Sequence[bool],
    *,
    name: str,
    backward: bool = False,
    inclusive: bool = False,
) -> ColumnElement[bool]:
    """The rows behind a place (`backward`: before it; `inclusive`: and the one at it).

    The place's values are bound as `<name>_0`, `<name>_1`, … when the statement runs; `nulls` tells which of them are
    NULL, since that changes the condition's shape. Where the keys all run one way and none can be NULL, the condition
    is a comparison of row values, which both databases answer from an index over the keys.
    """
    keys = ordering.keys
    values = [bindparam(f"{name}_{i}", type_=columns[key.name].type) for i, key in enumerate(keys)]
    if len({key.descending for key in keys}) == 1 and not any(key.nullable for key in keys):
        place, row = tuple_(*values), tuple_(*(columns[key.name] for key in keys))
        if keys[0].descending != backward:
            return row <= place if inclusive else row < place
        return row >= place if inclusive else row > place
    condition: ColumnElement[bool] = true() if inclusive else false()
    for key, value, null in reversed(list(zip(keys, values, nulls, strict=True))):
        column = columns[key.name]
        same = column.is_(None) if null else column == value
        condition = or_(
            _beyond(column, value, null=null, nullable=key.nullable, descending=key.descending != backward),
            and_(same, condition),
        )
    return condition


def _beyond(
    column: ColumnElement[object], value: ColumnElement[object], *, null: bool, nullable: bool, descending: bool
) -> ColumnElement[bool]:
    if descending:
        return column.is_not(None) if null else column < value
    if null:
        return false()
    return or_(column > value, column.is_(None)) if nullable else column > value
