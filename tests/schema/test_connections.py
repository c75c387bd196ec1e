"""Connections, as clients get them, against a model in Python: rows, order, cursors, page info and totals."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gql_api.database.statements import Listing
from tests.database.list_model import Key, cut
from tests.database.list_requests import KEY_NAMES, filters
from tests.database.school import School, schools
from tests.schema.api import Api
from tests.schema.list_queries import (
    LISTINGS,
    PARENT_TYPE,
    connection,
    connections,
    filter_variable,
    order_by,
    parent_ids,
    query,
)

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PAGES_PER_SCHOOL = 4

DATABASE_ID_MAX = 2**31 - 1
"""What GraphQL's Int can hold."""


@st.composite
def orderings(draw: st.DrawFn, listing: Listing) -> list[Key]:
    """Keys as clients can name them: the id breaks ties, in the direction of the last key."""
    names = draw(st.lists(st.sampled_from(KEY_NAMES[listing]), unique=True, max_size=3))
    keys = [(name, draw(st.booleans())) for name in names]
    return [*keys, ("id", keys[-1][1] if keys else False)]


def keys_of_parents(school: School, listing: Listing) -> list[int | None]:
    if listing.parent is None:
        return [None]
    return [row["id"] for row in (school.students if PARENT_TYPE[listing] == "Student" else school.courses)]


async def cursors_of(api: Api, school: School, listing: Listing, keys: list[Key]) -> dict[int | None, dict[int, str]]:
    """The cursor of every row of the lists below all parents."""
    parents = keys_of_parents(school, listing)
    known = [key for key in parents if key is not None]
    data = await api.data(query(listing), first=500, orderBy=order_by(keys), **parent_ids(listing, known))
    return {
        parent: {edge["node"]["databaseId"]: edge["cursor"] for edge in found["edges"]}
        for parent, found in zip(parents, connections(listing, data), strict=True)
    }


@EXAMPLES
@given(data=st.data(), school=schools(id_max=DATABASE_ID_MAX))
async def test_a_connection_is_what_the_model_cuts(api: Api, data: st.DataObject, school: School) -> None:
    await api.store(school)
    for _ in range(PAGES_PER_SCHOOL):
        listing = data.draw(st.sampled_from(LISTINGS))
        parents = keys_of_parents(school, listing)
        if not parents:
            continue
        keys = data.draw(orderings(listing))
        cursors = await cursors_of(api, school, listing, keys)
        arguments, variables = data.draw(page_arguments(school, listing, cursors))
        several = data.draw(st.lists(st.sampled_from(parents), min_size=1, max_size=5)) if listing.parent else parents
        known = [key for key in several if key is not None]
        answer = await api.data(
            query(listing), orderBy=order_by(keys) or None, **variables, **parent_ids(listing, known)
        )
        assert connections(listing, answer) == [
            connection(listing, cut(school.rows_of(listing.label, parent), keys=keys, **arguments), cursors[parent])
            for parent in several
        ]


@st.composite
def page_arguments(
    draw: st.DrawFn,
    school: School,
    listing: Listing,
    cursors: dict[int | None, dict[int, str]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments for the model, and the same as variables."""
    rows = [(row, cursors[parent][row["id"]]) for parent in cursors for row in school.rows_of(listing.label, parent)]
    places = st.none() | st.sampled_from(rows) if rows else st.none()
    after, before = draw(places), draw(places)
    filter_ = draw(st.none() | filters(listing))
    size: dict[str, Any] = draw(
        st.sampled_from([{}, {"first": 0}, {"first": 1}, {"first": 2}, {"first": 500}])
        | st.sampled_from([{"last": 0}, {"last": 1}, {"last": 3}, {"last": 500}])
    )
    arguments = {"after": after and after[0], "before": before and before[0], "filter_": filter_, **size}
    variables = {
        "after": after and after[1],
        "before": before and before[1],
        "filter": filter_variable(filter_),
        **size,
    }
    return arguments, variables
