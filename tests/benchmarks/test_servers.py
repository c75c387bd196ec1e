"""The servers that are compared: the benchmark verifies their answers, so all that is needed is to let it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.contenders import Contender, Server, serving
from benchmarks.databases import Database, filled_database
from benchmarks.exchanges import Exchanges, require_equal_bytes, verified_exchanges
from benchmarks.load import WrongAnswer, ask
from benchmarks.machine import Cores
from benchmarks.population import Population
from benchmarks.postgresql import PostgresqlServer
from benchmarks.statements import Statements, count_statements
from benchmarks.workloads import Workload
from gql_api.rosters.progress import SILENT

POPULATION = Population(600)


@pytest.fixture
def place(dialect: str, database_url: str, tmp_path: Path) -> PostgresqlServer | Path:
    """Where databases can be made."""
    return PostgresqlServer(make_url(database_url), is_ours=True) if dialect == "postgresql" else tmp_path


@pytest.fixture
async def database(place: PostgresqlServer | Path) -> AsyncIterator[Database]:
    async with filled_database(POPULATION, place, SILENT) as filled:
        yield filled


async def assignments(database: Database) -> int:
    async with database.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM student_courses"))).scalar_one())


async def test_all_servers_give_the_right_answers_and_the_hand_written_ones_the_same_bytes(database: Database) -> None:
    async with AsyncExitStack() as stack:
        cores = Cores.of_this_machine()
        servers: list[Server] = [
            await stack.enter_async_context(serving(contender, database, cores)) for contender in Contender
        ]
        for workload in Workload:
            exchanges = {server.contender: await verified_exchanges(server, workload) for server in servers}
            require_equal_bytes(exchanges)
        await assign_and_take_back(exchanges_of_assigning=await verified_exchanges(servers[0], Workload.ASSIGN))


async def assign_and_take_back(exchanges_of_assigning: Exchanges) -> None:
    database, port = exchanges_of_assigning.server.database, exchanges_of_assigning.server.port
    assert await assignments(database) == 4800
    requests = iter(exchanges_of_assigning)
    for _ in range(50):
        request, right_body = next(requests)
        assert await ask(port, request) == right_body
    assert await assignments(database) == 4850
    await exchanges_of_assigning.clean_up()
    assert await assignments(database) == 4800


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_an_answer_that_is_not_the_right_one_is_refused(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE students SET name = 'Somebody Else' WHERE id = 1"))
    async with serving(Contender.GQL_API, database, Cores.of_this_machine()) as server:
        with pytest.raises(WrongAnswer, match="Somebody Else"):
            await verified_exchanges(server, Workload.ROSTER)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_level_of_a_query_is_one_statement_counted_on_the_wire(database: Database) -> None:
    reads = [workload for workload in Workload if workload is not Workload.ASSIGN]
    found = await count_statements(database, Cores.of_this_machine(), reads)
    counts = {server: [len(counted.texts) for counted in by_workload.values()] for server, by_workload in found.items()}
    assert counts["gql-api"] == [2, 3, 2, 1]
    assert counts["hand-written"] == [2, 2, 2, 1]


def test_what_is_run_less_than_once_a_request_is_told_apart() -> None:
    texts = ["BEGIN", "INSERT  1", "NOTIFY", "COMMIT", "BEGIN", "INSERT 1", "COMMIT"]
    assert Statements.per_request(texts, 2) == Statements(["BEGIN", "INSERT 1", "COMMIT"], 0.5)
