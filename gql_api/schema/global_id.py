"""Opaque global ids: what every `id` of the API is made of (GraphQL Global Object Identification).

An id is three letters for the kind and the row's key with leading zeros, in URL-safe base64: a multiple of three bytes,
so that each group of three digits is always the same four characters. Ids are then put together from a table, which is
three times as fast as encoding them one by one, and those used last are kept; a page of 500 rows shows it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
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
_ENTITIES: Final = {letters: entity for entity, letters in _LETTERS.items()}
_PREFIXES: Final = {entity: urlsafe_b64encode(letters).decode() for entity, letters in _LETTERS.items()}
_GROUP: Final = 1000
_GROUPS: Final = [urlsafe_b64encode(b"%03d" % number).decode() for number in range(_GROUP)]


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
    if len(text) <= ID_LENGTH_MAX:
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
        except (UnicodeEncodeError, Base64Error):
            raw = b""
        entity, digits = _ENTITIES.get(raw[:3]), raw[3:]
        if entity is not None and digits.isdigit():
            key = int(digits)
            # Each row has one id and no other: longer spellings of it are no ids.
            if 0 < key <= KEY_MAX and encode_id(entity, key) == text:
                return GlobalId(entity, key)
    raise BadUserInput(f"`{argument}` is not an id of this API; pass the `id` of a Student or Course unchanged.")


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
    if len(text) <= ID_LENGTH_MAX:
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
        except (UnicodeEncodeError, Base64Error):
            raw = b""
        if raw[:3] == _EVENT_LETTERS and raw[3:].isdigit():
            position = int(raw[3:])
            if 0 < position <= KEY_MAX and encode_event_id(position) == text:
                return position
    raise BadUserInput(f"`{argument}` is not the id of an event; pass the `id` of a CourseAssignmentEvent unchanged.")
