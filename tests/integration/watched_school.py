"""A school whose every value tells whose it is, and what of it each kind of caller may see."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.statements import Entity
from gql_api.identity import ANONYMOUS, RIGHTS, UNIDENTIFIED, Principal, RightsTable, Role, with_open_catalogue
from gql_api.models import AssignmentEvent
from gql_api.schema.global_id import encode_id
from tests.database.school import Row, School

ADA, BOB, CYD, DAN, NOBODY = 1_000_003, 1_000_033, 1_000_333, 1_000_444, 1_999_999
LOGIC, MUSIC, NURSING, OPERA, NO_COURSE = 2_000_003, 2_000_033, 2_000_333, 2_000_444, 2_999_999

_NAMES: Final = {ADA: "Ada Nightingale", BOB: "Bob Quokka", CYD: "Cyd Wombat", DAN: "Dan Zander"}
_TITLES: Final = {LOGIC: "Logic", MUSIC: "Music", NURSING: "Nursing", OPERA: "Opera"}
_PAIRS: Final = ((ADA, LOGIC), (BOB, LOGIC), (CYD, LOGIC), (BOB, MUSIC), (ADA, MUSIC), (BOB, NURSING))
_EVENTS: Final = (*_PAIRS, (CYD, NURSING), (ADA, NURSING))


def _moment(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number, hours=number, microseconds=number * 7919)


@dataclass(frozen=True)
class WatchedSchool(School):
    """A school with its events."""

    events: tuple[Row, ...] = ()

    async def store(self, engine: AsyncEngine) -> None:
        """Make an empty database hold this."""
        await super().store(engine)
        if self.events:
            async with engine.begin() as connection:
                await connection.execute(insert(AssignmentEvent), [dict(event) for event in self.events])

    def seen_by(self, student_id: int) -> "WatchedSchool":
        """What there would be if nobody else were a student."""
        return replace(
            self,
            students=tuple(row for row in self.students if row["id"] == student_id),
            assignments=tuple(row for row in self.assignments if row["student_id"] == student_id),
            events=tuple(row for row in self.events if row["student_id"] == student_id),
        )

    def texts(self) -> set[str]:
        """What gives a student away, as it looks in an answer: keys, ids, names, addresses and points in time."""
        return set(self._texts())

    def _texts(self) -> Iterator[str]:
        for row in self.students:
            yield from (str(row["id"]), encode_id(Entity.STUDENT, row["id"]), shown(row["created_at"]))
            yield from (row["name"], row["email"], row["sourced_id"])
        yield from (shown(row["assigned_at"]) for row in self.assignments)
        yield from (shown(row["occurred_at"]) for row in self.events)


def shown(value: Any) -> Any:
    """A value as JSON holds it."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _events() -> Iterator[Row]:
    for position, (student_id, course_id) in enumerate(_EVENTS, 11):
        yield {
            "id": position,
            "position": position,
            "kind": "ASSIGNED" if (student_id, course_id) in _PAIRS else "UNASSIGNED",
            "student_id": student_id,
            "course_id": course_id,
            "assigned_at": _moment(100 + position),
            "occurred_at": _moment(200 + position),
            "student_name": _NAMES[student_id],
            "student_created_at": _moment(student_id % 1000),
            "course_code": f"CODE-{course_id}",
            "course_title": _TITLES[course_id],
            "course_created_at": _moment(1000 + course_id % 1000),
        }


EVERYTHING: Final = WatchedSchool(
    students=tuple(
        {
            "id": key,
            "name": name,
            "email": f"{name.split()[1].lower()}@example.org",
            "sourced_id": f"person-{name.split()[1]}",
            "created_at": _moment(key % 1000),
        }
        for key, name in _NAMES.items()
    ),
    courses=tuple(
        {
            "id": key,
            "code": f"CODE-{key}",
            "title": title,
            "credits": key % 100,
            "capacity": key % 1000,
            "sourced_id": f"class-{title}",
            "created_at": _moment(1000 + key % 1000),
        }
        for key, title in _TITLES.items()
    ),
    assignments=tuple(
        {"student_id": event["student_id"], "course_id": event["course_id"], "assigned_at": event["assigned_at"]}
        for event in _events()
        if event["kind"] == "ASSIGNED"
    ),
    events=tuple(_events()),
)
CATALOGUE: Final = WatchedSchool((), EVERYTHING.courses, ())
NOTHING: Final = WatchedSchool((), (), ())


class Case(NamedTuple):
    """Somebody who asks, and the school that is there for them."""

    principal: Principal
    seen: WatchedSchool
    table: RightsTable = RIGHTS

    @property
    def changes(self) -> bool:
        """Whether they may change anything."""
        return self.principal.role is Role.REGISTRAR

    @property
    def hidden(self) -> set[str]:
        """What must not be found in any answer to them."""
        return EVERYTHING.texts() - self.seen.texts()


CASES: Final[Mapping[str, Case]] = {
    "anonymous": Case(ANONYMOUS, NOTHING),
    "anonymous before an open catalogue": Case(ANONYMOUS, CATALOGUE, with_open_catalogue()),
    "student": Case(Principal(Role.STUDENT, "ada", ADA), EVERYTHING.seen_by(ADA)),
    "student without assignments": Case(Principal(Role.STUDENT, "dan", DAN), EVERYTHING.seen_by(DAN)),
    "student whose record is gone": Case(Principal(Role.STUDENT, "nobody", NOBODY), CATALOGUE),
    "student who has no record": Case(Principal(Role.STUDENT, "new"), CATALOGUE),
    "staff": Case(Principal(Role.STAFF, "sam"), EVERYTHING),
    "registrar": Case(Principal(Role.REGISTRAR, "rae"), EVERYTHING),
    "identity switched off": Case(UNIDENTIFIED, EVERYTHING),
}
