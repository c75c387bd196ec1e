"""What a program writes into a page people write too: what stands between two markers, and nothing else."""

from __future__ import annotations

from pathlib import Path


def write_between(page: Path, content: str, *, begin: str, end: str) -> None:
    """Write `content` between the page's markers; a page that is not there yet holds nothing else.

    Raises:
        ValueError: the page has no markers.
    """
    text = page.read_text(encoding="utf-8") if page.exists() else f"{begin}\n{end}\n"
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"{page} has no place for the results: {begin} … {end}")
    page.write_text(f"{before}{begin}\n\n{content}\n\n{end}{after}", encoding="utf-8")
