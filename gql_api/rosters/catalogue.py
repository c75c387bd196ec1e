"""Courses for an invented university: codes that are unique, and titles that a catalogue might have."""

from __future__ import annotations

from typing import Final, NamedTuple


class Subject(NamedTuple):
    """A department's abbreviation and what it teaches."""

    prefix: str
    topics: tuple[str, ...]


def _subject(prefix: str, topics: str) -> Subject:
    return Subject(prefix, tuple(topics.split(", ")))


SUBJECTS: Final = (
    _subject("MATH", "Linear Algebra, Analysis, Probability, Number Theory, Topology, Differential Equations"),
    _subject("CS", "Algorithms, Operating Systems, Databases, Compilers, Networks, Machine Learning"),
    _subject("PHYS", "Mechanics, Electromagnetism, Quantum Physics, Thermodynamics, Optics, Astrophysics"),
    _subject("BIO", "Cell Biology, Genetics, Ecology, Evolution, Physiology, Microbiology"),
    _subject("CHEM", "Organic Chemistry, Inorganic Chemistry, Biochemistry, Spectroscopy, Catalysis, Polymers"),
    _subject("HIST", "Ancient Rome, Medieval Europe, the Ottoman Empire, Decolonisation, Modern China, Historiography"),
    _subject("PHIL", "Logic, Ethics, Epistemology, Metaphysics, Aesthetics, Philosophy of Science"),
    _subject("ECON", "Microeconomics, Macroeconomics, Econometrics, Game Theory, Labour Economics, Public Finance"),
    _subject("LAW", "Contract Law, Criminal Law, Constitutional Law, European Law, Human Rights, Legal Theory"),
    _subject("PSY", "Cognitive Psychology, Social Psychology, Neuropsychology, Statistics, Memory, Perception"),
    _subject("LING", "Phonetics, Syntax, Semantics, Sociolinguistics, Language Acquisition, Typology"),
    _subject("LIT", "the Novel, Lyric Poetry, Drama, World Literature, Narratology, Translation"),
    _subject("ART", "Drawing, Art of the Renaissance, Photography, Contemporary Art, Sculpture, Museum Studies"),
    _subject("MUS", "Harmony, Counterpoint, Music History, Composition, Ethnomusicology, Acoustics"),
    _subject("ENG", "Statics, Fluid Mechanics, Control Theory, Materials, Robotics, Signal Processing"),
    _subject("MED", "Anatomy, Pharmacology, Epidemiology, Pathology, Immunology, Public Health"),
)

FORMS: Final = ("Introduction to {}", "{}", "Advanced {}", "Topics in {}", "Seminar on {}")

FIRST_NUMBER: Final = 101


def code_and_title(index: int) -> tuple[str, str]:
    """Give the code and title of the course at this place of the catalogue, counted from 0.

    Codes never repeat. Titles do, after 480 courses, as titles do.
    """
    number, subject = divmod(index, len(SUBJECTS))
    prefix, topics = SUBJECTS[subject]
    form, topic = divmod(number, len(topics))
    # Both depend on the subject too, so that neighbours in the catalogue are not all introductions.
    title = FORMS[(form + subject) % len(FORMS)].format(topics[(topic + subject) % len(topics)])
    return f"{prefix}-{FIRST_NUMBER + number}", title[0].upper() + title[1:]
