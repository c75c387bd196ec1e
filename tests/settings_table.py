"""The table of settings in README.md, made from `settings.py`; `python -m tests.settings_table` writes it anew."""

from dataclasses import Field, fields
from typing import Any, Final, get_args, get_type_hints

from gql_api.settings import PREFIX, Settings
from tests.server import ROOT

README: Final = ROOT / "README.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->\n"

_TYPES: Final = get_type_hints(Settings)


def settings_table() -> str:
    """One row for each variable: its name, its default, what it means, and which values it may have."""
    head = "| variable | default | meaning |\n|---|---|---|\n"
    return head + "".join(
        f"| `{PREFIX}{row.name.upper()}` | {_default(row)} | {row.metadata['meaning']}{_limits(row)} |\n"
        for row in fields(Settings)
    )


def documented_table() -> str:
    """What stands in README.md between the marks."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def _default(row: Field[Any]) -> str:
    if isinstance(row.default, bool):
        return "`on`" if row.default else "`off`"
    return f"`{row.default:g}`" if isinstance(row.default, float) else f"`{row.default}`" if row.default != "" else ""


def _limits(row: Field[Any]) -> str:
    if words := get_args(_TYPES[row.name]):
        return "" if all(f"`{word}`" in row.metadata["meaning"] for word in words) else f"; {', '.join(words)}"
    match row.metadata["at_least"], row.metadata["at_most"]:
        case None, None:
            return ""
        case at_least, None:
            return f"; at least {at_least:,}"
        case at_least, at_most:
            return f"; {at_least:,} to {at_most:,}"


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + settings_table() + END + rest.partition(END)[2], encoding="utf-8")
