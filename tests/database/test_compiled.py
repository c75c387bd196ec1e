from datetime import UTC, datetime

from gql_api.database.compiled import CompiledStatement, columns_of, with_times

STATEMENT = CompiledStatement("SELECT …", (), (), {}, columns=("id", "created_at"), times=(1,), texts={})


def test_times_of_sqlite_come_back_in_utc() -> None:
    records = [(1, "2026-11-22 10:00:00.000001"), (2, None), (3, "2026-11-22 10:00:00")]
    times = (datetime(2026, 11, 22, 10, 0, 0, 1, UTC), None, datetime(2026, 11, 22, 10, tzinfo=UTC))
    assert columns_of(STATEMENT, records) == {"id": (1, 2, 3), "created_at": times}
    assert with_times(STATEMENT, records) == list(zip((1, 2, 3), times, strict=True))
    assert columns_of(STATEMENT, [])["created_at"] == ()


def test_a_time_that_somebody_else_wrote_does_not_spoil_the_others() -> None:
    records = [(1, "2026-11-22"), (2, "2026-11-22 10:00:00.000000"), (3, "2026-11-22T10:00:00+00:00"), (4, None)]
    ten = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert columns_of(STATEMENT, records)["created_at"] == (datetime(2026, 11, 22, tzinfo=UTC), ten, ten, None)
