"""The breakages that the histories are tried out with are still breakages of the code as it stands."""

from __future__ import annotations

import ast

import pytest

from tests.model.episodes import EPISODES
from tests.model.mutants import MUTANTS, PACKAGE, ROOT, mutated


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_changes_what_its_module_does(mutant):
    text = (ROOT / PACKAGE / f"{mutant.module}.py").read_text()
    assert ast.dump(ast.parse(mutated(mutant, text))) != ast.dump(ast.parse(text))
    assert mutant.episode in {"", *(episode.__name__ for episode in EPISODES)}
