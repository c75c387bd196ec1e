"""Results as JSON, each written once however many subscribers are told it."""

from __future__ import annotations

from collections import OrderedDict

import orjson

from gql_api.schema.operation import OperationResult


class ResultWriter:
    """Writes results; remembers the last of them by identity.

    Args:
        entries_max: how many texts are kept.
    """

    def __init__(self, *, entries_max: int = 64) -> None:
        self._entries_max = entries_max
        # With the results, whose id() would be another object's if they were gone.
        self._written: OrderedDict[int, tuple[OperationResult, str]] = OrderedDict()

    def text(self, result: OperationResult) -> str:
        """The response as JSON."""
        found = self._written.get(id(result))
        if found is not None:
            return found[1]
        text = orjson.dumps(result.response(), option=orjson.OPT_UTC_Z).decode()
        self._written[id(result)] = result, text
        if len(self._written) > self._entries_max:
            self._written.popitem(last=False)
        return text
