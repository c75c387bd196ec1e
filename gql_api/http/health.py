"""Is the process alive, and can it do its work?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_api.database.schema_state import SchemaStatus

_HEADERS: Final = {"Cache-Control": "no-store"}


def health_routes(read_status: Callable[[], Awaitable[SchemaStatus]]) -> list[Route]:
    """`/health/live`, `/health/ready`, and `/health`, which is the latter.

    Liveness never touches the database: restarting the process would not bring a database back. Readiness asks it at
    each call whether it is there and at head.

    Args:
        read_status: asks the database; bounded in time, and never raises for a database that is away.
    """

    async def live(_request: Request) -> Response:
        return _answer(200, {"status": "live"})

    async def ready(_request: Request) -> Response:
        status = await read_status()
        if status.is_ready:
            return _answer(200, {"status": "ready", "revision": status.revision})
        return _answer(503, {"status": "not ready", "reason": _REASONS[status.state]})

    return [
        Route("/health", ready, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        Route("/health/live", live, methods=["GET"]),
    ]


# Who asks may be anyone: where the database is, and why exactly it cannot be used, stands in the log alone.
_REASONS: Final = {
    "older": "The database's schema is older than this program; run `gql-api migrate`.",
    "newer": "The database's schema is newer than this program; update the program.",
    "empty": "The database has no schema yet; run `gql-api migrate`.",
    "away": "The database cannot be used.",
}


def _answer(status: int, body: dict[str, str | None]) -> Response:
    return Response(orjson.dumps(body), status, _HEADERS, media_type="application/json")
