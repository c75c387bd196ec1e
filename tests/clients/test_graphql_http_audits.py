import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.http.live_server import live_server

GETS_WITHOUT_SIGN_OF_A_PREFLIGHT = {
    "5A70": "MAY accept application/x-www-form-urlencoded formatted GET requests",
    "D6D5": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting "
    "application/graphql-response+json",
    "6A70": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json",
}


def audit(run_node: Callable[..., str], factory: str, *options: str) -> list[dict[str, Any]]:
    with live_server(f"tests.http.graphql_application:{factory}") as server:
        results: list[dict[str, Any]] = json.loads(run_node("graphql_http_audits.mjs", server.url, *options))
    return results


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        pytest.param("application", ["--require-preflight"], id="as-shipped"),
        pytest.param("application_without_csrf_prevention", [], id="csrf-prevention-off"),
    ],
)
def test_every_audit_of_graphql_over_http_passes(
    run_node: Callable[..., str], factory: str, options: list[str]
) -> None:
    results = audit(run_node, factory, *options)
    assert [result for result in results if result["status"] != "ok"] == []
    assert Counter(result["name"].split()[0] for result in results) == {"MUST": 13, "SHOULD": 23, "MAY": 25}


def test_csrf_prevention_refuses_the_gets_of_the_audits_that_show_no_preflight(run_node: Callable[..., str]) -> None:
    results = audit(run_node, "application")
    refused = {result["id"]: result["name"] for result in results if result["status"] != "ok"}
    assert refused == GETS_WITHOUT_SIGN_OF_A_PREFLIGHT
