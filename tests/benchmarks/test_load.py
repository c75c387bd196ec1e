import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.load import Exchange, WrongAnswer, ask, run_load

REQUEST = b"POST / HTTP/1.1\r\n\r\n"


class Answering(asyncio.Protocol):
    """Answers each request with the pieces that are due, and closes where there are none."""

    def __init__(self, answer: Callable[[], list[bytes]]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert data == REQUEST
        self._write(self._answer())

    def _write(self, pieces: list[bytes]) -> None:
        if not pieces:
            self._transport.close()
            return
        self._transport.write(pieces[0])
        if pieces[1:]:
            asyncio.get_running_loop().call_later(0.001, self._write, pieces[1:])


@asynccontextmanager
async def answering(answer: Callable[[int], list[bytes]]) -> AsyncIterator[int]:
    """A server that answers the request of this number so."""
    numbers = itertools.count()
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Answering(lambda: answer(next(numbers))), "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_every_request_that_was_begun_is_answered_and_counted() -> None:
    served = 0

    def answer(_number: int) -> list[bytes]:
        nonlocal served
        served += 1
        whole = ok(b'{"data":1}')
        return [whole[:20], whole[20:50], whole[50:]]

    async with answering(answer) as port:
        run = await run_load(port, itertools.repeat(Exchange(REQUEST, b'{"data":1}')), concurrency=4, seconds=0.05)
    assert run.requests == served >= 4
    assert run.percentile_milliseconds(99) >= run.percentile_milliseconds(50) > 0


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (ok(b'{"data":2}'), '"data":2'),
        (ok(b'{"data":1}').replace(b"200", b"500"), "HTTP/1.1 500"),
        (ok(b""), "Content-Length: 0"),
    ],
    ids=["another body", "another status", "no body"],
)
async def test_one_wrong_answer_ends_the_run(wrong: bytes, shown: str) -> None:
    async with answering(lambda number: [wrong if number == 3 else ok(b'{"data":1}')]) as port:
        with pytest.raises(WrongAnswer, match=shown):
            await run_load(port, itertools.repeat(Exchange(REQUEST, b'{"data":1}')), concurrency=2, seconds=0.2)


async def test_a_connection_that_is_closed_ends_the_run() -> None:
    async with answering(lambda number: [] if number == 3 else [ok(b"1")]) as port:
        with pytest.raises(WrongAnswer, match="closed"):
            await run_load(port, itertools.repeat(Exchange(REQUEST, b"1")), concurrency=2, seconds=0.2)


async def test_what_is_asked_once_must_be_answered_with_200() -> None:
    async with answering(lambda number: [ok(b"1") if number == 0 else b"HTTP/1.1 404 Not Found\r\n\r\n"]) as port:
        assert await ask(port, REQUEST) == b"1"
        with pytest.raises(WrongAnswer, match="404"):
            await ask(port, REQUEST)
