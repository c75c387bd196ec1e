from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def test_lower_knows_unicode(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT lower('ÄÖ')")) == "äö"
