"""Thousands of requests that nobody should send: no failure, no internal word, no growth of memory."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import psutil
import pytest

from tests.faults.fuzz_client import BROKEN_SECONDS_MAX, WHOLE_SECONDS_MAX, Line, WebSocketLine, frame
from tests.faults.fuzz_mutation import mutated, value
from tests.faults.fuzz_requests import Request, RequestFuzzer
from tests.integration.graphql_client import INTERNAL, GraphQLClient
from tests.integration.school import School
from tests.server import Server, serving

SEED = 20_261_122
LINES = 8
DOCUMENTS = 1100
ROUNDS = {"sqlite": 1, "postgresql": 9}
REQUESTS_PER_ROUND = 1000
WEBSOCKETS_PER_ROUND = 16
MESSAGES_PER_WEBSOCKET = 5
GROWTH_BYTES_MAX = 24 * 1024 * 1024

_FAILURES = re.compile(r"^(?:Unexpected error|Traceback|ERROR:).*", re.MULTILINE)

CLOSED_FOR_A_FAULT = {1011, 4500}


class Findings:
    """What came back, and what should not have."""

    def __init__(self) -> None:
        self.statuses: Counter[object] = Counter()
        self.faults: list[tuple[object, bytes, bytes]] = []

    def note(self, status: int | None, sent: bytes, received: bytes, *, may_be_silent: bool) -> None:
        """Count an answer, and keep it if it is a fault."""
        self.statuses[status] += 1
        is_silent = status is None and not may_be_silent
        is_masked = b"INTERNAL_SERVER_ERROR" in received
        leaked = INTERNAL.search(received.decode("utf-8", "replace")) if b"text/html" not in received else None
        if leaked is not None and leaked.group().encode() in sent:
            leaked = None  # a message may quote the request
        if is_silent or is_masked or (status or 0) >= 500 or leaked:
            self.faults.append((leaked or status, sent[:3000], received[:1500]))


async def ask_all(port: int, requests: list[Request], findings: Findings) -> None:
    """Send them over a few lines, each of which has the next as soon as it is free."""
    waiting = iter(requests)

    async def use(line: Line) -> None:
        for request in waiting:
            seconds = WHOLE_SECONDS_MAX if request.is_whole else BROKEN_SECONDS_MAX
            response = await line.ask(request.raw, is_head=request.is_head, seconds=seconds)
            if response is None:
                findings.note(None, request.raw, b"", may_be_silent=not request.is_whole)
            else:
                findings.note(response.status, request.raw, response.head + response.body, may_be_silent=True)
            if not request.is_whole:
                line.close()  # whatever else it is answered by

        line.close()

    await asyncio.gather(*(use(Line(port)) for _ in range(LINES)))


async def talk_to_all(port: int, random: Random, findings: Findings) -> None:
    """Talk to many WebSockets, a few at a time."""
    for _ in range(WEBSOCKETS_PER_ROUND // LINES):
        # Each with choices of its own, which do not depend on whose turn it is.
        randoms = [Random(random.randrange(2**32)) for _ in range(LINES)]  # noqa: S311 - as below
        await asyncio.gather(*(talk(port, random, findings) for random in randoms))


async def talk(port: int, random: Random, findings: Findings) -> None:
    """Say things to a WebSocket until it is closed."""
    fuzzer = RequestFuzzer(random, [])
    socket = await WebSocketLine.opened(port)
    if random.randrange(8):
        await socket.say(frame(b'{"type":"connection_init"}'), seconds=BROKEN_SECONDS_MAX)
    for number in range(MESSAGES_PER_WEBSOCKET):
        makes: list[Callable[[], Any]] = [fuzzer.operation, fuzzer.parameters, partial(value, random)]
        message = {"id": str(number), "type": random.choice(["subscribe"] * 6 + ["ping", "complete", "nonsense"])}
        text = json.dumps(message | {"payload": random.choice(makes)()}).encode()
        raw = frame(
            mutated(random, text) if random.randrange(3) == 0 else text,
            opcode=random.choice([1] * 12 + [0, 2, 3, 8, 9, 10, 15]),
            is_final=random.randrange(15) > 0,
            is_masked=random.randrange(30) > 0,
        )
        frames = await socket.say(mutated(random, raw) if random.randrange(10) == 0 else raw, seconds=0.03)
        for opcode, received in frames:
            findings.note(0, text, received, may_be_silent=True)
            if opcode == 8:
                code = int.from_bytes(received[:2])
                findings.statuses[f"closed with {code}"] += 1
                if code in CLOSED_FOR_A_FAULT:
                    findings.faults.append((code, text, received))
                socket.close()
                return
    socket.close()


@pytest.mark.timeout(300)
def test_no_request_makes_the_server_fail_tell_or_grow(database_url: str, dialect: str) -> None:
    random = Random(SEED)  # noqa: S311 - it is to be the same each time
    findings = Findings()
    with serving(database_url, may_fail=True) as server:
        fuzzer = RequestFuzzer(random, cursors_of(server))
        # As many documents as are kept, so that what grows from then on is no cache.
        asyncio.run(ask_all(server.port, [fuzzer.document() for _ in range(DOCUMENTS)], findings))
        asyncio.run(talk_to_all(server.port, random, findings))
        before_bytes = memory_bytes(server)
        for _ in range(ROUNDS[dialect]):
            requests = [fuzzer.request() for _ in range(REQUESTS_PER_ROUND)]
            asyncio.run(ask_all(server.port, requests, findings))
            asyncio.run(talk_to_all(server.port, random, findings))
        growth_bytes = memory_bytes(server) - before_bytes
        assert server.get("/health/ready").status_code == 200
        log = server.log
    assert not findings.faults, (len(findings.faults), findings.faults[:5])
    assert _FAILURES.findall(log) == []
    assert growth_bytes < GROWTH_BYTES_MAX
    assert findings.statuses.total() > 10_000 or dialect == "sqlite"


def cursors_of(server: Server) -> list[str]:
    """A few that are valid."""
    with GraphQLClient(server) as client:
        School.founded(client)
        edges = client.execute("{ students { edges { cursor } } courses { edges { cursor } } }").data
    return [edge["cursor"] for connection in edges.values() for edge in connection["edges"]]


def memory_bytes(server: Server) -> int:
    """What the server has in memory now."""
    process = psutil.Process(server.process.pid)
    return int(process.memory_info().rss)
