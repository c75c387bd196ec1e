"""A transaction on SQLite is wholly in one thread: what that asks of the work in it, and what it must not change."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import insert, text

from gql_api.database.transaction import Transaction, Transactions
from gql_api.database.transactions import create_transactions
from gql_api.database.writer_thread import WriterThread
from gql_api.errors import DatabaseUnusable, OutcomeUnknown
from gql_api.services.tables import STUDENTS
from tests.database.watched_writer import Watched, cancelled_while, watched_writer

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

ENTER = insert(STUDENTS)
NAMES = text("SELECT name FROM students ORDER BY id").columns(STUDENTS.c.name)


@pytest.fixture
def watched() -> Iterator[Watched]:
    with watched_writer() as connection:
        yield connection


@pytest.fixture
async def transactions(watched: Watched, database_url: str) -> AsyncIterator[Transactions]:  # noqa: ARG001 - patched first
    made = create_transactions(database_url)
    yield made
    await made.close()


async def enter(transaction: Transaction) -> None:
    await transaction.execute(ENTER, {"name": "Ada"})


async def names(transactions: Transactions) -> list[str]:
    async def read(transaction: Transaction) -> list[str]:
        return [name for (name,) in await transaction.execute(NAMES, {})]

    return await transactions.run(read)


async def test_a_transaction_goes_to_the_thread_once(transactions: Transactions, watched: Watched) -> None:
    async def enter_three(transaction: Transaction) -> None:
        for _ in range(3):
            await enter(transaction)

    with patch.object(WriterThread, "ask", autospec=True, side_effect=WriterThread.ask) as ask:
        await transactions.run(enter_three)

    assert ask.call_count == 1
    assert watched.texts == ["BEGIN", "INSERT", "INSERT", "INSERT", "COMMIT"]
    assert watched.threads.isdisjoint({threading.get_ident()})
    assert len(watched.threads) == 1


async def test_work_without_a_statement_begins_no_transaction(transactions: Transactions, watched: Watched) -> None:
    async def nothing(_transaction: Transaction) -> str:
        return "nothing"

    assert await transactions.run(nothing) == "nothing"
    assert watched.texts == []


@pytest.mark.parametrize(
    "something_else",
    [lambda: asyncio.sleep(0), lambda: asyncio.get_running_loop().create_future(), lambda: asyncio.sleep(0.001)],
    ids=["a step of the loop", "a future", "a while"],
)
async def test_work_that_awaits_anything_else_is_refused_and_leaves_nothing(
    transactions: Transactions, something_else: Callable[[], Awaitable[Any]]
) -> None:
    async def stray(transaction: Transaction) -> None:
        await enter(transaction)
        await awaited

    awaited = something_else()
    with pytest.raises(RuntimeError, match=r"awaits something other than its transaction|no running event loop"):
        await transactions.run(stray)
    assert await names(transactions) == []


async def test_a_statement_that_was_given_up_is_interrupted_and_none_follows(
    transactions: Transactions, watched: Watched
) -> None:
    await cancelled_while(watched, "INSERT", asyncio.create_task(transactions.run(enter)))
    assert watched.texts == ["BEGIN", "INSERT", "ROLLBACK"]
    assert watched.interrupts > 1
    assert await names(transactions) == []


async def test_a_commit_that_has_begun_is_not_interrupted(transactions: Transactions, watched: Watched) -> None:
    await cancelled_while(watched, "COMMIT", asyncio.create_task(transactions.run(enter)))
    assert watched.texts == ["BEGIN", "INSERT", "COMMIT"]
    assert watched.interrupts == 0
    assert await names(transactions) == ["Ada"]


async def test_a_rollback_is_not_interrupted_and_a_failure_that_nobody_waits_for_is_not_logged(
    transactions: Transactions, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    async def enter_in_vain(transaction: Transaction) -> None:
        await enter(transaction)
        raise KeyError

    await cancelled_while(watched, "ROLLBACK", asyncio.create_task(transactions.run(enter_in_vain)))
    assert watched.interrupts == 0
    assert await names(transactions) == []
    gc.collect()
    assert caplog.messages == []


async def test_a_transaction_that_was_kept_by_its_work_is_of_no_use_afterwards(transactions: Transactions) -> None:
    kept: list[Transaction] = []

    async def keep(transaction: Transaction) -> None:
        kept.append(transaction)

    await transactions.run(keep)
    with pytest.raises(RuntimeError, match="has ended"):
        await enter(kept[0])
    assert await names(transactions) == []


@pytest.mark.parametrize(
    ("code", "told"), [(sqlite3.SQLITE_IOERR_FSYNC, OutcomeUnknown), (sqlite3.SQLITE_FULL, DatabaseUnusable)]
)
async def test_a_commit_that_fails_is_told_and_the_next_transaction_begins_anew(
    transactions: Transactions, watched: Watched, code: int, told: type[Exception]
) -> None:
    watched.fail_to_commit(code)
    with pytest.raises(told):
        await transactions.run(enter)
    watched.before = len
    assert watched.texts == ["BEGIN", "INSERT", "COMMIT", "ROLLBACK"]
    assert await names(transactions) == []


async def test_what_was_asked_for_is_done_before_the_thread_ends_and_nothing_afterwards(
    transactions: Transactions, database_url: str
) -> None:
    closing = create_transactions(database_url)
    entering = [asyncio.create_task(closing.run(enter)) for _ in range(5)]
    await asyncio.sleep(0)
    await closing.close()
    await asyncio.gather(*entering)
    with pytest.raises(RuntimeError, match="was closed"):
        await closing.run(enter)
    assert await names(transactions) == ["Ada"] * 5


async def test_a_thread_that_was_never_needed_is_closed_all_the_same(database_url: str) -> None:
    await create_transactions(database_url).close()
