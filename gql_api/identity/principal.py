"""On whose behalf something is done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is to the school; `rights.py` says what that allows."""

    ANONYMOUS = "anonymous"
    STUDENT = "student"
    STAFF = "staff"
    REGISTRAR = "registrar"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, as a token or its absence tells; equal principals see the same.

    Attributes:
        role: what decides on rights.
        subject: the token's `sub`, by which the audit knows them; None for who showed no token.
        student_id: the key of the student whom they are; None for who is none.
        expires_at: when the token ends, in seconds since 1970; None for who showed none.
    """

    role: Role
    subject: str | None = None
    student_id: int | None = None
    expires_at: float | None = None


ANONYMOUS: Final = Principal(Role.ANONYMOUS)
"""Who shows no token where tokens are asked for."""

UNIDENTIFIED: Final = Principal(Role.REGISTRAR)
"""Everybody, where identity is switched off."""
