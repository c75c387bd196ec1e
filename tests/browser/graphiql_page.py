"""GraphiQL as a person uses it, and the account of what it asked for and complained about meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, expect

# On the screen there are only the lines in sight; Monaco's model holds the whole text.
TEXT_OF = "name => globalThis.__MONACO.editor.getModels().find(({uri}) => uri.path.endsWith(name)).getValue()"


@dataclass(frozen=True)
class GraphiQLPage:
    page: Page
    origins: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    async def open(self, url: str) -> None:
        await self.page.goto(url)
        await expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()

    async def query(self) -> Any:
        return await self.page.evaluate(TEXT_OF, "operation.graphql")

    async def response(self) -> Any:
        return await self.page.evaluate(TEXT_OF, "response.json")

    async def type_query(self, query: str) -> None:
        await self.page.click(".graphiql-query-editor .view-lines")
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.press("Delete")
        await self.page.keyboard.type(query, delay=5)

    async def run(self) -> None:
        await self.page.get_by_role("button", name="Execute query").click()

    async def wait_for_response(self, text: str) -> None:
        await expect(self.page.locator(".graphiql-response .view-lines")).to_contain_text(text)
