"""The arguments of a connection: which are accepted, and what they mean."""

from typing import Any

import pytest

from gql_api.errors import BadUserInput
from gql_api.pagination import KeyKind, Ordering, OrderKey, PageLimits, PageRequest, encode_cursor

ORDERING = Ordering("Query.students", (OrderKey("id", KeyKind.INTEGER),))
LIMITS = PageLimits(size_default=20, size_max=500)
SEVEN, NINE = encode_cursor(ORDERING, [7]), encode_cursor(ORDERING, [9])


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        ({}, PageRequest(20)),
        ({"first": None, "after": None, "last": None, "before": None}, PageRequest(20)),
        ({"first": 0}, PageRequest(0)),
        ({"first": 1}, PageRequest(1)),
        ({"first": 500}, PageRequest(500)),
        ({"last": 0}, PageRequest(0, backward=True)),
        ({"last": 500}, PageRequest(500, backward=True)),
        ({"last": 3, "first": None}, PageRequest(3, backward=True)),
        ({"after": SEVEN}, PageRequest(20, after=(7,))),
        ({"before": NINE}, PageRequest(20, before=(9,))),
        ({"first": 2, "after": SEVEN, "before": NINE}, PageRequest(2, after=(7,), before=(9,))),
        ({"last": 2, "after": NINE, "before": SEVEN}, PageRequest(2, backward=True, after=(9,), before=(7,))),
    ],
)
def test_arguments_become_a_bounded_request(arguments: dict[str, Any], request_: PageRequest) -> None:
    assert PageRequest.of(ORDERING, LIMITS, **arguments) == request_


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": 1, "last": 1}, "Pass `first` or `last`, not both."),
        ({"first": 0, "last": 0}, "Pass `first` or `last`, not both."),
        ({"first": -1}, "`first` is -1; it must be at least 0 and at most 500."),
        ({"first": 501}, "`first` is 501; it must be at least 0 and at most 500."),
        ({"last": -(2**31)}, f"`last` is -{2**31}; it must be at least 0 and at most 500."),
        ({"last": 2**31 - 1}, f"`last` is {2**31 - 1}; it must be at least 0 and at most 500."),
        ({"after": ""}, "`after` is not a cursor of this API; pass one that it gave you, unchanged."),
        ({"before": "7"}, "`before` is not a cursor of this API; pass one that it gave you, unchanged."),
        ({"first": 0, "before": "7"}, "`before` is not a cursor of this API; pass one that it gave you, unchanged."),
    ],
)
def test_arguments_that_make_no_page_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadUserInput) as refused:
        PageRequest.of(ORDERING, LIMITS, **arguments)
    assert refused.value.message == message
