"""A place in a use case at which it stops until the test lets it go on."""

import asyncio
import threading


class StopInTheLoop:
    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._may_go_on = asyncio.Event()

    async def here(self) -> None:
        self._reached.set()
        await self._may_go_on.wait()

    async def reached(self) -> None:
        await self._reached.wait()

    def go_on(self) -> None:
        self._may_go_on.set()


class StopInAThread:
    """Nothing can be awaited there: the thread itself stops."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reached = asyncio.Event()
        self._may_go_on = threading.Event()

    async def here(self) -> None:
        self._loop.call_soon_threadsafe(self._reached.set)
        assert self._may_go_on.wait(10)

    async def reached(self) -> None:
        await self._reached.wait()

    def go_on(self) -> None:
        self._may_go_on.set()


STOPS: dict[str, type[StopInTheLoop | StopInAThread]] = {"postgresql": StopInTheLoop, "sqlite": StopInAThread}
"""By the dialect, on which depends where use cases run."""
