"""What browsers of other origins, and documents that clients name instead of sending, are allowed by the settings."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server import Server, command, serving

ORIGIN = "https://app.example.org"
TRUSTED = "query Trusted { students { totalCount } }"
OTHER = "query Other { courses { totalCount } }"

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def post(server: Server, body: dict[str, Any]) -> Any:
    accept = {"Accept": "application/graphql-response+json"}
    return httpx.post(f"{server.url}/graphql", json=body, headers=accept, timeout=30).json()


def code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def allowed_origin(server: Server, path: str) -> str | None:
    response = httpx.get(server.url + path, headers={"Origin": ORIGIN}, timeout=30)
    allowed: str | None = response.headers.get("access-control-allow-origin")
    return allowed


def plain_get(server: Server) -> int:
    return httpx.get(f"{server.url}/graphql", params={"query": TRUSTED}, timeout=30).status_code


def automatic(query: str) -> dict[str, Any]:
    persisted_query = {"version": 1, "sha256Hash": sha256(query.encode()).hexdigest()}
    return {"query": query, "extensions": {"persistedQuery": persisted_query}}


def manifest(directory: Path, documents: dict[str, str]) -> Path:
    file = directory / "manifest.json"
    file.write_text(json.dumps(documents), encoding="utf-8")
    return file


def test_by_default_no_other_origin_reads_and_a_plain_get_is_refused(sqlite_server: Server) -> None:
    assert allowed_origin(sqlite_server, "/health/live") is None
    assert plain_get(sqlite_server) == 400


@on_sqlite
def test_named_origins_may_read_every_path_and_csrf_prevention_can_be_switched_off(database_url: str) -> None:
    with serving(database_url, cors_origins=f"https://other.example.org {ORIGIN}", csrf_prevention="off") as server:
        paths = ["/graphql?query={__typename}", "/health/live", "/students/1/courses", "/absent"]
        assert [allowed_origin(server, path) for path in paths] == [ORIGIN] * len(paths)
        assert plain_get(server) == 200


@on_sqlite
def test_trusted_documents_are_preferred_by_default_and_exclusive_if_one_wants(
    database_url: str, tmp_path: Path
) -> None:
    file = manifest(tmp_path, {"t1": TRUSTED})
    data = {"data": {"students": {"totalCount": 0}}}
    with serving(database_url, trusted_documents=file) as server:
        assert post(server, {"documentId": "t1"}) == data
        assert post(server, {"query": OTHER}) == {"data": {"courses": {"totalCount": 0}}}
    with serving(database_url, trusted_documents=file, trusted_documents_mode="only", workers=2) as server:
        assert post(server, {"documentId": "t1"}) == data
        assert code(post(server, {"query": OTHER})) == "FORBIDDEN"
        assert code(post(server, {"query": TRUSTED})) == "FORBIDDEN"
        assert code(post(server, {"documentId": "t2"})) == "PERSISTED_QUERY_NOT_FOUND"


@on_sqlite
def test_a_manifest_that_is_switched_off_is_not_read_and_no_query_need_be_learned(database_url: str) -> None:
    absent = "/absent/manifest.json"
    with serving(database_url, trusted_documents=absent, trusted_documents_mode="off", learned_queries_max=0) as server:
        assert post(server, automatic(OTHER)) == {"data": {"courses": {"totalCount": 0}}}
        assert code(post(server, {**automatic(OTHER), "query": None})) == "PERSISTED_QUERY_NOT_SUPPORTED"


@on_sqlite
@pytest.mark.parametrize("workers", [1, 2])
def test_a_manifest_with_a_document_that_cannot_be_executed_ends_the_start(
    database_url: str, tmp_path: Path, workers: int
) -> None:
    file = manifest(tmp_path, {"t1": TRUSTED, "t2": "query { students { nodes { salary } } }", "t3": "{"})
    refused = command("serve", "--port", "0", database_url=database_url, trusted_documents=file, workers=workers)
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1] == (
        f"Error: The document 't2' of the manifest {file} is invalid: "
        "Cannot query field 'salary' on type 'Student'. Invalid in all: 2."
    )


@on_sqlite
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cors_origins": "https://app.example.org/path"},
            "GQL_API_CORS_ORIGINS holds 'https://app.example.org/path'; it must be * or origins like "
            "https://app.example.org, without a path, separated by spaces.",
        ),
        (
            {"cors_origins": "app.example.org"},
            "GQL_API_CORS_ORIGINS holds 'app.example.org'; it must be * or origins like "
            "https://app.example.org, without a path, separated by spaces.",
        ),
        (
            {"trusted_documents_mode": "only"},
            "GQL_API_TRUSTED_DOCUMENTS_MODE is only; then GQL_API_TRUSTED_DOCUMENTS must name a manifest.",
        ),
        (
            {"trusted_documents_mode": "some"},
            "GQL_API_TRUSTED_DOCUMENTS_MODE is 'some'; it must be one of off, prefer, only.",
        ),
        (
            {"trusted_documents": "/absent/manifest.json"},
            "The manifest /absent/manifest.json cannot be read: No such file or directory.",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_can(
    database_url: str, settings: dict[str, str], message: str
) -> None:
    refused = command("serve", "--port", "0", database_url=database_url, **settings)
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (1, f"Error: {message}")
