import pytest

from benchmarks.population import Population


@pytest.mark.parametrize("students", [320, 10_000, 100_000])
def test_each_student_takes_eight_different_courses_that_are_on_offer(students: int) -> None:
    population = Population(students)
    for student_id in range(1, 321):
        courses = population.courses_of(student_id)
        assert len(set(courses)) == 8
        assert courses == sorted(courses)
        assert set(courses) <= set(range(1, population.courses + 1))


def test_courses_are_taken_by_about_as_many_students_each() -> None:
    population = Population(10_000)
    numbers = [len(students) for students in population.students_of(range(1, population.courses + 1)).values()]
    assert sum(numbers) == 80_000
    assert min(numbers) > 250
    assert max(numbers) < 400


def test_a_school_too_small_for_eight_courses_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 320 students"):
        Population(319)
