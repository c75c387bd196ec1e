"""A WebSocket that is closed while something is being answered on it: nobody's fault, and nothing for the log."""

import asyncio
import json

import pytest

from tests.faults.fuzz_client import WebSocketLine, frame
from tests.server import serving

INIT = frame(b'{"type": "connection_init"}')
SUBSCRIBE = frame(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}).encode())
NOT_UTF8 = frame(b'{"type": "\xff"}')
CLOSE = 8
ANSWER_SECONDS_MAX = 5


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_an_answer_that_comes_after_the_close_and_a_text_that_is_not_utf8_are_not_logged_as_faults(
    database_url: str,
) -> None:
    async def talk(port: int) -> list[tuple[int, bytes]]:
        socket = await WebSocketLine.opened(port)
        # All in one write: the server below has closed before the program comes to read the first of them.
        frames = await socket.say(INIT + SUBSCRIBE + NOT_UTF8, seconds=ANSWER_SECONDS_MAX)
        socket.close()
        return frames

    with serving(database_url) as server:
        for _ in range(3):
            [(opcode, payload)] = asyncio.run(talk(server.port))
            assert (opcode, payload[:2]) == (CLOSE, (1007).to_bytes(2))
        assert server.get("/health/live").status_code == 200
        assert "Unexpected" not in server.log
        assert "ERROR" not in server.log
