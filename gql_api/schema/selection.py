"""What a query selects below a field, so that only that is read from the database."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar
from weakref import ref

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode

Names: TypeAlias = frozenset[str]
Path: TypeAlias = tuple[str, ...]
_Key: TypeAlias = tuple[int, ...]
_Entry: TypeAlias = tuple["Selection", tuple[ref[FieldNode], ...]]

ValueT = TypeVar("ValueT")

DEPTH_MAX = 3
"""Levels below a connection that decide what is read: `edges { node { name } }`."""


DERIVED_MAX = 16
"""What is kept of that which follows from a selection; beyond that it is worked out anew."""


class Selection:
    """What is selected below a field.

    Attributes:
        derived: what others have concluded from it, and from nothing else that differs between operations but the key.
    """

    __slots__ = ("_names", "derived")

    def __init__(self, names: Mapping[Path, Names]) -> None:
        self._names = names
        self.derived: dict[Hashable, Any] = {}

    def names(self, path: Path = ()) -> Names:
        """The names of the fields selected at the end of a path of fields; `()` for the field's own."""
        return self._names.get(path, _NOTHING)

    def keep(self, key: Hashable, value: ValueT) -> ValueT:
        """Keep something that was derived, while there is not too much of it."""
        if len(self.derived) < DERIVED_MAX:
            self.derived[key] = value
        return value


_NOTHING: Names = frozenset()


class SelectionCache:
    """Selections by field, each for as long as its document is kept by others: this cache keeps none alive."""

    def __init__(self) -> None:
        self._entries: dict[_Key, _Entry] = {}

    def below(self, info: strawberry.Info[Any, Any]) -> Selection:
        """What is selected below a field.

        Fragments are followed whatever their type; @skip and @include are taken as "selected", since reading a column
        too many does no harm.
        """
        raw = info._raw_info  # noqa: SLF001 - Strawberry offers a converted copy only, which is made anew for each call
        nodes = raw.field_nodes
        key = (id(nodes[0]),) if len(nodes) == 1 else tuple(map(id, nodes))
        entry = self._entries.get(key)
        if entry is None:
            # An id() is another object's as soon as its own is gone, and then the entry has to be gone too.
            forget = partial(_forget, self._entries, key)
            entry = self._entries[key] = (
                Selection(_collect(raw)),
                tuple(ref(node, forget) for node in nodes),
            )
        return entry[0]

    def __len__(self) -> int:
        return len(self._entries)


def _forget(entries: dict[_Key, _Entry], key: _Key, _node: ref[FieldNode]) -> None:
    entries.pop(key, None)


def _collect(info: GraphQLResolveInfo[Any]) -> dict[Path, Names]:
    names: dict[Path, set[str]] = {}
    seen: set[tuple[Path, str]] = set()

    def visit(selection_sets: Iterable[SelectionSetNode | None], path: Path) -> None:
        for selection_set in selection_sets:
            for selection in selection_set.selections if selection_set else ():
                if isinstance(selection, FieldNode):
                    name = selection.name.value
                    names.setdefault(path, set()).add(name)
                    if len(path) + 1 < DEPTH_MAX:
                        visit([selection.selection_set], (*path, name))
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if (path, name) not in seen:
                        seen.add((path, name))
                        fragment: FragmentDefinitionNode = info.fragments[name]
                        visit([fragment.selection_set], path)
                else:
                    visit([selection.selection_set], path)  # type: ignore[attr-defined]  # an inline fragment

    visit([node.selection_set for node in info.field_nodes], ())
    return {path: frozenset(found) for path, found in names.items()}
