"""Answers to events that many subscribers want in the same words: worked out once, told to all."""

from __future__ import annotations

from asyncio import Future, get_running_loop, shield
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple

from graphql import DocumentNode

from gql_api.schema.operation import OperationResult


class Question:
    """All that an answer depends on apart from the event: the document itself, the operation's name, variables, caller.

    Documents are told apart by identity: comparing two trees would take longer than answering.

    Raises:
        TypeError: one of the values cannot be compared by hash.
    """

    __slots__ = ("_document", "_hash", "_values")

    def __init__(self, document: DocumentNode, *values: Hashable) -> None:
        self._document = document
        self._values = values
        self._hash = hash((id(document), values))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self._document is other._document and self._values == other._values


class _Answer(NamedTuple):
    """An answer, once it is there, with its event, whose id() would be another object's if it were gone."""

    event: Any
    answer: Future[OperationResult | None]


class SharedAnswers:
    """The latest answers, by event and by what was asked; the oldest leave first.

    An answer with errors is nobody else's: it may name the request, or be due to chance.

    Args:
        entries_max: how many answers are kept.
    """

    def __init__(self, *, entries_max: int = 512) -> None:
        self._entries_max = entries_max
        self._answers: OrderedDict[tuple[Question, int], _Answer] = OrderedDict()

    async def get(
        self, question: Question, event: Any, work_out: Callable[[], Awaitable[OperationResult]]
    ) -> OperationResult:
        """The answer to this question about this event; whoever asks first works it out, the others wait for it.

        Args:
            question: what is asked.
            event: the event itself; another object that is equal to it is another event.
            work_out: gives the answer.
        """
        key = question, id(event)
        found = self._answers.get(key)
        if found is not None:
            shared = found.answer.result() if found.answer.done() else await shield(found.answer)
            return await work_out() if shared is None else shared
        entry = _Answer(event, get_running_loop().create_future())
        self._answers[key] = entry
        if len(self._answers) > self._entries_max:
            self._answers.popitem(last=False)
        result = None
        try:
            result = await work_out()
            return result
        finally:
            entry.answer.set_result(None if result is None or result.errors else result)
