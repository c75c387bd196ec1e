"""`gql-api serve` in processes that begin with the program already imported: for tests that kill many of them.

Starting an interpreter and importing takes two seconds, forking one that has done so some milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import httpx

from gql_api.cli import main
from tests.server import environment, wait_for

START_TIMEOUT_SECONDS = 30


class KilledServers:
    """Serves a database again and again, on one port."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self._variables = environment(database_url)
        self._log_file = directory / "log"
        self._port = _free_port()
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])

    @property
    def url(self) -> str:
        """The address up to and without the path."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """What the servers have said."""
        return self._log_file.read_text(errors="replace")

    @contextmanager
    def one(self) -> Iterator[ForkServerProcess]:
        """A server that answers, until it is killed (`SIGKILL`), by the block or at its end."""
        process = self._context.Process(target=_serve, args=(self._variables, self._port, self._log_file))
        process.start()
        try:
            wait_for(self._is_live, timeout_seconds=START_TIMEOUT_SECONDS)
            yield process
        finally:
            process.kill()
            process.join()

    def _is_live(self) -> bool | None:
        try:
            return httpx.get(f"{self.url}/health/live", timeout=5).status_code == 200 or None
        except httpx.TransportError:
            return None


def _serve(variables: dict[str, str], port: int, log_file: Path) -> None:
    os.environ.update(variables)
    os.chdir(tempfile.gettempdir())
    with log_file.open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    main(["serve", "--port", str(port)])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
