"""A client that leaves before it is answered: what was begun for it is given up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gql_api.http.scope_state import ON_DEPARTURE

if TYPE_CHECKING:
    from starlette.types import Scope


class cancelled_on_departure:  # noqa: N801 - used as a function is
    """Cancels the task that has entered it when the connection of its request is lost, and ends the block quietly.

    Nobody watches the connection meanwhile: the server calls. `BoundedHttpProtocol` does; with another server below
    nothing happens, and an operation whose client has left goes on until its end or its deadline.
    """

    __slots__ = ("_has_left", "_task")

    def __init__(self, scope: Scope) -> None:
        self._has_left = False
        state = scope.get("state")
        if state is not None:
            state[ON_DEPARTURE] = self._leave

    def __enter__(self) -> None:
        self._task: asyncio.Task[object] | None = asyncio.current_task()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._task = None
        return self._has_left and kind is asyncio.CancelledError

    def _leave(self) -> None:
        if self._task is not None:
            self._has_left = True
            self._task.cancel()
