"""What a plan cannot express, and therefore goes to graphql-core's own executor."""

from __future__ import annotations

from enum import StrEnum


class Fallback(StrEnum):
    """Why an operation was handed to graphql-core, before its first resolver ran."""

    ABORT_SIGNAL = "abort_signal"
    """An abort signal cancels resolvers one by one."""
    FRAGMENT_VARIABLES = "fragment_variables"
    """A fragment that declares variables has arguments of its own at every spread."""
    HOOKS = "hooks"
    """Execution hooks follow every piece of asynchronous work."""
    INCREMENTAL_DELIVERY = "incremental_delivery"
    """``@defer`` and ``@stream`` answer in several payloads."""
    MIDDLEWARE = "middleware"
    """A middleware wraps the resolver of every single object."""
    NOT_EXECUTABLE = "not_executable"
    """There is no root type, or collecting the root fields fails: graphql-core words the error."""
