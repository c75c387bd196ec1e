"""What only a real server shows: bodies that are huge, slow, cut off or never end, and the memory they take."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.http.live_server import LiveServer, live_server

MIB = 1024 * 1024
BODY = json.dumps({"query": "{ greeting }"}).encode()
ANSWER = b'{"data":{"greeting":"Hello, world!"}}'
TIMEOUT_SECONDS = 20
GROWTH_BYTES_MAX = 24 * MIB


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """A server that waits 30 seconds for a body: longer than these tests may take."""
    with live_server("tests.http.graphql_application:application") as server:
        yield server


@pytest.fixture(scope="module")
def impatient_server() -> Iterator[LiveServer]:
    """A server that waits one second for a body."""
    with live_server("tests.http.graphql_application:application_with_little_patience") as server:
        yield server


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        length = next(int(field.split(":")[1]) for field in fields if field.startswith("content-length:"))
        return int(status.split()[1]), await self.reader.readexactly(length)

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def connect(server: LiveServer) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", server.port))


def head(*fields: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "Host: gql.test", "Content-Type: application/json", *fields, "", ""]
    return "\r\n".join(lines).encode()


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


async def ask(server: LiveServer) -> tuple[int, bytes]:
    connection = await connect(server)
    await connection.send(head(f"Content-Length: {len(BODY)}") + BODY)
    answer = await connection.answer()
    await connection.close()
    return answer


@pytest.fixture(autouse=True)
async def _well(server: LiveServer) -> None:
    """The server answers ordinary requests, whatever the tests before have sent."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await ask(server) == (200, ANSWER)


async def test_50_mib_that_are_announced_are_refused_before_they_are_sent(server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(server)
        await connection.send(head(f"Content-Length: {50 * MIB}"))
        status, body = await connection.answer()
        await connection.close()
    assert (status, json.loads(body)["errors"][0]["message"]) == (413, "The body is larger than 1048576 bytes.")


@pytest.mark.parametrize("is_announced", [True, False], ids=["content-length", "chunked"])
async def test_a_client_that_sends_50_mib_before_it_reads_gets_its_refusal(
    server: LiveServer, *, is_announced: bool
) -> None:
    memory_before_bytes = server.memory_bytes()

    async def upload() -> int:
        connection = await connect(server)
        field = f"Content-Length: {50 * MIB}" if is_announced else "Transfer-Encoding: chunked"
        await connection.send(head(field))
        for _ in range(50):
            await connection.send(b" " * MIB if is_announced else chunk(b" " * MIB))
        status, _ = await connection.answer()
        await connection.close()
        return status

    async with asyncio.timeout(TIMEOUT_SECONDS):
        statuses = await asyncio.gather(*(upload() for _ in range(8)))
    assert statuses == [413] * 8
    assert server.memory_bytes() - memory_before_bytes < GROWTH_BYTES_MAX


async def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(server)
        await connection.send(head("Transfer-Encoding: chunked") + chunk(b" " * MIB) + chunk(b" "))
        status, _ = await connection.answer()
        await connection.close()
    assert status == 413


async def test_a_body_is_answered_that_arrives_one_byte_at_a_time(server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(server)
        await connection.send(head(f"Content-Length: {len(BODY)}"))
        for position in range(len(BODY)):
            await connection.send(BODY[position : position + 1])
            await asyncio.sleep(0.001)
        assert await connection.answer() == (200, ANSWER)
        await connection.close()


async def test_a_mebibyte_in_chunks_of_one_byte_is_answered(server: LiveServer) -> None:
    padding = b"1\r\n \r\n" * (MIB - len(BODY))
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(server)
        await connection.send(head("Transfer-Encoding: chunked") + chunk(BODY) + padding + b"0\r\n\r\n")
        assert await connection.answer() == (200, ANSWER)
        await connection.close()


@pytest.mark.parametrize("sent", [b"", BODY[:5]], ids=["no-body", "part-of-the-body"])
async def test_a_body_that_does_not_come_is_refused_with_408_and_the_connection_closed(
    impatient_server: LiveServer, sent: bytes
) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(impatient_server)
        await connection.send(head(f"Content-Length: {len(BODY)}") + sent)
        status, body = await connection.answer()
        assert await connection.reader.read() == b""
        await connection.close()
    assert status == 408
    assert json.loads(body)["errors"] == [
        {"message": "The body did not arrive within 1 seconds.", "extensions": {"code": "BAD_REQUEST"}}
    ]


async def test_a_body_that_drips_for_ever_is_refused_with_408(impatient_server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(impatient_server)
        await connection.send(head("Transfer-Encoding: chunked"))
        answer = asyncio.create_task(connection.answer())
        while not answer.done():
            await connection.send(chunk(b" "))
            await asyncio.sleep(0.05)
        status, _ = await answer
        await connection.close()
    assert status == 408


async def test_a_body_that_is_cut_off_takes_nothing_with_it(
    server: LiveServer, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        for cut in (
            head(f"Content-Length: {len(BODY)}") + BODY[:5],
            head("Transfer-Encoding: chunked") + b"5\r\n{",
            head(),
        ):
            connection = await connect(server)
            await connection.send(cut)
            connection.writer.transport.abort()
        assert await ask(server) == (200, ANSWER)
    assert capfd.readouterr().err == ""


async def test_a_client_that_ends_its_side_within_the_body_sees_the_connection_closed_at_once(
    server: LiveServer,
) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        connection = await connect(server)
        await connection.send(head(f"Content-Length: {len(BODY)}") + BODY[:5])
        connection.writer.write_eof()
        assert await connection.reader.read() == b""
        await connection.close()


async def test_json_of_a_mebibyte_takes_bounded_memory(server: LiveServer) -> None:
    documents = [
        b'{"query":"{ greeting }","variables":{"a":[' + b"[]," * 340_000 + b"0]}}",
        b'{"query":"{ greeting }","variables":{' + b",".join(b'"%d":0' % n for n in range(100_000)) + b"}}",
        json.dumps({"query": "{ greeting " + "# " * 20_000}).encode(),
        json.dumps({"query": "{" + " ".join(f"a{n}: greeting" for n in range(6000)) + "}"}).encode(),
    ]
    memory_before_bytes = server.memory_bytes()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        for _ in range(5):
            for document in documents:
                connection = await connect(server)
                await connection.send(head(f"Content-Length: {len(document)}") + document)
                status, _ = await connection.answer()
                assert status < 500
                await connection.close()
    assert server.memory_bytes() - memory_before_bytes < 4 * GROWTH_BYTES_MAX
