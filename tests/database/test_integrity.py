from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.integrity import IntegrityRule, Violations, find_violations, require_integrity, rules_of
from gql_api.errors import DatabaseUnusable

FIVE_ROWS = "SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5"
KEPT = IntegrityRule("kept", "Nothing is wrong.", f"SELECT * FROM ({FIVE_ROWS}) AS five WHERE id > 5")  # noqa: S608 - a constant
BROKEN = IntegrityRule("broken", "There are no rows.", FIVE_ROWS)


def revision(**attributes: Any) -> ModuleType:
    module = ModuleType("revision")
    vars(module).update(attributes)
    return module


def test_the_rules_of_all_revisions_hold_until_one_is_retired() -> None:
    first = revision(INTEGRITY_RULES=(KEPT,))
    second = revision(INTEGRITY_RULES=(BROKEN,))
    third = revision(INTEGRITY_RULES_RETIRED=("kept",))
    assert rules_of([first, second]) == (KEPT, BROKEN)
    assert rules_of([revision(), first, second, third]) == (BROKEN,)


@pytest.mark.parametrize(
    ("rule", "examples_max", "found"),
    [
        (KEPT, 5, Violations(0, ())),
        (BROKEN, 2, Violations(5, ("id=1", "id=2"))),
        (BROKEN, 5, Violations(5, ("id=1", "id=2", "id=3", "id=4", "id=5"))),
        (BROKEN, 6, Violations(5, ("id=1", "id=2", "id=3", "id=4", "id=5"))),
    ],
)
async def test_all_violations_are_counted_and_some_shown(
    engine: AsyncEngine, rule: IntegrityRule, examples_max: int, found: Violations
) -> None:
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: find_violations(sync, rule, examples_max=examples_max)) == found


async def test_a_broken_rule_is_an_error_that_shows_its_rows(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(require_integrity, [KEPT])
        with pytest.raises(DatabaseUnusable) as caught:
            await connection.run_sync(require_integrity, [KEPT, BROKEN])
    assert caught.value.message == (
        "The migration was given up, nothing was changed. "
        "There are no rows. 5 rows break this: id=1; id=2; id=3; id=4; id=5."
    )
