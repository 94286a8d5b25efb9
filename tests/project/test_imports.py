"""Imports go down the list of layers only, type-checking imports included."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tap_contentstack"
ORDER = (
    {"__main__"},
    {"cli", "sizes", "tap", "summary"},
    {"singer"},
    {"sync"},
    {"records"},
    {"api"},
    {"schema"},
    {"config"},
    {"values"},
    {"errors", "events", "sdk"},
)
"""Layers and single modules, from the command down to what everything builds on."""
LEVELS = {name: level for level, names in enumerate(ORDER) for name in names}
EXCEPTIONS: set[str] = set()
"""Arrows that still go up; there should be none."""


class Arrow(t.NamedTuple):
    """One import.

    Attributes:
        source: The module that imports, such as `api.client`.
        target: The module that it imports.
    """

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"

    @property
    def goes_up(self) -> bool:
        return LEVELS[self.source.partition(".")[0]] > LEVELS[self.target.partition(".")[0]]


def modules() -> dict[str, Path]:
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return {".".join(path.parts): PACKAGE / path.with_suffix(".py") for path in paths if path.name != "__init__"}


def arrows() -> set[Arrow]:
    found = set()
    known = modules()
    for source, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{source}: relative imports hide where they lead"
                names = [f"{node.module}.{each.name}" for each in node.names] + [node.module or ""]
            for name in names:
                target = name.removeprefix("tap_contentstack.")
                if target != name and target in known:
                    found.add(Arrow(source, target))
    return found


def circles(among: set[Arrow]) -> list[str]:
    """Return the modules that lead back to themselves."""
    leads_to: dict[str, set[str]] = {}
    for arrow in among:
        leads_to.setdefault(arrow.source, set()).add(arrow.target)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for target in leads_to.get(waiting.pop(), set()) - seen:
                seen.add(target)
                waiting.append(target)
        return seen

    return sorted(source for source in leads_to if source in reached(source))


def test_every_module_has_a_place_in_the_order():
    assert {name.partition(".")[0] for name in modules()} == LEVELS.keys()


def test_imports_go_down_the_list_only():
    upwards = {str(arrow) for arrow in arrows() if arrow.goes_up}
    assert upwards - EXCEPTIONS == set()
    assert EXCEPTIONS - upwards == set(), "these are mended: take them out of the list"


def test_no_import_leads_back_to_itself():
    assert circles(arrows()) == []


@pytest.mark.parametrize(
    ("arrow", "upwards"),
    [
        pytest.param(Arrow("values.times", "errors"), False, id="down"),
        pytest.param(Arrow("api.client", "api.page"), False, id="within a layer"),
        pytest.param(Arrow("config.settings", "tap"), True, id="up"),
    ],
)
def test_an_arrow_up_is_told_from_others(arrow, upwards):
    assert arrow.goes_up == upwards
