from gql_api.identity import RIGHTS, Role, StudentsSeen


def test_every_role_has_its_row() -> None:
    assert set(RIGHTS) == set(Role)


def test_only_registrars_change_anything() -> None:
    assert {role for role, rights in RIGHTS.items() if rights.changes} == {Role.REGISTRAR}


def test_students_see_nobody_but_themselves_and_strangers_nobody_at_all() -> None:
    assert RIGHTS[Role.STUDENT].students_seen is StudentsSeen.OWN
    assert RIGHTS[Role.ANONYMOUS].students_seen is StudentsSeen.NONE
