"""`gql-api serve`: where it listens, what it prints, how it ends."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gql_api.database.address import parse_database_url
from tests.database.lock_holder import write_lock_held_by_another_process
from tests.integration.graphql_client import Answer, GraphQLClient
from tests.integration.stored import connected
from tests.server import Server, gql_api, serving, wait_for

STUDENTS = "{ students { totalCount } }"
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def test_a_port_in_use_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = gql_api("serve", "--port", str(port), "--demo", directory=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --host or --port.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [("192.0.2.1", "Cannot assign requested address"), ("host.invalid", r".+"), ("é" * 300, "not a host name")],
    ids=["not-ours", "unknown", "too-long"],
)
def test_an_address_that_cannot_be_had_is_named(tmp_path: Path, host: str, reason: str) -> None:
    refused = gql_api("serve", "--host", host, "--port", "0", directory=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(
        rf"Error: Cannot listen on {host}:0: {reason}\. Choose another --host or --port\.\n", refused.stderr
    )
    assert list(tmp_path.iterdir()) == []


def test_without_settings_a_file_in_the_working_directory_is_served(tmp_path: Path) -> None:
    with serving(None, directory=tmp_path) as server, GraphQLClient(server) as client:
        assert client.execute(STUDENTS).data == {"students": {"totalCount": 0}}
        assert f"GraphiQL: {server.url}/graphql\n" in server.log
    assert (tmp_path / "gql_api.sqlite3").exists()


@on_sqlite
def test_options_go_before_variables(database_url: str) -> None:
    with serving(database_url, port=1, workers=1) as server:
        assert server.port > 1


@on_sqlite
def test_browsers_are_shown_graphiql_unless_it_is_switched_off(database_url: str) -> None:
    def opened(server: Server) -> httpx.Response:
        return httpx.get(f"{server.url}/graphql", headers={"Accept": "text/html"}, timeout=30)

    with serving(database_url) as server:
        page = opened(server)
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    with serving(database_url, graphiql="off") as server:
        assert f"GraphQL: {server.url}/graphql\n" in server.log
        assert "text/html" not in opened(server).headers["content-type"]


@on_sqlite
def test_two_workers_are_two_processes_and_one_of_them_may_die(database_url: str) -> None:
    with serving(database_url, "--workers", "2", may_fail=True) as server, GraphQLClient(server) as client:
        assert client.execute(STUDENTS).data == {"students": {"totalCount": 0}}
        workers = wait_for(lambda: _worker_ids(server, at_least=2), timeout_seconds=60)
        assert len(workers) == 2
        os.kill(int(workers[0]), signal.SIGKILL)
        wait_for(lambda: _worker_ids(server, at_least=3), timeout_seconds=60)
    with GraphQLClient(server) as client, pytest.raises(httpx.ConnectError):
        client.execute(STUDENTS)


def _worker_ids(server: Server, *, at_least: int) -> list[str] | None:
    found = re.findall(r"Started server process \[(\d+)\]", server.log)
    return found if len(found) >= at_least else None


CREATE = """
mutation {
  createCourse(input: {code: "C", title: "Before", capacity: 9}) { ... on CreateCourseSuccess { course { id } } }
}
"""
RENAME = 'mutation ($id: ID!) { updateCourse(input: {id: $id, title: "Renamed"}) { __typename } }'


@contextmanager
def lock_held(database_url: str) -> Iterator[None]:
    """Keep a course from being changed by others; on SQLite, anything."""
    address = parse_database_url(database_url)
    with ExitStack() as held:
        if address.dialect == "sqlite":
            held.enter_context(write_lock_held_by_another_process(address.file))
        else:
            holder = held.enter_context(connected(database_url))
            holder.run("BEGIN")
            holder.run("SELECT id FROM courses FOR UPDATE")
        yield


def _refuses_connections(server: Server) -> bool | None:
    try:
        server.get("/health/live", timeout_seconds=1)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return None  # it came before the parent of the workers had closed its door, too
    return None


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT], ids=lambda given: given.name)
def test_what_is_in_flight_is_finished_before_the_end(
    database_url: str, workers: str, with_signal: signal.Signals
) -> None:
    with (
        serving(database_url, "--workers", workers, busy_timeout_seconds=60) as server,
        GraphQLClient(server) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        course = client.execute(CREATE).data["createCourse"]["course"]["id"]
        with lock_held(database_url):
            in_flight = pool.submit(client.execute, RENAME, id=course)
            time.sleep(0.3)
            server.get("/health/live")
            if with_signal is signal.SIGINT:
                os.killpg(server.process.pid, with_signal)  # as a terminal does for Ctrl-C: the workers get it, too
            else:
                server.process.send_signal(with_signal)
            wait_for(lambda: "Waiting for connections to close" in server.log or None, timeout_seconds=30)
            wait_for(lambda: _refuses_connections(server), timeout_seconds=5)
            assert not in_flight.done()
        assert in_flight.result(timeout=30).data == {"updateCourse": {"__typename": "UpdateCourseSuccess"}}
        status = server.process.wait(30)
        log = server.log
    assert "Aborted" not in log
    ended_by_signal = workers == "1" and with_signal is signal.SIGTERM
    assert status == (-signal.SIGTERM if ended_by_signal else 0)
    with connected(database_url) as database:
        assert database.run("SELECT title FROM courses") == [("Renamed",)]


def test_health_live_does_not_need_the_database(tmp_path: Path) -> None:
    with serving(f"sqlite+aiosqlite:///{tmp_path / 'school.sqlite3'}") as server:
        assert server.get("/health/ready").status_code == 200
        for file in tmp_path.iterdir():
            file.unlink()
        tmp_path.rmdir()
        live, ready = server.get("/health/live"), server.get("/health/ready")
        assert (live.status_code, live.json()) == (200, {"status": "live"})
        assert (ready.status_code, ready.json()) == (
            503,
            {"status": "not ready", "reason": "The database cannot be used."},
        )


@on_sqlite
def test_settings_reach_what_they_set(database_url: str) -> None:
    settings: dict[str, Any] = {"page_size_default": 2, "page_size_max": 3, "request_body_bytes_max": 1024}
    with serving(database_url, introspection="off", **settings) as server, GraphQLClient(server) as client:
        client.execute(
            "mutation {"
            + " ".join(f'm{i}: createStudent(input: {{name: "S"}}) {{ __typename }}' for i in range(5))
            + "}"
        )
        assert len(client.execute("{ students { nodes { id } } }").data["students"]["nodes"]) == 2
        assert len(client.execute("{ students(first: 3) { nodes { id } } }").data["students"]["nodes"]) == 3
        assert client.execute("{ students(first: 4) { nodes { id } } }").messages == [
            "`first` is 4; it must be at least 0 and at most 3."
        ]
        assert client.post(json.dumps({"query": "{ x }", "_": "x" * 1024}).encode()).status == 413
        assert hidden(client.execute("{ __schema { types { name } } }"))
        assert hidden(client.execute('{ __type(name: "Student") { name } }'))
        assert client.execute("{ __typename }").data == {"__typename": "Query"}
        assert "Did you mean" not in " ".join(
            client.execute("{ student(id: 1) { nam } }").messages + client.execute("{ studens { id } }").messages
        )


def hidden(answer: Answer) -> bool:
    return set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"} and "data" not in answer.body
