"""A `gql-api serve` in a process of its own, and a Chromium that keeps account of what the page does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Error, async_playwright, expect

from gql_api.http.graphiql import BUNDLE
from tests.browser.graphiql_page import GraphiQLPage

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STOP_TIMEOUT_SECONDS = 20
TIMEOUT_MS = 30_000  # Monaco is large, and a test machine may be busy

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.effectiveDirective} refuses ${event.blockedURI}`));
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a server on a database of its own."""
    database = tmp_path_factory.mktemp("browser") / "browser.sqlite3"
    process = subprocess.Popen(
        [sys.executable, "-m", "gql_api", "serve", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "GQL_API_DATABASE_URL": f"sqlite+aiosqlite:///{database}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        announcement = process.stdout.readline()
        assert announcement.startswith("GraphiQL: http://127.0.0.1:")
        yield announcement.split()[1].removesuffix("/graphql")
    finally:
        process.terminate()
        process.communicate(timeout=STOP_TIMEOUT_SECONDS)


@pytest.fixture(scope="session")
def roster(server: str) -> dict[str, Any]:
    """Two students and two courses, Ada taking both: the whole database, as the API gave it back."""

    def execute(field: str, type_: str, value: dict[str, Any], selection: str) -> Any:
        query = f"mutation($input: {type_}!) {{ result: {field}(input: $input) {{ ... on {selection} }} }}"
        response = httpx.post(f"{server}/graphql", json={"query": query, "variables": {"input": value}})
        return response.json()["data"]["result"]

    def student(name: str) -> str:
        selection = "CreateStudentSuccess { student { id } }"
        return str(execute("createStudent", "CreateStudentInput", {"name": name}, selection)["student"]["id"])

    def course(code: str, title: str) -> str:
        selection = "CreateCourseSuccess { course { id } }"
        value = {"code": code, "title": title}
        return str(execute("createCourse", "CreateCourseInput", value, selection)["course"]["id"])

    def assigned_at(student_id: str, course_id: str) -> str:
        value = {"studentId": student_id, "courseId": course_id}
        return str(
            execute("assignCourse", "AssignCourseInput", value, "AssignCourseSuccess { assignedAt }")["assignedAt"]
        )

    ada, bob = student("Ada"), student("Bob")
    logic, sets = course("LOGIC-1", "Logic"), course("SETS-1", "Sets")
    return {
        "Ada": ada,
        "Bob": bob,
        "LOGIC-1": assigned_at(ada, logic),
        "SETS-1": assigned_at(ada, sets),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, or any other that is on the path: the browsers that Playwright downloads are not needed."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def blank_page(chromium: Browser, server: str) -> AsyncIterator[GraphiQLPage]:
    """A fresh profile with nothing opened in it yet, under observation."""
    if not (BUNDLE / "index.html").exists():
        pytest.skip("GraphiQL is not bundled: make graphiql")
    context = await chromium.new_context(viewport={"width": 1400, "height": 900}, base_url=server)
    context.set_default_timeout(TIMEOUT_MS)
    expect.set_options(timeout=TIMEOUT_MS)
    page = await context.new_page()
    graphiql_page = GraphiQLPage(page)

    def origin(url: str) -> str:
        parts = urlsplit(url)
        return f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"

    def complain(message: ConsoleMessage | Error) -> None:
        if isinstance(message, Error):
            graphiql_page.complaints.append(message.message)
        elif message.type in {"error", "warning"}:
            graphiql_page.complaints.append(message.text)

    context.on("request", lambda request: graphiql_page.origins.add(origin(request.url)))
    page.on("websocket", lambda socket: graphiql_page.origins.add(origin(socket.url)))
    page.on("console", complain)
    page.on("pageerror", complain)
    await page.add_init_script(REPORT_VIOLATIONS)
    yield graphiql_page
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def graphiql(blank_page: GraphiQLPage, server: str) -> AsyncIterator[GraphiQLPage]:
    """GraphiQL, ready for input. Whatever a test does with it, it talks to this server alone and never complains."""
    await blank_page.open("/graphql")
    yield blank_page
    assert blank_page.origins == {server}
    assert blank_page.complaints == []
