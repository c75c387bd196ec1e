from collections.abc import AsyncIterator

import pytest

from tests.schema.api import Api


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """The API over this test's database."""
    async with Api(database_url) as api:
        yield api
