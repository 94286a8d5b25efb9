"""The table of events: each name says what the event is about and what it does."""

from __future__ import annotations

import pytest

from tap_contentstack.events import ASSET_EVENTS, ENTRY_EVENTS, EVENTS, KNOWN, PUBLISHED, Event, unpublish_of


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_is_about_what_its_name_says(event: Event):
    about, _, what_happened = event.name.rpartition("_")
    assert about == event.about.name.lower()
    assert what_happened.removesuffix("ed") in event.effect.name.lower()


def test_entry_and_asset_streams_request_all_events_between_them():
    assert {*ENTRY_EVENTS, *ASSET_EVENTS} == KNOWN
    assert not {*ENTRY_EVENTS} & {*ASSET_EVENTS}


def test_what_was_published_is_unpublished_by_the_event_of_its_kind():
    assert {unpublish_of(name) for name in PUBLISHED} == {"entry_unpublished", "asset_unpublished"}
    assert unpublish_of("entry_deleted") == "entry_deleted"
