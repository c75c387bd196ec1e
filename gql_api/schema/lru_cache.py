"""A cache that is bounded in entries and in bytes; what was used least recently leaves first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Values by key, until newer ones need their place. Not thread-safe: it belongs to one event loop.

    Args:
        entries_max: how many values are held at most; 0 holds none.
        bytes_max: how many bytes they may take together, as stated by whoever puts them in.
    """

    def __init__(self, *, entries_max: int, bytes_max: int) -> None:
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value under this key, which thereby becomes the most recently used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, *, size_bytes: int) -> None:
        """Keep a value that takes `size_bytes`, key included; one that is larger than the whole cache is not kept."""
        previous = self._entries.pop(key, None)
        if previous is not None:
            self._bytes -= previous[1]
        if size_bytes > self._bytes_max:
            return
        self._entries[key] = (value, size_bytes)
        self._bytes += size_bytes
        while len(self._entries) > self._entries_max or self._bytes > self._bytes_max:
            _, (_, freed_bytes) = self._entries.popitem(last=False)
            self._bytes -= freed_bytes

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """How many bytes the values take together."""
        return self._bytes
