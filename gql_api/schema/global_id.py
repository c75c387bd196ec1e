"""Opaque global ids: what every `id` of the API is made of (GraphQL Global Object Identification).

An id is three letters for the kind and the row's key with leading zeros, in URL-safe base64: a multiple of three bytes,
so that each group of three digits is always the same four characters. Ids are then put together from a table, which is
three times as fast as encoding them one by one, and those used last are kept; a page of 500 rows shows it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final, NamedTuple

from gql_api.database.statements import Entity
from gql_api.errors import BadUserInput

KEY_MAX = 2**63 - 1
"""The largest key of a table."""

ID_LENGTH_MAX = 32
"""Characters; an id of the largest key has 32."""

KEPT_MAX: Final = 20_000
"""Ids that are kept of each kind: 2 MB."""

NAMES: Final = {Entity.STUDENT: "Student", Entity.COURSE: "Course"}

_LETTERS: Final = {Entity.STUDENT: b"stu", Entity.COURSE: b"crs"}
_EVENT_LETTERS: Final = b"evt"
_PREFIXES: Final = {entity: urlsafe_b64encode(letters).decode() for entity, letters in _LETTERS.items()}
_EVENT_PREFIX: Final = urlsafe_b64encode(_EVENT_LETTERS).decode()
_ENTITIES: Final = {prefix: entity for entity, prefix in _PREFIXES.items()}
_GROUP: Final = 1000
_GROUPS: Final = [urlsafe_b64encode(b"%03d" % number).decode() for number in range(_GROUP)]
_GROUP_CHARACTERS: Final = 4
_NUMBERS: Final = {group: number for number, group in enumerate(_GROUPS)}


class GlobalId(NamedTuple):
    """What an id names: a row of a kind, which need not exist (any more)."""

    entity: Entity
    key: int


class _Ids(dict[int, str]):
    """Ids of one kind by key: what is asked for is made, and kept until there are KEPT_MAX."""

    def __init__(self, entity: Entity) -> None:
        super().__init__()
        self._entity = entity
        self._prefix = _PREFIXES[entity]

    def __missing__(self, key: int) -> str:
        if key >= _GROUP * _GROUP:
            return encode_id(self._entity, key)
        if len(self) >= KEPT_MAX:
            self.clear()
        groups = _GROUPS[key] if key < _GROUP else _GROUPS[key // _GROUP] + _GROUPS[key % _GROUP]
        id_ = self[key] = self._prefix + groups
        return id_


_IDS: Final = {entity: _Ids(entity) for entity in Entity}


def encode_ids(entity: Entity, keys: Iterable[int]) -> list[str]:
    """The ids of many rows of one kind."""
    return list(map(_IDS[entity].__getitem__, keys))


def encode_id(entity: Entity, key: int) -> str:
    """The id of one row."""
    digits = b"%d" % key
    return urlsafe_b64encode(_LETTERS[entity] + digits.rjust(-(-len(digits) // 3) * 3, b"0")).decode()


def decode_id(text: str, *, argument: str) -> GlobalId:
    """What an id names; `argument` is where it was passed, for the message.

    Raises:
        BadUserInput: the text is not an id of this API.
    """
    entity = _ENTITIES.get(text[:_GROUP_CHARACTERS])
    if entity is not None:
        key = _decode_number(text)
        if key is not None:
            return GlobalId(entity, key)
    raise BadUserInput(f"`{argument}` is not an id of this API; pass the `id` of a Student or Course unchanged.")


def _decode_number(text: str) -> int | None:
    """The number that follows the letters of an id, None if they are not followed by one."""
    if not _GROUP_CHARACTERS < len(text) <= ID_LENGTH_MAX:
        return None
    number = 0
    for start in range(_GROUP_CHARACTERS, len(text), _GROUP_CHARACTERS):
        group = _NUMBERS.get(text[start : start + _GROUP_CHARACTERS])
        # Each number is written in one way and no other: a group of zeros in front makes no id.
        if group is None or (group == 0 and number == 0):
            return None
        number = number * _GROUP + group
    return number if number <= KEY_MAX else None


def decode_key(text: str, entity: Entity, *, argument: str) -> int:
    """The key of the row of this kind that an id names.

    Raises:
        BadUserInput: the text is not an id of this API, or it is one of another kind.
    """
    named = decode_id(text, argument=argument)
    if named.entity is not entity:
        raise BadUserInput(f"`{argument}` is the id of a {NAMES[named.entity]}; the id of a {NAMES[entity]} is needed.")
    return named.key


def encode_event_id(position: int) -> str:
    """The id of an event. It names a place in the order of events, not a node."""
    digits = b"%d" % position
    return urlsafe_b64encode(_EVENT_LETTERS + digits.rjust(-(-len(digits) // 3) * 3, b"0")).decode()


def decode_event_id(text: str, *, argument: str) -> int:
    """The position of the event that an id names.

    Raises:
        BadUserInput: the text is not the id of an event.
    """
    if text.startswith(_EVENT_PREFIX):
        position = _decode_number(text)
        if position is not None:
            return position
    raise BadUserInput(f"`{argument}` is not the id of an event; pass the `id` of a CourseAssignmentEvent unchanged.")
