import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from gql_api.errors import OperatorError
from gql_api.rosters.people import STOCKS, plain
from gql_api.rosters.synthetic import (
    ASSIGNMENT_SECONDS,
    FIRST_DAY,
    NUMBER_SPREAD,
    Population,
)

POPULATION = Population(students=20_000, courses=400, per_student=4, seed=7)


def test_the_same_numbers_give_the_same_people() -> None:
    same = Population(students=20_000, courses=400, per_student=4, seed=7)
    assert list(same.invent_students()) == list(POPULATION.invent_students())
    assert list(same.invent_courses()) == list(POPULATION.invent_courses())
    assert list(same.invent_assignments()) == list(POPULATION.invent_assignments())


def test_they_are_the_same_as_ever() -> None:
    """Not only from one run to the next: what was seeded a year ago can be made again."""
    population = Population(students=3, courses=3, per_student=2, seed=1)
    assert [(student.name, student.email) for student in population.invent_students()] == [
        ("Aisha Bakri", "aisha.bakri.1@example.org"),
        ("Aanya Singh", "aanya.singh.2@example.org"),
        ("João Ferreira", "joao.ferreira.3@example.org"),
    ]
    assert [(course.code, course.title, course.credits) for course in population.invent_courses()] == [
        ("MATH-101", "Introduction to Linear Algebra", 3),
        ("CS-101", "Operating Systems", 10),
        ("PHYS-101", "Advanced Quantum Physics", 2),
    ]
    pairs = [(assignment.student_id, assignment.course_id) for assignment in population.invent_assignments()]
    assert pairs == [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3)]
    first = next(population.invent_assignments())
    assert first.assigned_at == datetime(2025, 7, 16, 7, 27, 8, tzinfo=UTC)


def test_another_seed_gives_other_people() -> None:
    other = Population(students=20_000, courses=400, per_student=4, seed=8)
    assert [student.name for student in other.invent_students()] != [s.name for s in POPULATION.invent_students()]
    assert list(other.invent_assignments()) != list(POPULATION.invent_assignments())


def test_addresses_codes_and_pairs_are_unique_and_ids_are_in_order() -> None:
    students, courses = list(POPULATION.invent_students()), list(POPULATION.invent_courses())
    pairs = [(a.student_id, a.course_id) for a in POPULATION.invent_assignments()]
    assert [student.id for student in students] == list(range(1, 20_001))
    assert [course.id for course in courses] == list(range(1, 401))
    assert len({student.email for student in students}) == 20_000
    assert len({course.code for course in courses}) == 400
    assert pairs == sorted(set(pairs))


def test_everything_invented_can_be_stored() -> None:
    assert all(
        re.fullmatch(r"[a-z-]+\.[a-z-]+\.\d+@example\.org", student.email) and len(student.email) < 254
        for student in POPULATION.invent_students()
    )
    assert {type(course.credits) for course in POPULATION.invent_courses()} == {int}
    assert all(plain(name) for stock in STOCKS for name in (*stock.given, *stock.family))


def test_a_few_courses_are_huge_and_most_students_have_few() -> None:
    seats = Counter(a.course_id for a in POPULATION.invent_assignments())
    numbers = Counter(Counter(a.student_id for a in POPULATION.invent_assignments()).values())
    largest = [seats for _, seats in seats.most_common()]
    assert sum(largest[:40]) > seats.total() / 2  # a tenth of the courses have half of the seats
    assert largest[len(largest) // 2] < seats.total() / 400 / 2
    assert numbers.total() == 20_000
    assert sum(number <= 4 for number in numbers.elements()) > 12_000
    assert max(numbers) <= NUMBER_SPREAD * 4
    assert 3.8 < seats.total() / 20_000 < 4.0


def test_assignments_are_spread_over_two_years_and_records_are_older() -> None:
    days = Counter((a.assigned_at - FIRST_DAY) // timedelta(days=73) for a in POPULATION.invent_assignments())
    assert sorted(days) == list(range(ASSIGNMENT_SECONDS // 86_400 // 73))
    assert min(days.values()) > 0.9 * days.total() / len(days)
    created = [student.created_at for student in POPULATION.invent_students()]
    assert created == sorted(created)
    assert created[-1] < FIRST_DAY
    assert max(course.created_at for course in POPULATION.invent_courses()) < FIRST_DAY


def test_some_courses_are_exactly_full_and_most_never_fill_up() -> None:
    seats = Counter(a.course_id for a in POPULATION.invent_assignments())
    capacities = dict(POPULATION.capacities(seats))
    assert len(capacities) == 100
    full = {course_id for course_id, capacity in capacities.items() if capacity == seats[course_id]}
    assert len(full) == 50
    assert all(capacity > seats[course_id] for course_id, capacity in capacities.items() if course_id not in full)


def test_a_course_without_students_is_not_full() -> None:
    capacities = Population(students=0, courses=8, per_student=0, seed=1).capacities({})
    assert [capacity for _, capacity in capacities] == [10]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0, 0, 0), ([], [], 0)),
        ((2, 0, 0), ([1, 2], [], 0)),
        ((0, 2, 1), ([], [1, 2], 0)),
        ((2, 2, 0), ([1, 2], [1, 2], 0)),
        ((3, 1, 1), ([1, 2, 3], [1], 3)),
    ],
)
def test_small_populations(numbers: tuple[int, int, int], expected: tuple[list[int], list[int], int]) -> None:
    population = Population(*numbers, seed=1)
    students = [student.id for student in population.invent_students()]
    courses = [course.id for course in population.invent_courses()]
    assert (students, courses, len(list(population.invent_assignments()))) == expected


def test_nobody_takes_more_courses_than_there_are() -> None:
    numbers = Counter(a.student_id for a in Population(1000, 5, 5, seed=1).invent_assignments())
    assert max(numbers.values()) <= 5
    assert min(numbers.values()) >= 1


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((-1, 1, 0), "The number of students is -1; it must be at least 0 and at most 100,000,000."),
        ((100_000_001, 1, 0), "The number of students is 100,000,001; it must be at least 0 and at most 100,000,000."),
        ((1, 1_000_001, 1), "The number of courses is 1,000,001; it must be at least 0 and at most 1,000,000."),
        ((1, 3, 4), "The number of courses per student is 4; it must be at least 0 and at most 3."),
        ((1, 1000, 101), "The number of courses per student is 101; it must be at least 0 and at most 100."),
    ],
)
def test_numbers_have_limits(numbers: tuple[int, int, int], message: str) -> None:
    with pytest.raises(OperatorError) as refused:
        Population(*numbers, seed=1)
    assert refused.value.message == message
