"""Writers of an SQLite file who wait at the same time share a COMMIT, and nothing else."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, TypeAlias

import pytest
from sqlalchemy import insert, text

from gql_api.database import writer_thread
from gql_api.database.engine import Timeouts
from gql_api.database.failure import ConstraintViolated, TransactionOverrun
from gql_api.database.transaction import Transaction, Transactions
from gql_api.database.transactions import create_transactions
from gql_api.errors import DatabaseUnusable, OutcomeUnknown
from gql_api.services.students import create_student
from gql_api.services.tables import STUDENTS
from gql_api.services.unit_of_work import UnitOfWork, UnitsOfWork
from tests.database.watched_writer import WHILE_SECONDS, Watched, watched_writer

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

Work: TypeAlias = Callable[[Transaction], Coroutine[Any, Any, Any]]

ENTER = insert(STUDENTS)
NAMES = text("SELECT name FROM students ORDER BY id").columns(STUDENTS.c.name)
MANY = text("INSERT INTO students (name) SELECT 'many' FROM students a, students b, students c, students d")


@pytest.fixture
def watched() -> Iterator[Watched]:
    with watched_writer() as connection:
        yield connection


@pytest.fixture
async def transactions(watched: Watched, database_url: str) -> AsyncIterator[Transactions]:  # noqa: ARG001 - patched first
    made = create_transactions(database_url)
    yield made
    await made.close()


def entering(name: str, *, email: str | None = None) -> Work:
    async def enter(transaction: Transaction) -> str:
        await transaction.execute(ENTER, {"name": name, "email": email})
        return name

    return enter


def refusing(name: str) -> Work:
    async def refuse(transaction: Transaction) -> None:
        await entering(name)(transaction)
        raise KeyError(name)

    return refuse


async def nothing(_transaction: Transaction) -> str:
    return "nothing"


async def names(transactions: Transactions) -> list[str]:
    async def read(transaction: Transaction) -> list[str]:
        return [name for (name,) in await transaction.execute(NAMES, {})]

    return await transactions.run(read)


async def together(transactions: Transactions, *works: Work) -> list[Any]:
    """What comes of these works, all of which wait while somebody else has the thread."""
    may_go_on = threading.Event()

    async def hold(_transaction: Transaction) -> None:
        assert may_go_on.wait(10)

    tasks = [asyncio.create_task(transactions.run(work)) for work in (hold, *works)]
    await asyncio.sleep(0)
    may_go_on.set()
    [_, *outcomes] = await asyncio.gather(*tasks, return_exceptions=True)
    return outcomes


async def test_those_who_wait_are_committed_together(transactions: Transactions, watched: Watched) -> None:
    works = [entering("Ada"), nothing, entering("Bob"), entering("Cy")]
    assert await together(transactions, *works) == ["Ada", "nothing", "Bob", "Cy"]
    savepoint = ["SAVEPOINT", "INSERT", "RELEASE"]
    assert watched.texts == ["BEGIN", "INSERT", *savepoint, *savepoint, "COMMIT"]
    assert await names(transactions) == ["Ada", "Bob", "Cy"]


@pytest.mark.parametrize("place", range(3))
async def test_what_fails_is_undone_by_itself(transactions: Transactions, place: int) -> None:
    works = [entering("Ada"), entering("Bob")]
    works.insert(place, refusing("Eve"))
    outcomes = await together(transactions, *works)
    assert isinstance(outcomes.pop(place), KeyError)
    assert outcomes == await names(transactions) == ["Ada", "Bob"]


async def test_a_statement_that_is_refused_is_refused_to_its_work_alone(transactions: Transactions) -> None:
    enter = partial(entering, email="a@example.org")
    [first, second, third] = await together(transactions, enter("Ada"), enter("Eve"), entering("Bob"))
    assert (first, third) == ("Ada", "Bob")
    assert isinstance(second, ConstraintViolated)
    assert await names(transactions) == ["Ada", "Bob"]


@pytest.mark.parametrize(
    ("code", "told"), [(sqlite3.SQLITE_IOERR_FSYNC, OutcomeUnknown), (sqlite3.SQLITE_FULL, DatabaseUnusable)]
)
async def test_nobody_is_told_anything_before_the_commit_and_everybody_that_it_failed(
    transactions: Transactions, watched: Watched, code: int, told: type[Exception]
) -> None:
    watched.fail_to_commit(code)
    # Who was refused may have been so by what was not kept in the end.
    outcomes = await together(transactions, entering("Ada"), refusing("Eve"), nothing, entering("Bob"))
    watched.before = len
    assert [type(outcome) for outcome in outcomes] == [told, told, str, told]
    assert await names(transactions) == []


async def test_work_that_is_lost_by_the_fault_of_another_can_be_done_again(
    transactions: Transactions, watched: Watched
) -> None:
    """SQLite rolls all back where a change is interrupted or the disk is full; here somebody else does it."""

    async def spoil(transaction: Transaction) -> None:
        await entering("Eve")(transaction)
        watched.execute("ROLLBACK")
        raise KeyError

    works = [entering("Ada"), refusing("Eve"), spoil, entering("Bob")]
    [first, second, third, fourth] = await together(transactions, *works)
    assert [type(lost) for lost in (first, second, third)] == [TransactionOverrun, TransactionOverrun, KeyError]
    assert fourth == "Bob"
    assert await names(transactions) == ["Bob"]


async def test_work_that_goes_on_as_if_it_were_not_lost_is_not_kept(
    transactions: Transactions, watched: Watched
) -> None:
    async def spoil(transaction: Transaction) -> None:
        await entering("Eve")(transaction)
        watched.execute("ROLLBACK")

    for works in ([spoil, entering("Bob")], [entering("Ada"), spoil, entering("Bob")]):
        [*lost, kept] = await together(transactions, *works)
        assert {type(outcome) for outcome in lost} == {TransactionOverrun}
        assert kept == "Bob"
    assert await names(transactions) == ["Bob", "Bob"]


async def test_whoever_interrupts_a_change_takes_nobodys_work_along(database_url: str) -> None:
    transactions = create_transactions(database_url)
    units_of_work = UnitsOfWork(transactions)
    begun = threading.Event()

    async def many(uow: UnitOfWork) -> None:
        begun.set()
        await uow.execute(MANY)

    async def thirty(uow: UnitOfWork) -> None:
        for i in range(30):
            await create_student(uow, name=f"Student {i}")

    await units_of_work.run(thirty)
    for _ in range(3):
        begun.clear()
        ada = asyncio.create_task(units_of_work.run(partial(create_student, name="Ada")))
        leaving = asyncio.create_task(units_of_work.run(many))
        bob = asyncio.create_task(units_of_work.run(partial(create_student, name="Bob")))
        await asyncio.to_thread(begun.wait, 10)
        await asyncio.sleep(WHILE_SECONDS)
        leaving.cancel()
        await asyncio.wait([ada, bob, leaving], timeout=10)
        assert (ada.result().name, bob.result().name, leaving.cancelled()) == ("Ada", "Bob", True)
    assert sorted((await names(transactions))[30:]) == ["Ada"] * 3 + ["Bob"] * 3
    await transactions.close()


async def test_a_group_is_bounded(
    transactions: Transactions, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = [entering(str(i)) for i in range(6)]
    monkeypatch.setattr(writer_thread, "GROUP_SIZE_MAX", 3)
    await together(transactions, *works)
    assert watched.texts.count("COMMIT") == 3  # the first of a go was he who had the thread
    monkeypatch.setattr(writer_thread, "GROUP_SECONDS", -1)
    await together(transactions, *works)
    assert watched.texts.count("COMMIT") == 9


async def test_who_waits_for_the_turn_too_long_is_passed_over_and_the_others_are_not(database_url: str) -> None:
    transactions = create_transactions(database_url, timeouts=Timeouts(pool_seconds=WHILE_SECONDS))
    may_go_on = threading.Event()

    async def hold(_transaction: Transaction) -> None:
        assert may_go_on.wait(10)

    holding = asyncio.create_task(transactions.run(hold))
    await asyncio.sleep(0)
    with pytest.raises(DatabaseUnusable, match="became free in time"):
        await transactions.run(entering("Eve"))
    entered = asyncio.create_task(transactions.run(entering("Ada")))
    await asyncio.sleep(0)
    may_go_on.set()
    await holding
    assert await entered == "Ada"
    assert await names(transactions) == ["Ada"]
    await transactions.close()
