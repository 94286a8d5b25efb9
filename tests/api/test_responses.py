"""JSON of the API is decoded tolerantly: one malformed text spoils no response."""

from __future__ import annotations

from tap_contentstack.api.responses import decode_json


def test_half_a_character_in_a_definition_spoils_no_answer():
    assert decode_json(b'\xef\xbb\xbf{"title": "a\\ud83d", "b": "\\ud83d\\ude00"}') == {
        "title": "a\0",
        "b": "\U0001f600",
    }
