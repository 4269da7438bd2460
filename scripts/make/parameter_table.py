"""Write the tables of query/RULES.md: the parameters, from the registry, and where the dialects differ.

Run as ``.venv/bin/python scripts/make/parameter_table.py``. What stands between the markers is replaced.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_query.sql.lamost_macros import DECODING_MACROS
from ssap_query.ssap import REGISTRY, Parameter

QUERY = Path(__file__).resolve().parents[2] / "query"
RULES, DIFFERENCES = QUERY / "RULES.md", QUERY / "dialects.json"
_COLUMNS = lamost6_mrs().roles


def parameter_table() -> str:
    """Write one line a parameter, in the order of the registry."""
    head = "| Parameter | Section | Value | Columns | `ivoa` | `dachs` | NULL, NaN | Example |\n|" + " --- |" * 8
    return "\n".join([head, *map(_parameter_line, REGISTRY)])


def _parameter_line(parameter: Parameter) -> str:
    rules = {dialect: rule.doc for dialect, rule in parameter.rules.items()}
    dachs = "the same" if rules["dachs"] == rules["ivoa"] else rules["dachs"]
    columns = ", ".join(f"{role} (`{_COLUMNS[role]}`)" if role in _COLUMNS else role for role in parameter.roles)
    if parameter.instead:
        columns += f"; or {', '.join(parameter.instead)}"
    section = f"§{parameter.section}" if parameter.section[0].isdigit() else parameter.section
    example = f"`{parameter.name}={parameter.examples[0]}`"
    name = f"**{parameter.name}**"
    return _line(name, section, parameter.grammar, columns or "—", rules["ivoa"], dachs, parameter.null or "—", example)


def macro_table() -> str:
    """Write one line a macro that decodes LAMOST's codes."""
    head = "| Macro | Gives |\n| --- | --- |"
    return "\n".join([head, *(_line(f"`{macro.signature}`", macro.description) for macro in DECODING_MACROS)])


def differences() -> list[dict[str, Any]]:
    """Read where the dialects differ: ``subject``, a sentence for each dialect, a request and what it selects."""
    listed: list[dict[str, Any]] = json.loads(DIFFERENCES.read_text("utf-8"))["differences"]
    return listed


def difference_table() -> str:
    """Write one line a difference, each with the request that shows it."""
    head = "| | `ivoa` | `dachs` | Example |\n| --- | --- | --- | --- |"
    lines = [_line(one["subject"], one["ivoa"], one["dachs"], f"`{_request(one)}`") for one in differences()]
    return "\n".join([head, *lines])


def _request(difference: dict[str, Any]) -> str:
    return difference.get("raw") or "&".join(f"{name}={value}" for name, value in difference["request"])


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def written(text: str) -> str:
    """Put the tables where the markers are.

    Parameters
    ----------
    text : str
        The RULES.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    tables = {"parameters": parameter_table(), "differences": difference_table(), "macros": macro_table()}
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        if not pattern.search(text):
            message = f"RULES.md has no {begin} ... {end}"
            raise ValueError(message)
        text = pattern.sub(lambda _, new=f"{begin}\n{table}\n{end}": new, text)
    return text


def main() -> None:
    """Write the tables."""
    RULES.write_text(written(RULES.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
