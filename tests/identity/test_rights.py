"""The table of rights, and the one that readers see."""

import re
from collections.abc import Callable

import pytest

from gql_api.errors import Forbidden, RequestRefused, Unauthenticated
from gql_api.identity import (
    ANONYMOUS,
    RIGHTS,
    UNIDENTIFIED,
    Principal,
    Rights,
    RightsTable,
    Role,
    StudentsSeen,
    require_changes,
    require_events,
    with_open_catalogue,
)
from tests.server import ROOT

STUDENT, STAFF, REGISTRAR = (Principal(role, "x") for role in (Role.STUDENT, Role.STAFF, Role.REGISTRAR))

_COURSES = {"all": True, "none; with `GQL_API_ANONYMOUS_SEES_COURSES`, all": False}
_STUDENTS = {"none": StudentsSeen.NONE, "their own": StudentsSeen.OWN, "all": StudentsSeen.ALL}
_CHANGES = {"all": True, "none": False}


def test_every_role_has_its_row() -> None:
    assert set(RIGHTS) == set(Role)


def test_only_registrars_change_anything() -> None:
    assert {role for role, rights in RIGHTS.items() if rights.changes} == {Role.REGISTRAR}


def test_students_see_nobody_but_themselves_and_strangers_nobody_at_all() -> None:
    assert RIGHTS[Role.STUDENT].students_seen is StudentsSeen.OWN
    assert RIGHTS[Role.ANONYMOUS].students_seen is StudentsSeen.NONE


def test_an_open_catalogue_shows_strangers_the_courses_and_changes_nothing_else() -> None:
    opened = with_open_catalogue()
    assert opened[Role.ANONYMOUS] == Rights(sees_courses=True, students_seen=StudentsSeen.NONE, changes=False)
    assert {role: opened[role] for role in Role if role is not Role.ANONYMOUS} == {
        role: RIGHTS[role] for role in Role if role is not Role.ANONYMOUS
    }


def test_the_document_shows_the_table_as_it_is() -> None:
    section = (ROOT / "docs/security.md").read_text("utf-8").partition("\n## Rights\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    documented = {
        Role(role): Rights(_COURSES[courses], _STUDENTS[students], _CHANGES[changes])
        for role, courses, students, changes in rows
    }
    assert documented == dict(RIGHTS)


@pytest.mark.parametrize("principal", [REGISTRAR, UNIDENTIFIED])
def test_who_may_do_everything_is_held_up_nowhere(principal: Principal) -> None:
    require_changes(principal, RIGHTS)
    require_events(principal, RIGHTS)


@pytest.mark.parametrize(
    ("require", "principal", "error", "message"),
    [
        (require_changes, ANONYMOUS, Unauthenticated, "The role `anonymous` may not change anything; `registrar` may."),
        (require_changes, STUDENT, Forbidden, "The role `student` may not change anything; `registrar` may."),
        (require_changes, STAFF, Forbidden, "The role `staff` may not change anything; `registrar` may."),
        (
            require_events,
            ANONYMOUS,
            Unauthenticated,
            "The role `anonymous` may not listen to assignments; `student` or `staff` or `registrar` may.",
        ),
    ],
)
def test_a_refusal_says_who_may(
    require: Callable[[Principal, RightsTable], None], principal: Principal, error: type[RequestRefused], message: str
) -> None:
    for table in (RIGHTS, with_open_catalogue()):
        with pytest.raises(error) as refused:
            require(principal, table)
        assert refused.value.message == message
