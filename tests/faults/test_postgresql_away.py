"""PostgreSQL stopped, killed and crashed under load: nothing but clean answers, and service at its return."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.load import Load, Roll
from tests.integration.graphql_client import GraphQLClient
from tests.integration.stored import connected, everything
from tests.postgresql_instance import PostgresqlInstance
from tests.server import Server, gql_api, serving

AWAY_SECONDS = 0.4
RETURN_SECONDS_MAX = 1.0
ANSWER_SECONDS_MAX = 5.0
POLL_SECONDS = 0.05

POOL_SIZE = 2

QUERY = "{ students(first: 1) { nodes { name } } }"


@pytest.fixture(scope="module")
def server(postgresql: PostgresqlInstance) -> Iterator[Server]:
    with serving(postgresql.url, pool_size=POOL_SIZE) as server:
        yield server
    verified = gql_api("verify", database_url=postgresql.url)
    assert verified.returncode == 0, verified.stdout


@pytest.fixture(scope="module")
def load(server: Server) -> Load:
    return Load(Roll.made(server, students=100, capacities=[30, None, 80]))


def restarted(postgresql: PostgresqlInstance) -> None:
    with postgresql.away("fast"):
        time.sleep(AWAY_SECONDS)


def stopped_at_once(postgresql: PostgresqlInstance) -> None:
    with postgresql.away("immediate"):
        time.sleep(AWAY_SECONDS)


def killed(postgresql: PostgresqlInstance) -> None:
    postgresql.kill()
    time.sleep(AWAY_SECONDS)
    postgresql.start()


def crashed(postgresql: PostgresqlInstance) -> None:
    postgresql.crash()
    postgresql.wait_until_there()


@pytest.mark.parametrize("fault", [restarted, stopped_at_once, killed, crashed], ids=lambda fault: fault.__name__)
def test_whatever_takes_the_database_away_answers_are_clean_and_service_is_back_within_a_second(
    postgresql: PostgresqlInstance, server: Server, load: Load, fault: Callable[[PostgresqlInstance], None]
) -> None:
    load.told.clear()
    with GraphQLClient(server) as client, load.on(server.url):
        time.sleep(0.3)
        fault(postgresql)
        back = time.monotonic()
        while client.execute(QUERY).status != 200:
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - back
        time.sleep(0.3)
    assert seconds < RETURN_SECONDS_MAX
    outcomes = load.outcomes
    assert outcomes.keys() <= {"done", "full", "read", "passing", "unknown"}, outcomes
    assert min(outcomes["done"] + outcomes["full"], outcomes["read"]) > 2, outcomes
    assert outcomes["unknown"] <= load.callers, outcomes
    assert outcomes["passing"] > 0 or fault is crashed, outcomes
    assert max(told.seconds for told in load.told) < ANSWER_SECONDS_MAX
    assert [told.outcome for told in load.told[-load.callers :]].count("passing") == 0
    with connected(postgresql.url) as database:
        [(connections,)] = database.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gql-api'")
        stored = [(student, course) for student, course, *_ in everything(database)["student_courses"]]
    assert connections <= 2 * POOL_SIZE + 3  # reads, writes, readiness, and the two of the event log
    assert set(load.acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
