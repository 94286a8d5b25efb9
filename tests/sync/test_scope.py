"""The fingerprint of a scope: what has changed, and what nobody is sure of."""

from __future__ import annotations

import pytest

from tap_contentstack.sync.scope import Unsure, carried_over, changed_parts, fingerprint


def test_a_fingerprint_tells_which_part_of_the_scope_changed_and_holds_no_plain_value():
    old = fingerprint({"stack": "blt-secret", "locales": ("en-us",), "start_date": None})
    new = fingerprint({"stack": "blt-secret", "locales": ("en-us", "fr-fr"), "start_date": None})
    assert changed_parts(old, new) == ["locales"]
    assert changed_parts(new, new) == []
    assert "secret" not in old
    assert "en-us" not in old


@pytest.mark.parametrize(
    ("before", "after", "changed", "kept"),
    [
        ("main", Unsure(None), [], "main"),
        (Unsure(None), "main", [], "main"),
        (Unsure(None), Unsure("develop"), ["branch"], Unsure("develop")),
        ("main", "develop", ["branch"], "develop"),
    ],
)
def test_an_unsure_part_never_differs_from_a_sure_one_and_none_differs_again_once_it_is_carried_over(
    before, after, changed, kept
):
    old, new = fingerprint({"branch": before}), fingerprint({"branch": after})
    assert changed_parts(old, new) == changed
    assert carried_over(old, new) == fingerprint({"branch": kept})
    assert changed_parts(carried_over(old, new), new) == []
