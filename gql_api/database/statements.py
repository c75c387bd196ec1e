"""Every SELECT of the read path, as SQLAlchemy expressions.

A statement is built from a sight, which says what of it is seen (`database/visibility.py`), and a shape, which holds
everything else but the values; it is compiled once and kept (`database/compiled.py`). Lists below a parent are read for
all parents in one statement, each cut to its own page inside the database: LATERAL on PostgreSQL, a correlated subquery
on SQLite, which has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    TableValuedAlias,
    and_,
    bindparam,
    column,
    exists,
    func,
    lateral,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gql_api.database.conditions import Comparison, Condition, Not, is_element, where
from gql_api.database.loop_order import InnerLoop
from gql_api.database.visibility import Sight, assignments_seen, courses_seen, students_seen
from gql_api.models import Course, Model, Student, StudentCourses
from gql_api.pagination import Ordering, Part, order_by, seek

Columns: TypeAlias = Mapping[str, ColumnElement[Any]]


class Entity(Enum):
    """A kind of row that can be looked up by id; the value is its model."""

    STUDENT = Student
    COURSE = Course

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is written in Python

    @property
    def table(self) -> Table:
        """The table that holds it."""
        return _table(self.value)


class Listing(Enum):
    """A list that can be paged: its name in the API, what it lists, and the link's columns if it is below a parent."""

    STUDENTS = ("Query.students", Entity.STUDENT, None, None)
    COURSES = ("Query.courses", Entity.COURSE, None, None)
    COURSES_OF_STUDENT = ("Student.courses", Entity.COURSE, "student_id", "course_id")
    STUDENTS_OF_COURSE = ("Course.students", Entity.STUDENT, "course_id", "student_id")

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is written in Python

    def __init__(self, label: str, entity: Entity, parent: str | None, child: str | None) -> None:
        self.label = label
        self.entity = entity
        self.parent = parent
        self.child = child


class PageShape(NamedTuple):
    """A page without its values.

    Attributes:
        columns: what is read of each row; the keys of the ordering are among them.
        after: which key values of the cursor are NULL; None without a cursor. Likewise `before`.
        below_one: whether the list is that of a single parent, whose key is a parameter by itself then: both the driver
            and the server have less to do than with a list of one.
    """

    listing: Listing
    columns: tuple[str, ...]
    ordering: Ordering
    backward: bool
    after: tuple[bool, ...] | None
    before: tuple[bool, ...] | None
    condition: Condition | None
    below_one: bool = False


PARENTS = "parents"
LIMIT = "row_limit"
ASSIGNED_AT = "assigned_at"

_ASSIGNED_STUDENT = "student_id"

_NULLABLE_PARTS = (Part.WITH_VALUE, Part.WITHOUT_VALUE)


def rows_by_id(
    dialect_name: str, sight: Sight, entity: Entity, columns: tuple[str, ...], parameter: Literal["id", "ids"]
) -> Select[Any]:
    """The rows whose ids stand in the list `ids`, or the one whose id is `id`; columns as named."""
    table = entity.table
    key = table.c.id
    named = is_element(key, "ids", dialect_name) if parameter == "ids" else key == bindparam("id", type_=BigInteger())
    return select(*(table.c[name] for name in columns)).where(and_(named, _entity_seen(sight, entity, key)))


def page(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    """A page of a root list, at most `row_limit` rows; a backward page comes in reverse order."""
    parts = _parts(dialect_name, shape)
    if not parts:
        return _root_page(dialect_name, sight, shape)
    pages = [_root_page(dialect_name, sight, shape, part).subquery(part.name.lower()) for part in parts]
    both = union_all(*map(select, pages)).subquery("both")
    columns: Columns = dict(both.c)
    return select(both).order_by(*order_by(shape.ordering, columns, backward=shape.backward)).limit(_limit())


def _parts(dialect_name: str, shape: PageShape) -> tuple[Part, ...]:
    first, *rest = shape.ordering.keys
    if first.nullable:
        return _NULLABLE_PARTS
    start = shape.before if shape.backward else shape.after
    return (Part.EQUAL, Part.BEYOND) if dialect_name == "sqlite" and rest and start is not None else ()


def _root_page(dialect_name: str, sight: Sight, shape: PageShape, part: Part | None = None) -> Select[Any]:
    columns: Columns = dict(shape.listing.entity.table.c)
    return (
        _of_part(select(*(columns[name] for name in shape.columns)), shape, part)
        .where(_range(dialect_name, sight, shape, columns, part))
        .order_by(*order_by(shape.ordering, columns, backward=shape.backward, part=part))
        .limit(_limit())
    )


def _of_part(rows: Select[Any], shape: PageShape, part: Part | None) -> Select[Any]:
    table = shape.listing.entity.table
    first = table.c[shape.ordering.keys[0].name]
    if part is Part.WITH_VALUE:
        rows = rows.where(first.is_not(None))
    elif part is Part.WITHOUT_VALUE:
        rows = rows.where(first.is_(None))
    return rows.select_from(table)


def pages_by_parent(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    """A page of a list for each of `parents`, at most `row_limit` rows each; `parent_id` is the first column.

    The list of a single parent (`shape.below_one`) goes without that column. Rows come by parent, whichever parent
    first, then in the list's order, backward pages too.
    """
    if dialect_name == "postgresql":
        return _pages_by_lateral(dialect_name, sight, shape)
    return (_page_below_one if shape.below_one else _pages_by_subquery)(dialect_name, sight, shape)


def _pages_by_lateral(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    parents = _parent_alone() if shape.below_one else _parents_array()
    link = _table(StudentCourses)
    table = shape.listing.entity.table
    inner_columns = _linked_columns(shape.listing, link, table)
    whole = _names_target(shape)
    taken = dict.fromkeys(("id", *shape.columns, *_key_names(shape))) if whole else ("id", ASSIGNED_AT)
    inner = lateral(
        select(*(inner_columns[name].label(name) for name in taken))
        .select_from(_link_to_target(shape.listing, link, table) if whole else link)
        .where(link.c[_parent(shape.listing)] == parents.c.id, _range(dialect_name, sight, shape, inner_columns))
        .order_by(*order_by(shape.ordering, inner_columns, backward=shape.backward))
        .limit(_limit())
    )
    # Cutting the page on the link alone and joining afterwards touches one row of the target for each row of the page.
    columns: Columns = dict(inner.c) if whole else {**dict(table.c), **dict(inner.c)}
    source = parents.join(inner, true())
    parent_ids = [] if shape.below_one else [parents.c.id.label("parent_id")]
    return (
        select(*parent_ids, *(columns[name].label(name) for name in shape.columns))
        .select_from(source if whole else source.join(table, table.c.id == inner.c.id))
        .order_by(parents.c.id, *order_by(shape.ordering, columns))
    )


def _page_below_one(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    # Half of what SQLite spends on a subquery of ids. Not for PostgreSQL, which would make a hash of all courses.
    parent_id = bindparam(PARENTS, type_=BigInteger())
    link, table = _table(StudentCourses), shape.listing.entity.table
    columns = _linked_columns(shape.listing, link, table)
    rows = (
        select(*(columns[name].label(name) for name in shape.columns))
        .select_from(InnerLoop(link, table, table.c.id == columns["id"]))
        .where(link.c[_parent(shape.listing)] == parent_id, _range(dialect_name, sight, shape, columns))
        .order_by(*order_by(shape.ordering, columns, backward=shape.backward))
        .limit(_limit())
    )
    if not shape.backward:
        return rows
    turned = rows.subquery("page")
    return select(turned).order_by(*order_by(shape.ordering, dict(turned.c)))


def _pages_by_subquery(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    parents = _parents_json()
    parent_id = parents.c.value
    link, inner_link = _table(StudentCourses), _table(StudentCourses).alias("page_link")
    table = shape.listing.entity.table
    inner_table = table.alias("page_target")
    inner_columns = _linked_columns(shape.listing, inner_link, inner_table)
    inner = (
        select(inner_columns["id"])
        .select_from(_link_to_target(shape.listing, inner_link, inner_table) if _names_target(shape) else inner_link)
        .where(
            inner_link.c[_parent(shape.listing)] == parent_id,
            _range(dialect_name, sight, shape, inner_columns),
        )
        .order_by(*order_by(shape.ordering, inner_columns, backward=shape.backward))
        .limit(_limit())
        .correlate(parents)
    )
    columns = {**_linked_columns(shape.listing, link, table), "id": table.c.id}
    # The other way round, all rows of the table would be held against the page of each parent.
    source: FromClause = InnerLoop(parents, table, table.c.id.in_(inner))
    if ASSIGNED_AT in shape.columns:
        source = source.join(
            link, and_(link.c[_parent(shape.listing)] == parent_id, link.c[_child(shape.listing)] == table.c.id)
        )
    return (
        select(parent_id.label("parent_id"), *(columns[name].label(name) for name in shape.columns))
        .select_from(source)
        .order_by(parent_id, *order_by(shape.ordering, columns))
    )


def count(dialect_name: str, sight: Sight, listing: Listing, condition: Condition | None) -> Select[Any]:
    """How many rows a root list has."""
    columns: Columns = dict(listing.entity.table.c)
    return (
        select(func.count())
        .select_from(listing.entity.table)
        .where(_wanted(dialect_name, sight, listing, condition, columns))
    )


def counts_by_parent(dialect_name: str, sight: Sight, listing: Listing, condition: Condition | None) -> Select[Any]:
    """`(parent id, how many rows its list has)` for those of `parents` that have any."""
    link = _table(StudentCourses)
    table = listing.entity.table
    parent = link.c[_parent(listing)]
    columns = _linked_columns(listing, link, table)
    return (
        select(parent, func.count())
        .select_from(link if condition is None else _link_to_target(listing, link, table))
        .where(is_element(parent, PARENTS, dialect_name), _wanted(dialect_name, sight, listing, condition, columns))
        .group_by(parent)
    )


def seats_by_course(dialect_name: str, sight: Sight) -> Select[Any]:
    """`(course id, how many students are assigned to it)` for those of `parents` that have any.

    All assignments count, whosever they are: how many seats are taken is part of the catalogue, and names nobody.
    """
    course_id = _table(StudentCourses).c.course_id
    return (
        select(course_id, func.count())
        .where(and_(is_element(course_id, PARENTS, dialect_name), courses_seen(sight)))
        .group_by(course_id)
    )


def any_before(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    """One row if a root list has any at or before `after`; `shape.backward`: at or behind `before`."""
    parts = _NULLABLE_PARTS if shape.ordering.keys[0].nullable else (None,)
    found = [_any_before(dialect_name, sight, shape, part) for part in parts]
    return found[0] if len(found) == 1 else select(union_all(*(select(part.subquery()) for part in found)).subquery())


def _any_before(dialect_name: str, sight: Sight, shape: PageShape, part: Part | None) -> Select[Any]:
    columns: Columns = dict(shape.listing.entity.table.c)
    return (
        _of_part(select(literal_column("1").label("found")), shape, part)
        .where(_outside(dialect_name, sight, shape, columns, part))
        # If there is any, then the list's first row (`shape.backward`: its last) is one, unless a filter hides it.
        .order_by(*order_by(shape.ordering, columns, backward=shape.backward, part=part))
        .limit(1)
    )


def parents_with_any_before(dialect_name: str, sight: Sight, shape: PageShape) -> Select[Any]:
    """Those of `parents` whose list has a row at or before `after`; `shape.backward`: at or behind `before`."""
    link = _table(StudentCourses)
    table = shape.listing.entity.table
    parent = link.c[_parent(shape.listing)]
    columns = _linked_columns(shape.listing, link, table)
    if dialect_name == "postgresql":
        parents = _parents_array()
        parent_id: ColumnElement[Any] = parents.c.id
    else:
        parents = _parents_json()
        parent_id = parents.c.value
    inside: Select[Any] = (
        select(literal_column("1"))
        .select_from(_link_to_target(shape.listing, link, table))
        .where(parent == parent_id, _outside(dialect_name, sight, shape, columns))
        .correlate(parents)
    )
    return select(parent_id).select_from(parents).where(exists(inside))


def _range(
    dialect_name: str, sight: Sight, shape: PageShape, columns: Columns, part: Part | None = None
) -> ColumnElement[bool]:
    conditions = [_wanted(dialect_name, sight, shape.listing, shape.condition, columns)]
    # Whether a row has a value tells something about both ends of the range, the other parts only about its start.
    at_end = part if part in _NULLABLE_PARTS else None
    if shape.after is not None:
        after_part = at_end if shape.backward else part
        conditions.append(seek(shape.ordering, columns, shape.after, name="after", part=after_part))
    if shape.before is not None:
        before_part = part if shape.backward else at_end
        conditions.append(seek(shape.ordering, columns, shape.before, name="before", backward=True, part=before_part))
    return and_(*conditions)


def _outside(
    dialect_name: str, sight: Sight, shape: PageShape, columns: Columns, part: Part | None = None
) -> ColumnElement[bool]:
    wanted = _wanted(dialect_name, sight, shape.listing, shape.condition, columns)
    if shape.backward:
        place = seek(shape.ordering, columns, shape.before or (), name="before", inclusive=True, part=part)
    else:
        place = seek(shape.ordering, columns, shape.after or (), name="after", backward=True, inclusive=True, part=part)
    return and_(wanted, place)


def _wanted(
    dialect_name: str, sight: Sight, listing: Listing, condition: Condition | None, columns: Columns
) -> ColumnElement[bool]:
    """The rows of a list, all its parents' together: those that are seen and fulfil the condition."""
    if listing.parent is None:
        seen = _entity_seen(sight, listing.entity, columns["id"])
    else:
        seen = assignments_seen(sight, columns[_ASSIGNED_STUDENT])
    return seen if condition is None else and_(seen, where(condition, columns, dialect_name))


def _entity_seen(sight: Sight, entity: Entity, key: ColumnElement[int]) -> ColumnElement[bool]:
    return students_seen(sight, key) if entity is Entity.STUDENT else courses_seen(sight)


def _linked_columns(listing: Listing, link: FromClause, table: FromClause) -> Columns:
    # The link has the target's id too, and its indexes are in that order.
    columns = {"id": link.c[_child(listing)], ASSIGNED_AT: link.c.assigned_at, _ASSIGNED_STUDENT: link.c.student_id}
    return {**dict(table.c), **columns}


def _link_to_target(listing: Listing, link: FromClause, table: FromClause) -> FromClause:
    return link.join(table, table.c.id == link.c[_child(listing)])


def _names_target(shape: PageShape) -> bool:
    """Whether cutting the page needs columns of the listed table itself."""
    own = {"id", ASSIGNED_AT}
    return not own.issuperset(_key_names(shape)) or not own.issuperset(_condition_columns(shape.condition))


def _key_names(shape: PageShape) -> tuple[str, ...]:
    return tuple(key.name for key in shape.ordering.keys)


def _condition_columns(condition: Condition | None) -> set[str]:
    match condition:
        case None:
            return set()
        case Comparison(name):
            return {name}
        case Not(inner):
            return _condition_columns(inner)
        case _:
            return set[str]().union(*map(_condition_columns, condition.conditions))


def _parent_alone() -> FromClause:
    return select(bindparam(PARENTS, type_=BigInteger()).label("id")).subquery("parents")


def _parents_json() -> TableValuedAlias:
    array = func.json_each(bindparam(PARENTS, type_=String()))
    return array.table_valued(column("value", Integer), name="parents")


def _parents_array() -> TableValuedAlias:
    array = func.unnest(bindparam(PARENTS, type_=ARRAY(BigInteger)))
    return array.table_valued(column("id", BigInteger), name="parents").render_derived()


def _limit() -> ColumnElement[int]:
    # In the text itself: of a page of unknown size PostgreSQL expects a tenth of the list, and joins accordingly.
    return bindparam(LIMIT, type_=Integer(), literal_execute=True)


def _table(model: type[Model]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - declarative models are mapped to tables
    return table


def _parent(listing: Listing) -> str:
    assert listing.parent is not None, f"{listing.label} is not below anyone"  # noqa: S101
    return listing.parent


def _child(listing: Listing) -> str:
    assert listing.child is not None, f"{listing.label} is not below anyone"  # noqa: S101
    return listing.child
