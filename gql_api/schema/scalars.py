"""The custom scalar: points in time."""

import re
from datetime import UTC, datetime
from typing import Final

import strawberry
from graphql import GraphQLError

from gql_api.execution import serializer

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@serializer(unchanged=(datetime,))  # our times are in UTC, which orjson writes just so (OPT_UTC_Z)
def serialize_time(time: datetime) -> str:
    """Write a time in UTC with a Z, its fraction of a second only where it has one."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(value: object) -> datetime:
    """Read a time of any zone.

    Raises:
        GraphQLError: the text is not a time of RFC 3339, or has no zone, so that nobody can say which moment is meant.
    """
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(
        "A DateTime is a time of RFC 3339 with its zone, for example 2026-11-22T10:00:00Z.",
        extensions={"code": "BAD_USER_INPUT"},
    )


DATE_TIME: Final = strawberry.scalar(
    name="DateTime",
    description=(
        "A point in time as RFC 3339 text, in UTC when it is answered: `2026-11-22T10:00:00Z`. "
        "Fractions of a second have up to six digits. Input may carry any zone, but must carry one."
    ),
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=serialize_time,
    parse_value=parse_time,
)
