"""Pages and cursors as clients get them wrong, at the root and nested."""

from typing import Any

import pytest

from tests.integration.graphql_client import GraphQLClient
from tests.integration.school import new_course, new_students

LIST = "(first: $first, after: $after, last: $last, before: $before, orderBy: $order)"
PAGE = "{ edges { cursor } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }"
ARGUMENTS = "$first: Int, $after: String, $last: Int, $before: String, $order: [StudentOrder!]"
STUDENTS = f"query ({ARGUMENTS}) {{ students{LIST} {PAGE} }}"
NESTED = f"query ($id: ID!, {ARGUMENTS}) {{ course(id: $id) {{ students{LIST} {PAGE} }} }}"
COURSES = STUDENTS.replace("StudentOrder", "CourseOrder").replace("students", "courses")


@pytest.fixture
def course(client: GraphQLClient) -> str:
    """A course of three students."""
    course: str = new_course(client)["id"]
    pairs = [{"studentId": student, "courseId": course} for student in new_students(client, 3)]
    document = "mutation ($pairs: [AssignCourseInput!]!) { assignCourses(input: {assignments: $pairs}) { __typename } }"
    client.execute(document, pairs=pairs)
    return course


def refused(client: GraphQLClient, document: str, **variables: Any) -> str:
    """The only message of an answer without any data."""
    answer = client.execute(document, **variables)
    assert (answer.status, answer.codes) == (200, ["BAD_USER_INPUT"])
    assert not any((answer.body["data"] or {}).values())
    (message,) = answer.messages
    return message


@pytest.mark.parametrize("document", [STUDENTS, NESTED], ids=["root", "nested"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": -1}, "`first` is -1; it must be at least 0 and at most 500."),
        ({"last": -1}, "`last` is -1; it must be at least 0 and at most 500."),
        ({"first": 501}, "`first` is 501; it must be at least 0 and at most 500."),
        ({"last": 2**31 - 1}, "`last` is 2147483647; it must be at least 0 and at most 500."),
        ({"first": 1, "last": 1}, "Pass `first` or `last`, not both."),
        ({"first": 0, "last": 0}, "Pass `first` or `last`, not both."),
        ({"after": "nonsense"}, "`after` is not a cursor of this API; pass one that it gave you, unchanged."),
        ({"order": [{"field": "NAME"}, {"field": "NAME"}]}, "`orderBy` names a field twice."),
    ],
    ids=str,
)
def test_a_page_that_cannot_be_is_refused(
    client: GraphQLClient, course: str, document: str, arguments: dict[str, Any], message: str
) -> None:
    assert refused(client, document, **arguments, **({"id": course} if document is NESTED else {})) == message


@pytest.mark.parametrize("side", ["first", "last"])
def test_a_page_of_nothing_is_empty_and_still_says_what_is_beside_it(
    client: GraphQLClient, course: str, side: str
) -> None:
    page = client.execute(NESTED, id=course, **{side: 0}).data["course"]["students"]
    assert page == {
        "edges": [],
        "nodes": [],
        "totalCount": 3,
        "pageInfo": {
            "hasNextPage": side == "first",
            "hasPreviousPage": side == "last",
            "startCursor": None,
            "endCursor": None,
        },
    }


def test_null_arguments_count_as_left_out(client: GraphQLClient, course: str) -> None:
    nulls = dict.fromkeys(("first", "after", "last", "before", "order"))
    assert client.execute(NESTED, id=course, **nulls).data == client.execute(NESTED, id=course).data


def test_the_largest_page_is_500(client: GraphQLClient, course: str) -> None:
    assert len(client.execute(NESTED, id=course, first=500).data["course"]["students"]["nodes"]) == 3


def test_a_cursor_of_another_list_is_refused(client: GraphQLClient, course: str) -> None:
    of_root = client.execute(STUDENTS, first=1).data["students"]["pageInfo"]["endCursor"]
    of_nested = client.execute(NESTED, id=course, first=1).data["course"]["students"]["pageInfo"]["endCursor"]
    assert "cursor" in refused(client, NESTED, id=course, after=of_root)
    assert "cursor" in refused(client, STUDENTS, after=of_nested)
    assert "cursor" in refused(client, COURSES, before=of_root)


def test_a_cursor_of_another_ordering_is_refused_and_the_message_says_so(client: GraphQLClient, course: str) -> None:
    by_id = client.execute(NESTED, id=course, first=1).data["course"]["students"]["pageInfo"]["endCursor"]
    by_name = [{"field": "NAME"}]
    message = refused(client, NESTED, id=course, after=by_id, order=by_name)
    assert "`after`" in message
    assert "order" in message
    descending = [{"field": "NAME", "direction": "DESC"}]
    cursor = client.execute(NESTED, id=course, first=1, order=by_name).data["course"]["students"]["pageInfo"][
        "endCursor"
    ]
    assert "order" in refused(client, NESTED, id=course, after=cursor, order=descending)


def test_a_cursor_that_was_changed_is_refused_or_is_another_place_in_the_same_list(
    client: GraphQLClient, course: str
) -> None:
    cursor = client.execute(NESTED, id=course, first=1).data["course"]["students"]["pageInfo"]["endCursor"]
    whole = client.execute(NESTED, id=course).data["course"]["students"]
    for place in range(len(cursor)):
        for changed in (
            cursor[:place],
            cursor[:place] + "A" + cursor[place + 1 :],
            cursor[:place] + cursor[place + 1 :],
        ):
            answer = client.execute(NESTED, id=course, after=changed)
            if answer.codes:
                assert answer.codes == ["BAD_USER_INPUT"]
            else:
                nodes = answer.data["course"]["students"]["nodes"]
                assert nodes == whole["nodes"][len(whole["nodes"]) - len(nodes) :]


def test_the_order_of_assignments_exists_only_between_students_and_courses(client: GraphQLClient, course: str) -> None:
    by_assignment = [{"field": "ASSIGNED_AT"}]
    assert len(client.execute(NESTED, id=course, order=by_assignment).data["course"]["students"]["nodes"]) == 3
    assert refused(client, STUDENTS, order=by_assignment) == (
        "`orderBy` ASSIGNED_AT is possible inside Student.courses and Course.students, not in Query.students."
    )


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        ({"name": {"in": ["x"] * 501}}, "`filter.name.in` lists 501 values; at most 500 are allowed."),
        (
            {"name": {"startsWith": "x" * 256}},
            "`filter.name.startsWith` is a text of 256 characters; at most 255 are allowed.",
        ),
        ({"or": [{"name": {"eq": "x"}}] * 51}, "`filter` makes more than 50 comparisons."),
        (
            {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"name": {"eq": "x"}}}}}}}}}},
            "`filter` is more than 8 levels deep.",
        ),
    ],
    ids=["elements", "characters", "comparisons", "depth"],
)
def test_a_filter_beyond_its_limits_is_refused(client: GraphQLClient, filter_: dict[str, Any], message: str) -> None:
    document = "query ($filter: StudentFilter) { students(filter: $filter) { totalCount } }"
    assert refused(client, document, filter=filter_) == message


@pytest.mark.parametrize("count", [501, 2000])
def test_too_many_ids_are_refused(client: GraphQLClient, count: int) -> None:
    (student,) = new_students(client, 1)
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert refused(client, document, ids=[student] * count) == f"`ids` has {count} elements; at most 500 are allowed."
    assert client.execute(document, ids=[student] * 500).data == {"nodes": [{"id": student}] * 500}
    assert client.execute(document, ids=[]).data == {"nodes": []}
