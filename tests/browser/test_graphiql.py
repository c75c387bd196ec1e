from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import expect

from tests.browser.graphiql_page import GraphiQLPage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


async def test_the_page_opens_with_a_nested_query_that_answers(graphiql: GraphiQLPage, roster: dict[str, Any]) -> None:
    await graphiql.run()
    await graphiql.wait_for_response("pageInfo")

    answer = json.loads(await graphiql.response())
    end_cursor = answer["data"]["students"]["pageInfo"].pop("endCursor")
    assert end_cursor
    assert answer == {
        "data": {
            "students": {
                "totalCount": 2,
                "nodes": [
                    {
                        "id": roster["Ada"],
                        "name": "Ada",
                        "courses": {
                            "totalCount": 2,
                            "edges": [
                                {"assignedAt": roster["LOGIC-1"], "node": {"code": "LOGIC-1", "title": "Logic"}},
                                {"assignedAt": roster["SETS-1"], "node": {"code": "SETS-1", "title": "Sets"}},
                            ],
                        },
                    },
                    {"id": roster["Bob"], "name": "Bob", "courses": {"totalCount": 0, "edges": []}},
                ],
                "pageInfo": {"hasNextPage": False},
            }
        }
    }


async def test_a_typed_query_is_run(graphiql: GraphiQLPage, roster: dict[str, Any]) -> None:
    query = f'{{ student(id: "{roster["Ada"]}") {{ name courses {{ nodes {{ title }} }} }} }}'

    await graphiql.type_query(query)
    typed = await graphiql.query()
    await expect(graphiql.page.get_by_role("tab")).to_have_text("<untitled>")  # GraphiQL has understood the new query
    await graphiql.page.keyboard.press("Control+Enter")
    await graphiql.wait_for_response("Logic")

    assert typed == query
    assert json.loads(await graphiql.response()) == {
        "data": {"student": {"name": "Ada", "courses": {"nodes": [{"title": "Logic"}, {"title": "Sets"}]}}}
    }


async def test_the_documentation_leads_to_the_courses_of_a_student(graphiql: GraphiQLPage) -> None:
    page = graphiql.page
    explorer = page.locator(".graphiql-doc-explorer")

    await page.get_by_role("button", name="Show Documentation Explorer").click()
    for name in ("Query", "student", "Student", "courses"):
        await explorer.get_by_role("link", name=name, exact=True).click()

    await expect(explorer.locator(".graphiql-doc-explorer-title")).to_have_text("courses")
    await expect(explorer).to_contain_text("StudentCourseConnection!")


async def test_an_unknown_field_is_underlined_while_it_is_typed(graphiql: GraphiQLPage) -> None:
    await graphiql.type_query("{ students { nodes { nonsense } } }")

    await expect(graphiql.page.locator(".graphiql-query-editor .squiggly-error").first).to_be_visible()


async def test_a_link_may_carry_an_operation(graphiql: GraphiQLPage, roster: dict[str, Any]) -> None:
    link = {"query": "query($id: ID!) { student(id: $id) { name } }", "variables": json.dumps({"id": roster["Bob"]})}

    await graphiql.open(f"/graphql?{urlencode(link)}")
    await graphiql.run()
    await graphiql.wait_for_response("Bob")

    assert json.loads(await graphiql.response()) == {"data": {"student": {"name": "Bob"}}}


async def test_nothing_foreign_gets_past_the_policy(blank_page: GraphiQLPage, server: str) -> None:
    await blank_page.open("/graphql")
    page = blank_page.page

    await page.evaluate(
        """() => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = true";
        document.head.append(script);
        const style = "<style>body { display: none }</style>";
        const image = "<img src='http://elsewhere.test/a.png' onerror='globalThis.ran = true'>";
        document.body.insertAdjacentHTML("beforeend", `${style}${image}<iframe src='http://elsewhere.test/'></iframe>`);
        for (const call of [() => fetch("http://elsewhere.test/"), () => new WebSocket("ws://elsewhere.test/")]) {
          try { call()?.catch?.(() => {}); } catch {}
        }
        }"""
    )
    await expect(page.locator("body")).to_be_visible()
    worker = page.workers[0] if page.workers else await page.wait_for_event("worker")
    worker_fetch = await worker.evaluate("url => fetch(url).then(() => 'fetched', () => 'refused')", server)

    refused = {complaint.split()[1] for complaint in blank_page.complaints if complaint.startswith("policy: ")}
    assert refused == {
        "script-src-elem",
        "script-src-attr",
        "style-src-elem",
        "img-src",
        "frame-src",
        "connect-src",
    }
    assert not await page.evaluate("globalThis.ran")
    assert worker_fetch == "refused"
