"""Heads that are too long or too slow, and clients that do not read, on a real server."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import psutil
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gql_api.http.protocol import BoundedHttpProtocol
from tests.http.live_server import LiveServer, live_server
from tests.server import serving, wait_for

MIB = 1024 * 1024
TIMEOUT_SECONDS = 20
GROWTH_BYTES_MAX = 8 * MIB
GET = b"GET /graphql?query={greeting} HTTP/1.1\r\nHost: gql.test\r\nGraphQL-Require-Preflight: 1\r\n"
CHUNKED = (
    b"POST /graphql HTTP/1.1\r\nHost: gql.test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'18\r\n{"query":"{ greeting }"}\r\n0\r\n'
)
ANSWER = b'{"data":{"greeting":"Hello, world!"}}'


class ImpatientProtocol(BoundedHttpProtocol):
    head_seconds_max = 0.5
    stall_seconds = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with live_server(
        "tests.http.graphql_application:application", http="gql_api.http.protocol:BoundedHttpProtocol"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def impatient_server() -> Iterator[LiveServer]:
    with live_server(
        "tests.http.graphql_application:application", http="tests.http.test_protocol:ImpatientProtocol"
    ) as server:
        yield server


async def answer(server: LiveServer, *parts: bytes, pause_seconds: float = 0) -> bytes:
    """What the server sends until it closes the connection, or until it has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        while not received.endswith(ANSWER):
            block = await reader.read(MIB)
            if not block:
                break
            received += block
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


@pytest.mark.parametrize(
    ("beginning", "repeated"),
    [
        (b"GET /graphql?query=", b"a" * MIB),
        (b"GET / HTTP/1.1\r\n", b"X: " + b"a" * MIB + b"\r\n"),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * MIB),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 100_000),
        (CHUNKED, b"X: " + b"a" * MIB + b"\r\n"),
        (CHUNKED + b"X: ", b"a" * MIB),
    ],
    ids=["url", "fields", "one-field", "many-fields", "trailers", "one-trailer"],
)
async def test_a_head_that_does_not_end_is_cut_off_in_bounded_memory(
    server: LiveServer, beginning: bytes, repeated: bytes
) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert (await answer(server, GET + b"\r\n")).endswith(ANSWER)
        memory_before_bytes = server.memory_bytes()
        received = await answer(server, beginning, *[repeated] * 50)
    assert received == b"" or received.startswith(b"HTTP/1.1 431 ")
    assert server.memory_bytes() - memory_before_bytes < GROWTH_BYTES_MAX


async def test_a_head_of_60_kib_is_read_however_it_is_cut(server: LiveServer) -> None:
    head = GET + b"X: " + b"a" * 60 * 1024 + b"\r\n\r\n"
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert (await answer(server, head)).endswith(ANSWER)
        parts = [head[start : start + 7000] for start in range(0, len(head), 7000)]
        assert (await answer(server, *parts, pause_seconds=0.01)).endswith(ANSWER)


async def test_a_head_that_is_too_long_is_answered_with_431(server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        received = await answer(server, GET, b"X: " + b"a" * 65_000, b"a" * 1000, pause_seconds=0.2)
    assert received.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize("parts", [(), (b"GET",), (GET, b"X: a")], ids=["nothing", "a-method", "a-field"])
async def test_a_connection_without_a_head_is_closed(impatient_server: LiveServer, parts: tuple[bytes, ...]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await answer(impatient_server, *parts) == b""


async def test_a_head_that_drips_is_cut_off(impatient_server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await answer(impatient_server, GET, *[b"X: a\r\n"] * 20, b"\r\n", pause_seconds=0.1) == b""


async def test_a_connection_is_kept_for_the_next_request(impatient_server: LiveServer) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", impatient_server.port)
        for _ in range(3):
            writer.write(GET + b"\r\n\r\n")
            received = b""
            while not received.endswith(ANSWER):
                received += await reader.read(MIB)
            await asyncio.sleep(0.8)
        writer.close()


async def test_the_rest_of_a_body_that_was_answered_already_is_not_waited_for_for_ever(
    impatient_server: LiveServer,
) -> None:
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {50 * MIB}\r\n\r\n"
    async with asyncio.timeout(TIMEOUT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", impatient_server.port)
        writer.write(head.encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        await asyncio.wait([reading])
        writer.close()


def asking_for_much(server: LiveServer) -> socket.socket:
    """A connection on which 18 MiB were asked for: more than the kernel keeps for it."""
    fields = " ".join(f"a{number}: greeting(name: $name)" for number in range(20))
    body = json.dumps({"query": f"query ($name: String!) {{ {fields} }}", "variables": {"name": "a" * 900_000}})
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect(("127.0.0.1", server.port))
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body.encode())
    return connection


def test_a_client_that_does_not_read_its_answer_is_cut_off(impatient_server: LiveServer) -> None:
    connections = [asking_for_much(impatient_server) for _ in range(3)]
    ports = {connection.getsockname()[1] for connection in connections}
    process = psutil.Process(impatient_server.process_id)

    def held() -> set[int]:
        return ports & {end.raddr.port for end in process.net_connections("tcp") if end.raddr}

    wait_for(lambda: held() == ports or None, timeout_seconds=TIMEOUT_SECONDS)
    wait_for(lambda: not held() or None, timeout_seconds=TIMEOUT_SECONDS)
    for connection in connections:
        connection.close()


def test_a_client_that_reads_slowly_gets_all_of_its_answer(impatient_server: LiveServer) -> None:
    received, block = 0, b""
    with asking_for_much(impatient_server) as connection:
        began = time.monotonic()
        while not block.endswith(b'!"}}'):
            block = connection.recv(64 * 1024)
            assert block
            received += len(block)
            time.sleep(0.05 if time.monotonic() - began < 4 else 0)
    assert received > 18_000_000


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_connection_that_is_idle_is_closed(database_url: str) -> None:
    with serving(database_url, keep_alive_seconds=1) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            while block := connection.recv(MIB):
                received += block
        assert received.endswith(b'{"status":"live"}')


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_connection_that_becomes_a_websocket_is_not_idle(database_url: str) -> None:
    with (
        serving(database_url, keep_alive_seconds=1) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS) as connection,
    ):
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(MIB).startswith(b"HTTP/1.1 200 ")
        url, subprotocol = f"ws://127.0.0.1:{server.port}/graphql", Subprotocol("graphql-transport-ws")
        with connect(url, sock=connection, subprotocols=[subprotocol]) as websocket:
            time.sleep(2.5)
            websocket.send('{"type":"connection_init"}')
            assert websocket.recv(timeout=TIMEOUT_SECONDS) == '{"type":"connection_ack"}'
