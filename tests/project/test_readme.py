"""The README says what the code does: its tables are made from the code, and nothing in it is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tap_contentstack.config.regions import ALIASES, DELIVERY_HOSTS
from tap_contentstack.config.settings import CONFIG_JSONSCHEMA
from tap_contentstack.records.conform import NORMALISATIONS
from tap_contentstack.schema.stream_schemas import ADDED_COLUMNS, field_type_table

README = Path(__file__).parents[2] / "README.md"


def settings_table() -> str:
    rows = ["| setting | type | default | |", "|---|---|---|---|"]
    for name, setting in CONFIG_JSONSCHEMA["properties"].items():
        types = setting["type"] if isinstance(setting["type"], list) else [setting["type"]]
        kind = next(each for each in types if each != "null")
        kind = {"array": "list of texts", "string": "text"}.get(kind, kind)
        default = f"`{setting['default']}`" if "default" in setting else ""
        default = "required" if name in CONFIG_JSONSCHEMA["required"] else default
        rows.append(f"| `{name}` | {kind} | {default} | {setting['description']} |")
    return "\n".join(rows)


def fields_table() -> str:
    return f"| field | `data_type` | column | with several values |\n|---|---|---|---|\n{field_type_table()}"


GENERATED = {
    "settings": settings_table,
    "field types": fields_table,
    "normalisations": lambda: "\n".join(f"- {each}" for each in NORMALISATIONS),
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_table_of_the_readme_is_what_the_code_says(name):
    """`python -m tests.project.test_readme` writes them anew."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", README.read_text(), re.DOTALL)
    assert found
    assert found[1].strip() == GENERATED[name]()


@pytest.mark.parametrize("word", [*ADDED_COLUMNS, *DELIVERY_HOSTS, *ALIASES])
def test_every_added_column_and_region_is_told(word):
    assert word in README.read_text()


def write() -> None:
    text = README.read_text()
    for name, make in GENERATED.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}{make()}{end}{rest.partition(end)[2]}"
    README.write_text(text)


if __name__ == "__main__":
    write()
