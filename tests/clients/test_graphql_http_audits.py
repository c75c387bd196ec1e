import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.http.live_server import live_server
from tests.server import Server

GETS_WITHOUT_SIGN_OF_A_PREFLIGHT = {
    "5A70": "MAY accept application/x-www-form-urlencoded formatted GET requests",
    "D6D5": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting "
    "application/graphql-response+json",
    "6A70": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json",
}


def audit(run_node: Callable[..., str], url: str, *options: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(run_node("graphql_http_audits.mjs", url, *options))
    assert Counter(result["name"].split()[0] for result in results) == {"MUST": 13, "SHOULD": 23, "MAY": 25}
    return results


def failures(results: list[dict[str, Any]]) -> dict[str, str]:
    return {result["id"]: result["name"] for result in results if result["status"] != "ok"}


def test_the_program_as_it_is_served_passes_every_audit(run_node: Callable[..., str], sqlite_server: Server) -> None:
    assert failures(audit(run_node, f"{sqlite_server.url}/graphql", "--require-preflight")) == {}


def test_the_endpoint_passes_every_audit_unmodified_without_csrf_prevention(run_node: Callable[..., str]) -> None:
    with live_server("tests.http.graphql_application:application_without_csrf_prevention") as server:
        assert failures(audit(run_node, server.url)) == {}


def test_csrf_prevention_refuses_the_gets_of_the_audits_that_show_no_preflight(run_node: Callable[..., str]) -> None:
    with live_server("tests.http.graphql_application:application") as server:
        assert failures(audit(run_node, server.url)) == GETS_WITHOUT_SIGN_OF_A_PREFLIGHT
