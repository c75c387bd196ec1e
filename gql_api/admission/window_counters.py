"""What each key has spent, in memory, and bounded: the storage of `limits` for its sliding window counter.

The storage that the library brings along keeps every key for two windows, and looks through all of them over and over:
whoever comes under many keys makes it grow and spends our time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn

from limits.storage import SlidingWindowCounterSupport, Storage


class _Counts:
    """What was spent in a window, and in the one before it."""

    __slots__ = ("current", "previous", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.previous = 0
        self.current = 0


class WindowCounters(Storage, SlidingWindowCounterSupport):
    """The counters of at most `keys_max` keys; those that were asked for longest ago are forgotten first.

    Args:
        keys_max: how many are kept; each takes some 300 bytes.
        clock: gives seconds.
    """

    STORAGE_SCHEME = None

    def __init__(self, *, keys_max: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._keys_max = keys_max
        self._clock = clock
        self._counts: OrderedDict[str, _Counts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Spend `amount` if there is as much left; False, and nothing spent, if there is not."""
        counts, passed = self._find(key, expiry)
        if int(counts.previous * (1 - passed)) + counts.current + amount > limit:
            return False
        counts.current += amount
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """What was spent in the previous window and for how many seconds it counts yet, likewise in the current one."""
        counts, passed = self._find(key, expiry)
        return counts.previous, (1 - passed) * expiry, counts.current, (2 - passed) * expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002 - as the library wants it
        """Forget what a key has spent."""
        self._counts.pop(key, None)

    def _find(self, key: str, expiry: int) -> tuple[_Counts, float]:
        """The counters of a key as of now, and how much of the current window has passed, from 0 to 1."""
        now = self._clock() / expiry
        window = int(now)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = _Counts(window)
            if len(self._counts) > self._keys_max:
                self._counts.popitem(last=False)
        else:
            self._counts.move_to_end(key)
            if counts.window != window:
                counts.previous = counts.current if counts.window == window - 1 else 0
                counts.current = 0
                counts.window = window
        return counts, now - window

    @property
    def base_exceptions(self) -> type[Exception]:
        """Memory does not fail."""
        return NotImplementedError

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything, and say how many keys that were."""
        known = len(self._counts)
        self._counts.clear()
        return known

    def clear(self, key: str) -> None:
        """Forget what a key has spent."""
        self._counts.pop(key, None)

    def incr(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: fixed windows are not kept here."""
        raise NotImplementedError

    def get(self, key: str) -> NoReturn:
        """Refuse: fixed windows are not kept here."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> NoReturn:
        """Refuse: fixed windows are not kept here."""
        raise NotImplementedError
