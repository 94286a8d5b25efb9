"""What the configuration may be, and what is said of one that may not."""

from __future__ import annotations

import pytest

from tap_contentstack.config.regions import DELIVERY_HOSTS, delivery_url
from tap_contentstack.errors import SettingsError
from tap_contentstack.events import ASSET_EVENTS, ENTRY_EVENTS
from tests.settings import read_settings

CREDENTIALS = {"api_key": "blt0123", "access_token": "cs0123-secret", "environment": "production"}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "setting 'api_key' is missing"),
        ({"access_token": None}, "setting 'access_token' is missing"),
        ({"environment": "  "}, "setting 'environment' is missing"),
        ({"region": "mars"}, "setting 'region' is unknown: it must be one of na, eu,"),
        ({"base_url": "cdn.example.org"}, "'base_url' must be a scheme and a host"),
        ({"base_url": "https://cdn.example.org?a=b"}, "'base_url' must be a scheme and a host"),
        ({"base_url": "http://[::1"}, "'base_url' must be a scheme and a host"),
        ({"base_url": "http://cdn.example.org:https"}, "'base_url' must be a scheme and a host"),
        ({"start_date": "yesterday"}, "'start_date' must be a date and time"),
        ({"start_date": "2024-02-30T00:00:00Z"}, "'start_date' must be a date and time"),
        ({"event_types": ["entry_moved"]}, "'event_types' must be one of entry_published,"),
        ({"event_types": ["entry_deleted"]}, "'event_types' must contain entry_published"),
        ({"event_types": ["entry_published", "asset_deleted"]}, "'event_types' must contain asset_published"),
        ({"entry_streams": "merged"}, "'entry_streams' must be one of per_content_type, combined"),
        ({"on_scope_change": "ignore"}, "'on_scope_change' must be one of restart, fail"),
        ({"max_concurrency": 0}, "'max_concurrency' must be at least 1"),
        ({"max_concurrency": 65}, "'max_concurrency' must be at most 64"),
        ({"max_concurrency": "many"}, "'max_concurrency' must be integer"),
        ({"max_requests_per_second": 0}, "'max_requests_per_second' must be more than 0"),
        ({"request_timeout": -1}, "'request_timeout' must be more than 0"),
        ({"max_retries": -1}, "'max_retries' must be at least 0"),
        ({"max_requests_per_second": 1e-320}, "'max_requests_per_second' must be at least 0.01"),
        ({"max_requests_per_second": float("nan")}, "'max_requests_per_second' must be a finite number"),
        ({"request_timeout": "inf"}, "'request_timeout' must be at most 3600"),
        ({"max_retries": 2.5}, "'max_retries' must be integer, not 2.5"),
        ({"locales": "en-us"}, "'locales' must be array"),
        ({"locales": ['["en-us"']}, "'locales' must be a list of codes such as en-us"),
        ({"environment": "d\udce9v"}, "'environment' is not text in UTF-8"),
        ({"content_types": ["\ud800"]}, "'content_types' is not text in UTF-8"),
        ({"flattening_enabled": True}, "'flattening_enabled' needs flattening_max_depth"),
        ({"stream_maps": {"assets": {"y": ""}}}, "'stream_maps': 'y' of assets is empty"),
        ({"stream_maps": {"assets": {"__alias__": ""}}}, "'stream_maps': '__alias__' of assets is empty"),
        ({"stream_maps": {"assets": {"__else__": "y"}}}, "'stream_maps': '__else__' of assets can only be null"),
        ({"stream_maps": {"__else__": "y"}}, "'stream_maps': '__else__' can only be null"),
        ({"batch_config": {"encoding": {"format": "jsonl"}}}, "'batch_config' must have an encoding, and a storage"),
        (
            {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": "nope://x"}}},
            "'batch_config' must have an encoding, and a storage",
        ),
    ],
    ids=str,
)
def test_a_wrong_configuration_is_named_in_one_sentence(config, sentence):
    base = CREDENTIALS if config else {}
    with pytest.raises(SettingsError) as caught:
        read_settings({**base, **config})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_of_a_wrong_type_is_not_quoted():
    with pytest.raises(SettingsError) as caught:
        read_settings({**CREDENTIALS, "access_token": 987654321})
    assert str(caught.value) == "setting 'access_token' must be string"
    assert "987654321" not in str(caught.value)


def test_several_mistakes_are_all_named():
    with pytest.raises(SettingsError, match="max_retries") as caught:
        read_settings({**CREDENTIALS, "max_retries": -1, "max_concurrency": 0})
    assert "max_concurrency" in str(caught.value)


@pytest.mark.parametrize(
    "numbers", [{"request_timeout": "2.5", "max_retries": "3"}, {"request_timeout": 2.5, "max_retries": 3.0}]
)
def test_numbers_may_come_as_text_from_the_environment_or_with_a_fraction_of_zero(numbers):
    settings = read_settings({**CREDENTIALS, **numbers})
    assert (settings.request_timeout, settings.max_retries) == (2.5, 3)
    assert isinstance(settings.max_retries, int)


def test_blanks_in_lists_are_dropped():
    settings = read_settings({**CREDENTIALS, "locales": ["en-us", " fr-fr", ""], "content_types": [""]})
    assert settings.locales == ("en-us", "fr-fr")
    assert settings.content_types == ()


def test_blanks_around_a_pasted_credential_are_dropped():
    assert read_settings({**CREDENTIALS, "access_token": " cs1\n"}).access_token == "cs1"


def test_secrets_are_not_shown_by_repr():
    assert "secret" not in repr(read_settings(CREDENTIALS))


def test_a_start_date_is_sent_in_utc_with_milliseconds():
    assert read_settings({**CREDENTIALS, "start_date": "2024-01-31T01:30:00+02:00"}).start_date == (
        "2024-01-30T23:30:00.000Z"
    )


def test_event_types_of_one_kind_leave_the_other_kind_as_it_is():
    settings = read_settings({**CREDENTIALS, "event_types": ["entry_deleted", "entry_published"]})
    assert settings.entry_events == ("entry_published", "entry_deleted")
    assert settings.asset_events == ASSET_EVENTS
    assert read_settings(CREDENTIALS).entry_events == ENTRY_EVENTS


@pytest.mark.parametrize(("locales", "sent"), [(["fr-fr"], "fr-fr"), (["en-us", "fr-fr"], None), ([], None)])
def test_only_a_single_locale_is_left_to_the_api(locales, sent):
    assert read_settings({**CREDENTIALS, "locales": locales}).feed_locale == sent


@pytest.mark.parametrize(
    ("alias", "region"),
    [
        ("US", "na"),
        ("aws_na", "na"),
        ("AWS-EU", "eu"),
        ("aws-au", "au"),
        ("Azure_NA", "azure-na"),
        ("gcp-eu", "gcp-eu"),
    ],
)
def test_a_region_may_be_given_by_any_of_its_names(alias, region):
    assert delivery_url(alias) == f"https://{DELIVERY_HOSTS[region]}"


def test_a_base_url_overrides_the_region():
    assert read_settings({**CREDENTIALS, "base_url": "http://127.0.0.1:8080/"}).url == "http://127.0.0.1:8080"
