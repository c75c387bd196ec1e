"""What the kernel knows: processor time, memory, cores. Linux only, since it is read from /proc."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")

DISTURBED_CORES: Final = 0.25
"""Cores in use by other programs from which on a measurement counts as disturbed."""

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where; all three are the same set on a machine with a single core.

    Attributes:
        server: the server that is measured has this core for itself.
        client: the load generator's.
        database: PostgreSQL's, if it is ours: the cores that are left, or the client's where none is.
    """

    server: frozenset[int]
    client: frozenset[int]
    database: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """Divide the cores that this process may use."""
        first, *others = sorted(os.sched_getaffinity(0))
        server = frozenset({first})
        if not others:
            return cls(server, server, server)
        return cls(server, frozenset({others[0]}), frozenset(others[1:] or others))

    def describe(self, *, database_is_ours: bool) -> str:
        """Say who runs where; a PostgreSQL that ran already stays where it is."""

        def named(cores: frozenset[int]) -> str:
            return ("core " if len(cores) == 1 else "cores ") + ", ".join(map(str, sorted(cores)))

        database = f"on {named(self.database)}" if database_is_ours else "where it ran already"
        return f"server on {named(self.server)}, client on {named(self.client)}, PostgreSQL {database}"


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Run this process on these cores for a while; what it starts meanwhile stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def process_tree(pid: int) -> Iterator[int]:
    """The process and its living descendants."""
    yield pid
    for children in _PROC.glob(f"{pid}/task/*/children"):
        try:
            ids = children.read_text().split()
        except OSError:
            continue  # the thread has ended
        for child in ids:
            yield from process_tree(int(child))


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, its living descendants, and those of its children that have ended."""
    ticks = 0
    for member in process_tree(pid):
        try:
            fields = (_PROC / str(member) / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return ticks / TICKS_PER_SECOND


def busy_seconds() -> float:
    """Processor time of everything on this machine, all cores together; what a hypervisor took is in it."""
    user, nice, system, _idle, _iowait, *others = map(int, (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(others)) / TICKS_PER_SECOND


def memory_peak_mebibytes(pid: int) -> float:
    """The largest resident set since the last `forget_memory_peak`, all processes of the tree together."""
    kibibytes = 0
    for member in process_tree(pid):
        found = re.search(r"^VmHWM:\s+(\d+) kB", (_PROC / str(member) / "status").read_text(), re.MULTILINE)
        kibibytes += int(found[1]) if found else 0
    return kibibytes / 1024


def forget_memory_peak(pid: int) -> None:
    """Let the peak begin anew with what is resident now."""
    for member in process_tree(pid):
        (_PROC / str(member) / "clear_refs").write_text("5")


@contextmanager
def use_by_others(known: tuple[int, ...]) -> Iterator[list[float]]:
    """Put into the list, at the end, how many cores were used by programs other than this and those `known`."""

    def others() -> float:
        return busy_seconds() - time.process_time() - sum(map(cpu_seconds, known))

    cores: list[float] = []
    begun, before = time.monotonic(), others()
    yield cores
    cores.append(max(0.0, others() - before) / (time.monotonic() - begun))


def describe() -> str:
    """The processor and the kernel, in words."""
    found = re.search(r"^model name\s*: (.*)$", (_PROC / "cpuinfo").read_text(), re.MULTILINE)
    return f"{os.cpu_count()} cores of {found[1] if found else os.uname().machine}, Linux {os.uname().release}"
