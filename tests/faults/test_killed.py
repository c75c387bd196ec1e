"""The server killed at random moments as it writes: what was acknowledged is there, once, and no course is overfull."""

import random
import time
from collections import Counter
from pathlib import Path

from tests.faults.killed_server import KilledServers
from tests.faults.load import Load, Roll
from tests.integration.stored import connected, everything
from tests.server import command, wait_for

ROUNDS = 20
ACKNOWLEDGED_MAX = 15
SECONDS_MAX = 0.05
CAPACITIES = [40, 150, None]


def test_what_was_acknowledged_survives_being_killed_at_any_moment(database_url: str, tmp_path: Path) -> None:
    random_ = random.Random(20)  # noqa: S311 - not a secret
    servers = KilledServers(database_url, tmp_path)
    with servers.one():
        load = Load(Roll.made(servers, students=200, capacities=CAPACITIES))
    for _ in range(ROUNDS):
        enough = len(load.acknowledged) + random_.randrange(1, ACKNOWLEDGED_MAX)
        with servers.one() as server, load.on(servers.url):
            wait_for(lambda: len(load.acknowledged) >= enough or None, timeout_seconds=20)  # noqa: B023
            time.sleep(random_.uniform(0, SECONDS_MAX))
            server.kill()
            server.join()
        with connected(database_url) as database:
            stored = [(student, course) for student, course, *_ in everything(database)["student_courses"]]
        assert set(load.acknowledged) <= set(stored)
        assert len(stored) == len(set(stored))
    outcomes = load.outcomes
    assert outcomes.keys() <= {"done", "full", "read", "cut off"}, outcomes
    seats = Counter(course for _, course in stored)
    assert all(
        seats[course] <= (capacity or len(stored)) for course, capacity in zip(sorted(seats), CAPACITIES, strict=True)
    )
    verified = command("verify", database_url=database_url)
    assert verified.exit_code == 0, verified.stdout
    assert "Traceback" not in servers.log, servers.log
