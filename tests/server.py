"""The real program in processes of its own: `gql-api` run to its end, and `gql-api serve` for as long as a test needs.

A test that only reads, or looks at rows of its own making, asks for `server`, which lives as long as the session; one
that changes how the program is set up, or stops it, starts its own by `serving`.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from click.testing import CliRunner, Result

from gql_api.cli import main
from gql_api.settings import Settings
from tests.database_fixtures import PostgresqlDatabases, SqliteDatabases

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, "-m", "gql_api"]

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
RUN_TIMEOUT_SECONDS = 90

ResultT = TypeVar("ResultT")

_LISTENING = re.compile(r"http://127\.0\.0\.1:(\d+)/graphql")
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def environment(database_url: str | None = None, **settings: object) -> dict[str, str]:
    """This process's environment, without its settings and with these: `page_size_max=3` is GQL_API_PAGE_SIZE_MAX."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GQL_API_")}
    return inherited | _variables(database_url, settings) | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}


def _variables(database_url: str | None, settings: Mapping[str, object]) -> dict[str, str]:
    given = settings if database_url is None else {"database_url": database_url, **settings}
    return {f"GQL_API_{name.upper()}": str(value) for name, value in given.items()}


def gql_api(
    *arguments: str,
    database_url: str | None = None,
    directory: Path | None = None,
    obeys_file_modes: bool = False,
    timeout_seconds: float = RUN_TIMEOUT_SECONDS,
    **settings: object,
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, in `directory` or in a new one; `obeys_file_modes` even as root."""
    with tempfile.TemporaryDirectory(prefix="gql_api_") as scratch:
        return subprocess.run(  # noqa: S603 - our own program
            [*PROGRAM, *arguments],
            env=environment(database_url, **settings),
            cwd=directory or scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
            preexec_fn=obey_file_modes if obeys_file_modes else None,
        )


def command(*arguments: str, database_url: str | None = None, **settings: object) -> Result:
    """Run a command in this process, which spares importing everything anew; not for what serves."""
    cleared = dict.fromkeys(name for name in os.environ if name.startswith("GQL_API_"))
    return CliRunner().invoke(main, list(arguments), env=cleared | _variables(database_url, settings))


def obey_file_modes() -> None:
    """Take from the program that is executed next what lets root read and write any file."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)
        libc.prctl(_PR_CAPBSET_DROP, _CAP_DAC_READ_SEARCH, 0, 0, 0)


@dataclass(frozen=True)
class Server:
    """A `gql-api serve` that answers requests.

    Attributes:
        port: where it listens, on 127.0.0.1.
        database_url: the database it serves.
        process: the program itself; with several workers it is their parent.
    """

    port: int
    database_url: str
    process: subprocess.Popen[bytes]
    _log_file: Path

    @property
    def url(self) -> str:
        """The address up to and without the path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has written to stdout and stderr."""
        return self._log_file.read_text(errors="replace")

    def get(
        self, path: str, *, timeout_seconds: float = 20, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Ask by a connection of its own."""
        return httpx.get(self.url + path, timeout=timeout_seconds, headers=headers)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, wait until it has, and give its exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(STOP_TIMEOUT_SECONDS)


@contextmanager
def serving(
    database_url: str | None, *options: str, directory: Path | None = None, may_fail: bool = False, **settings: object
) -> Iterator[Server]:
    """Start `gql-api serve` on a free port, wait until it answers, and end it with the block.

    Args:
        database_url: what it is to serve; None for the default.
        options: of the command line.
        directory: its working directory; a new one by default.
        may_fail: whether a traceback in its log, of it or of its workers, is no fault.
        settings: further settings, by their names in lower case.
    """
    with tempfile.TemporaryDirectory(prefix="gql_api_") as scratch:
        log_file = Path(scratch) / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*PROGRAM, "serve", "--port", "0", *options],
                env=environment(database_url, **settings),
                cwd=directory or scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that `_end` reaches the workers too
            )
        try:
            server = Server(_port(process, log_file), database_url or Settings().database_url, process, log_file)
            assert server.get("/health/live", timeout_seconds=START_TIMEOUT_SECONDS).status_code == 200
            yield server
        finally:
            _end(process)
        assert may_fail or "Traceback" not in server.log, server.log


def _port(process: subprocess.Popen[bytes], log_file: Path) -> int:
    """The port it says it listens on; from then on requests wait to be accepted."""
    return int(wait_for(lambda: _said_port(process, log_file), timeout_seconds=START_TIMEOUT_SECONDS))


def _said_port(process: subprocess.Popen[bytes], log_file: Path) -> str | None:
    has_ended = process.poll() is not None
    log = log_file.read_text(errors="replace")
    if found := _LISTENING.search(log):
        return found[1]
    assert not has_ended, f"gql-api serve ended with {process.returncode}:\n{log}"
    return None


def wait_for(ask: Callable[[], ResultT | None], *, timeout_seconds: float) -> ResultT:
    """The first answer that is not None, asking every few milliseconds."""
    deadline = time.monotonic() + timeout_seconds
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, f"nothing came within {timeout_seconds:g} seconds"
        time.sleep(0.02)
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def sqlite_server(sqlite_databases: SqliteDatabases) -> Iterator[Server]:
    with sqlite_databases.migrated() as url, serving(url) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server(postgresql_databases: PostgresqlDatabases) -> Iterator[Server]:
    with postgresql_databases.migrated() as url, serving(url) as server:
        yield server


@pytest.fixture
def server(dialect: str, request: pytest.FixtureRequest) -> Server:
    """A server with a database of its own, shared by the session: others' rows may be there."""
    started: Server = request.getfixturevalue(f"{dialect}_server")
    return started
