"""The REST endpoints over a database, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette

from gql_api.admission import Admission
from gql_api.database.engine import Timeouts
from gql_api.database.readers import create_reader
from gql_api.database.transactions import create_transactions
from gql_api.http.rest import rest_routes
from gql_api.identity import RIGHTS, UNIDENTIFIED, Principal, RightsTable
from gql_api.pagination import PageLimits
from gql_api.services.unit_of_work import UnitsOfWork

BODY_BYTES_MAX = 1000
LOCK_SECONDS = 2.0


@asynccontextmanager
async def rest_client(
    database_url: str, *, principal: Principal = UNIDENTIFIED, rights: RightsTable = RIGHTS
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the endpoints, as whom it is told; pages have 3 courses, at most 5."""

    async def authenticate(_authorization: bytes | None) -> Principal:
        return principal

    transactions = create_transactions(
        database_url, busy_timeout_seconds=LOCK_SECONDS, timeouts=Timeouts(lock_seconds=LOCK_SECONDS)
    )
    reader = create_reader(
        database_url,
        pool_size=5,
        sqlite_reader_threads=2,
        sqlite_inline_seconds=0.01,
        busy_timeout_seconds=LOCK_SECONDS,
    )
    routes = rest_routes(
        reader=reader,
        units_of_work=UnitsOfWork(transactions),
        authenticate=authenticate,
        rights=rights,
        admission=Admission(),
        page_limits=PageLimits(size_default=3, size_max=5),
        body_bytes_max=BODY_BYTES_MAX,
        body_timeout_seconds=0.2,
    )
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await reader.close()
    await transactions.close()


def problem(status: int, code: str, title: str, detail: str, **facts: Any) -> dict[str, Any]:
    """The whole body of a problem."""
    slug = code.lower().replace("_", "-")
    return {
        "type": f"urn:problem-type:{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **facts,
    }


NO_STUDENT = problem(404, "STUDENT_NOT_FOUND", "Student not found", "No student has this id.")
NO_COURSE = problem(404, "COURSE_NOT_FOUND", "Course not found", "No course has this id.")
