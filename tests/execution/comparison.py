"""Comparing results of two executors where only the order and the choice of errors may differ."""

import gc
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def position_nulled(data: Any, path: list[str | int]) -> tuple[str | int, ...]:
    """Return the position that is null because of an error at a path."""
    for depth, key in enumerate(path):
        if data is None:
            return tuple(path[:depth])
        data = data[key]
    return tuple(path)


def positions_nulled(result: Any) -> set[tuple[str | int, ...]]:
    return {position_nulled(result.data, error.path or []) for error in result.errors or []}


def located(errors: Any) -> set[str]:
    """Return errors with their messages, locations and paths, whatever their order."""
    return {json.dumps(error.formatted) for error in errors or []}


def errors_in_place(result: Any) -> set[str]:
    """Return the errors that null nothing but the position where they happened."""
    return located(
        error
        for error in result.errors or []
        if position_nulled(result.data, error.path or []) == tuple(error.path or [])
    )


@contextmanager
def objects_dropped() -> Iterator[list[str]]:
    """Collect the names of coroutines that are dropped inside without having been awaited."""
    names: list[str] = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: names.append(repr(unraisable.object))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()  # what the executor to compare with has left behind
        names.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield names
            gc.collect()
    finally:
        sys.unraisablehook = hook
