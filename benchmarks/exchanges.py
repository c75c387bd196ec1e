"""Requests with their right answers: asked once and compared, before anything is measured."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson

from benchmarks.contenders import Contender, Server
from benchmarks.load import Exchange, WrongAnswer, ask
from benchmarks.population import Population
from benchmarks.workloads import Subject, Workload, right_answer, variables

STUDENTS_ASKED_FOR: Final = 200
"""Different students in W3, drawn once."""

SEED: Final = 11


@dataclass(slots=True)
class Exchanges:
    """The exchanges of one workload with one server.

    Attributes:
        assigned: the pairs that W4 has sent, to be taken back.
    """

    server: Server
    workload: Workload
    fixed: list[Exchange]
    assigned: list[tuple[int, int]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Exchange]:
        """Without end."""
        if self.workload is Workload.ASSIGN:
            return self._assignments()
        chance = random.Random(SEED)  # noqa: S311 - not a secret
        return iter(lambda: chance.choice(self.fixed), None)

    async def clean_up(self) -> None:
        """Take back what was assigned."""
        await self.server.database.remove(self.assigned)
        self.assigned.clear()

    def _assignments(self) -> Iterator[Exchange]:
        population = self.server.database.population
        chance = random.Random()  # noqa: S311 - not a secret
        sent: set[tuple[int, int]] = set()
        while True:
            pair = chance.randint(1, population.students), chance.randint(1, population.courses)
            if pair in sent or pair[1] in population.courses_of(pair[0]):
                continue
            sent.add(pair)
            self.assigned.append(pair)
            subject = Subject(*pair)
            request = self.server.request(Workload.ASSIGN, variables(Workload.ASSIGN, subject))
            yield Exchange(request, self._body(subject))

    def _body(self, subject: Subject) -> bytes:
        """The right body, in the form in which this server wrote it for the first pair."""
        first = _unassigned(self.server.database.population)
        known, wanted = variables(Workload.ASSIGN, first), variables(Workload.ASSIGN, subject)
        body = self.fixed[0].right_body
        for name in ("s", "c"):
            body = body.replace(str(known[name]).encode(), str(wanted[name]).encode())
        return body


async def verified_exchanges(server: Server, workload: Workload, *, page: Subject | None = None) -> Exchanges:
    """Ask the server everything that it will be asked again (of W4 one pair), and compare with what is right.

    Args:
        server: whom.
        workload: what.
        page: where the page begins, if not at the beginning.

    Raises:
        WrongAnswer: an answer means something else than the right one.
    """
    population = server.database.population
    if workload is Workload.STUDENT:
        ids = random.Random(SEED).sample(range(1, population.students + 1), STUDENTS_ASKED_FOR)  # noqa: S311
        subjects = [Subject(student_id=id_) for id_ in ids]
    elif workload is Workload.ASSIGN:
        subjects = [_unassigned(population)]
    else:
        subjects = [page or Subject()]
    exchanges = Exchanges(server, workload, [])
    for subject in subjects:
        request = server.request(workload, variables(workload, subject))
        if workload is Workload.ASSIGN:
            exchanges.assigned.append((subject.student_id, subject.course_id))
        body = await ask(server.port, request)
        # Strawberry writes times in UTC as +00:00: the same time.
        if orjson.loads(body.replace(b'+00:00"', b'Z"')) != {"data": right_answer(workload, population, subject)}:
            raise WrongAnswer(f"{server.contender}, {workload}: {body[:2000].decode(errors='replace')}")
        exchanges.fixed.append(Exchange(request, body))
    await exchanges.clean_up()
    return exchanges


def _unassigned(population: Population) -> Subject:
    """A pair to begin with."""
    taken = population.courses_of(1)
    return Subject(1, next(id_ for id_ in range(1, population.courses + 1) if id_ not in taken))


def require_equal_bytes(of_each: dict[Contender, Exchanges]) -> None:
    """Check that the hand-written endpoint does the same work as the server under test, to the last byte.

    Raises:
        WrongAnswer: it does not.
    """
    ours, by_hand = of_each[Contender.GQL_API], of_each[Contender.HAND_WRITTEN]
    for mine, theirs in itertools.zip_longest(ours.fixed, by_hand.fixed):
        if mine.right_body != theirs.right_body:
            raise WrongAnswer(f"{ours.workload}: {mine.right_body[:1000]!r} is not {theirs.right_body[:1000]!r}")
