"""A real uvicorn (httptools, uvloop) in a process of its own, for what cannot be seen in this process.

As a program (`python -m tests.http.live_server FACTORY HTTP DESCRIPTOR`) it is that process.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn

ROOT = Path(__file__).parents[2]
_STOP_TIMEOUT_SECONDS = 10


class LiveServer(NamedTuple):
    """Where the server listens, and the process that it is."""

    port: int
    process_id: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def memory_bytes(self) -> int:
        command = ["ps", "-o", "rss=", "-p", str(self.process_id)]
        return 1024 * int(subprocess.check_output(command))  # noqa: S603 - a constant and a number


@contextmanager
def live_server(factory: str, *, http: str = "httptools") -> Iterator[LiveServer]:
    """Serve the ASGI application that `factory` (`module:function`) makes; requests wait until it is ready."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        arguments = [sys.executable, "-m", "tests.http.live_server", factory, http, str(listener.fileno())]
        server = subprocess.Popen(arguments, pass_fds=[listener.fileno()], cwd=ROOT)  # noqa: S603 - our own module
        port = listener.getsockname()[1]
    try:
        yield LiveServer(port, server.pid)
    finally:
        server.terminate()
        try:
            server.wait(_STOP_TIMEOUT_SECONDS)
        finally:
            server.kill()


def main(factory: str, http: str, descriptor: str) -> None:
    config = uvicorn.Config(
        factory,
        factory=True,
        http=http,
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main(*sys.argv[1:])
