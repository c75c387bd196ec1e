import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.services.unit_of_work import UnitsOfWork


@pytest.fixture
def units_of_work(engine: AsyncEngine) -> UnitsOfWork:
    return UnitsOfWork(engine)
