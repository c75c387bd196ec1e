"""Rights as the real server grants them: by tokens, over every transport."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.database_fixtures import Databases
from tests.http.websocket_client import ASSIGNMENTS, WebSocketClient, websocket
from tests.identity.tokens import SECRET, claims, token
from tests.integration.watched_school import ADA, BOB, EVERYTHING, LOGIC, MUSIC, NURSING
from tests.schema.api import DIALECTS, Api
from tests.server import Server, serving

ADA_SHOWS = {"sub": "ada", "role": "student", "student_id": ADA}
SAM_SHOWS = {"sub": "sam", "role": "staff"}
RAE_SHOWS = {"sub": "rae", "role": "registrar"}

NO_CHANGES = "The role `{}` may not change anything; `registrar` may."
LISTS = "{ students { totalCount nodes { name } } courses { nodes { title seatsTaken students { nodes { name } } } } }"
CHANGE = 'mutation { createCourse(input: {code: "N", title: "New"}) { __typename } }'
CHALLENGE = 'Bearer realm="gql-api"'


@pytest.fixture(scope="module", params=DIALECTS)
def school(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that asks for tokens and shows the catalogue to everybody."""
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")

    async def store(url: str) -> None:
        async with Api(url) as api:
            await api.store(EVERYTHING)

    with databases.migrated() as url:
        asyncio.run(store(url))
        with serving(url, jwt_secret=SECRET, anonymous_sees_courses="true") as server:
            yield server


def ask(server: Server, method: str, path: str, shown: dict[str, Any] | None, **content: Any) -> httpx.Response:
    headers = {"Accept": "application/graphql-response+json"} if path == "/graphql" else {}
    if shown:
        headers["Authorization"] = f"Bearer {token(claims(**shown)).decode()}"
    return httpx.request(method, server.url + path, headers=headers, timeout=30, **content)


def query(server: Server, document: str, shown: dict[str, Any] | None) -> httpx.Response:
    return ask(server, "POST", "/graphql", shown, json={"query": document})


def courses_with(*students: str) -> list[dict[str, Any]]:
    """The catalogue, with those of its students that are among these."""
    takers = {
        "Logic": ("Ada Nightingale", "Bob Quokka", "Cyd Wombat"),
        "Music": ("Ada Nightingale", "Bob Quokka"),
        "Nursing": ("Bob Quokka",),
        "Opera": (),
    }
    return [
        {
            "title": title,
            "seatsTaken": len(names),
            "students": {"nodes": [{"name": name} for name in names if name in students]},
        }
        for title, names in takers.items()
    ]


NAMES = ("Ada Nightingale", "Bob Quokka", "Cyd Wombat", "Dan Zander")


@pytest.mark.parametrize(
    ("shown", "names"), [(None, ()), (ADA_SHOWS, NAMES[:1]), (SAM_SHOWS, NAMES), (RAE_SHOWS, NAMES)]
)
def test_a_token_decides_what_is_seen(school: Server, shown: dict[str, Any] | None, names: tuple[str, ...]) -> None:
    assert query(school, LISTS, shown).json()["data"] == {
        "students": {"totalCount": len(names), "nodes": [{"name": name} for name in names]},
        "courses": {"nodes": courses_with(*names)},
    }


@pytest.mark.parametrize("shown", [None, ADA_SHOWS, SAM_SHOWS])
def test_who_may_not_change_anything_gets_a_status_that_says_so(school: Server, shown: dict[str, Any] | None) -> None:
    status, code, challenge = (403, "FORBIDDEN", None) if shown else (401, "UNAUTHENTICATED", CHALLENGE)
    message = NO_CHANGES.format(shown["role"] if shown else "anonymous")
    by_mutation = query(school, CHANGE, shown)
    by_rest = ask(school, "POST", f"/students/{ADA}/courses", shown, json={"courseId": NURSING})
    for answer in (by_mutation, by_rest):
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, challenge)
    assert by_mutation.json() == {"errors": [{"message": message, "extensions": {"code": code}}]}
    assert (by_rest.json()["code"], by_rest.json()["detail"]) == (code, message)


def test_a_registrar_changes_things(school: Server) -> None:
    rename = f'mutation {{ updateCourse(input: {{id: "{id_of(school, "Opera")}", title: "Opera"}}) {{ __typename }} }}'
    assert query(school, rename, RAE_SHOWS).json() == {"data": {"updateCourse": {"__typename": "UpdateCourseSuccess"}}}


def id_of(school: Server, title: str) -> str:
    filtered = f'{{ courses(filter: {{title: {{eq: "{title}"}}}}) {{ nodes {{ id }} }} }}'
    id_: str = query(school, filtered, None).json()["data"]["courses"]["nodes"][0]["id"]
    return id_


def test_a_student_gets_her_own_courses_and_nobody_elses(school: Server) -> None:
    own = ask(school, "GET", f"/students/{ADA}/courses", ADA_SHOWS).json()
    assert [course["id"] for course in own["courses"]] == [LOGIC, MUSIC]
    absent = ask(school, "GET", "/students/7/courses", ADA_SHOWS)
    for path in (f"/students/{BOB}/courses", f"/students/{BOB}/courses/{LOGIC}"):
        answer = ask(school, "GET", path, ADA_SHOWS)
        assert (answer.status_code, answer.json()) == (404, absent.json())
        assert ask(school, "GET", path, SAM_SHOWS).status_code == 200


async def test_strangers_listen_to_nothing(school: Server) -> None:
    async with websocket(school.port) as client:
        await client.initialise()
        assert (await refused(client))["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_mutation_is_refused_on_a_websocket_too(school: Server) -> None:
    async with websocket(school.port) as client:
        await client.send(type="connection_init", payload={"token": token(claims(**SAM_SHOWS)).decode()})
        assert await client.receive() == {"type": "connection_ack"}
        assert await refused(client, CHANGE) == {
            "message": NO_CHANGES.format("staff"),
            "extensions": {"code": "FORBIDDEN"},
        }


async def refused(client: WebSocketClient, document: str = ASSIGNMENTS) -> dict[str, Any]:
    await client.subscribe(document)
    message = await client.receive()
    assert (message["type"], message["id"]) == ("error", "1")
    [error] = message["payload"]
    return dict(error)
