"""Clients as their users set them up, over HTTP and WebSocket or event stream, against the program as it is served."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)


def seen_by_every_client(school: dict[str, str]) -> dict[str, Any]:
    return {
        "pages": [["Logic", "Algebra"], ["Drawing"]],
        "hasNextPage": [True, False],
        "assigned": {
            "__typename": "AssignCourseSuccess",
            "alreadyAssigned": False,
            "course": {"id": school["openId"], "seatsTaken": 1},
        },
        "refused": {"__typename": "CourseFull", "capacity": 0, "message": "All 0 seats of this course are taken."},
        "missed": ["ASSIGNED Ada Logic", "ASSIGNED Ada Algebra", "ASSIGNED Ada Drawing"],
        "live": ["ASSIGNED Ada Open"],
        "resumed": ["ASSIGNED Ada Drawing", "ASSIGNED Ada Open"],
    }


def without_typenames_of_objects(value: Any) -> Any:
    """What caching clients add to every object that they ask for."""
    if isinstance(value, dict):
        return {
            name: without_typenames_of_objects(inner)
            for name, inner in value.items()
            if name != "__typename" or inner not in {"Course", "Student"}
        }
    if isinstance(value, list):
        return [without_typenames_of_objects(inner) for inner in value]
    return value


def run(run_node: Callable[..., str], script: str, school: dict[str, str]) -> dict[str, Any]:
    seen: dict[str, Any] = without_typenames_of_objects(json.loads(run_node(script, json.dumps(school))))
    return seen


def test_apollo_client_pages_assigns_listens_and_keeps_one_copy_of_each_object(
    run_node: Callable[..., str], school: dict[str, str]
) -> None:
    seen = run(run_node, "apollo_journey.mjs", school)
    assert set(seen.pop("requests")) == {"GET hash", "POST hash", "POST hash text"}
    assert seen == {
        **seen_by_every_client(school),
        "grown": ["Logic", "Algebra", "Drawing", "Open"],
        "cached": {"id": school["openId"], "title": "Open", "seatsTaken": 0},
    }


def test_urql_pages_assigns_listens_and_keeps_one_copy_of_each_object(
    run_node: Callable[..., str], school: dict[str, str]
) -> None:
    seen = run(run_node, "urql_journey.mjs", school)
    assert {"GET hash", "POST text"} <= set(seen.pop("requests")) <= {"GET hash", "POST text", "POST hash text"}
    assert seen == {
        **seen_by_every_client(school),
        "pages": [["Logic", "Algebra"], ["Logic", "Algebra", "Drawing"]],  # its cache joins them
        "cached": [["Logic", 2], ["Algebra", 1], ["Drawing", 1], ["Open", 0]],
    }


def test_graphql_request_pages_and_assigns_and_graphql_sse_listens(
    run_node: Callable[..., str], school: dict[str, str]
) -> None:
    seen = run(run_node, "graphql_request_journey.mjs", school)
    assert set(seen.pop("requests")) == {"POST text"}
    assert seen == seen_by_every_client(school)


def test_graphql_ws_does_all_of_it_over_one_connection_and_resumes_when_that_is_cut(
    run_node: Callable[..., str], school: dict[str, str]
) -> None:
    seen = run(run_node, "graphql_ws_journey.mjs", school)
    assert seen == {
        **seen_by_every_client(school),
        "requests": [],
        "connections": 2,
        "told": ["ASSIGNED", "ASSIGNED", "ASSIGNED", "ASSIGNED", "UNASSIGNED"],
    }
