"""What a worker tells of itself, read from the program as it is served."""

from gql_api.http.metrics import SECONDS_BUCKETS
from tests.server import Server, serving


def counted(server: Server) -> dict[str, float]:
    response = server.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_requests_are_counted_by_status_and_timed(database_url: str) -> None:
    with serving(database_url) as server:
        before = counted(server)
        server.get("/graphql?query={__typename}&extensions={}")
        server.get("/graphql?query={__typename}")
        after = counted(server)

    requests = {name: count for name, count in after.items() if name.startswith("gql_api_graphql_requests_total")}
    assert sum(requests.values()) == 2
    assert before["gql_api_graphql_request_seconds_count"] == 0
    assert after["gql_api_graphql_request_seconds_count"] == 2
    assert after["gql_api_graphql_request_seconds_sum"] > 0
    buckets = [value for name, value in after.items() if name.startswith("gql_api_graphql_request_seconds_bucket")]
    assert len(buckets) == len(SECONDS_BUCKETS) + 1
    assert buckets == sorted(buckets)
    assert after['gql_api_graphql_request_seconds_bucket{le="+Inf"}'] == 2
