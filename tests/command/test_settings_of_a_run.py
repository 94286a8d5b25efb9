"""Each setting of the real command, in what it asks for and in what arrives."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from itertools import pairwise

import pytest

from sandbox import Fault, Sandbox
from tests.command.catalogs import select
from tests.tap_process import LISTS, Output, Tables, fail, keys_of, load, published, run_tap

SYNC = "/v3/stacks/sync"


@pytest.fixture
def asked(site):
    """The requests of this test alone."""
    site.requests.clear()
    return lambda: [request.params for request in site.requests if request.path == SYNC]


@pytest.fixture(scope="module")
def first(site) -> Output:
    return load(site)


def in_locales(tables: Tables, *locales: str) -> dict[str, set[tuple[str, ...]]]:
    kept = {name: {key for key in keys if key[1] in locales} for name, keys in keys_of(tables).items()}
    return {name: keys for name, keys in kept.items() if keys}


def test_environment_is_sent_and_another_one_has_other_content(site, asked):
    output = load(site, environment="staging").check()
    assert set(output.record_counts) == LISTS
    assert {params["environment"] for params in asked()} == {"staging"}
    assert all(request.params["environment"] == "staging" for request in site.requests)


def test_a_trailing_slash_of_base_url_is_no_matter(small):
    assert load(small, base_url=f"{small.url}/").record_counts["entries_page"] == 2


@pytest.mark.parametrize(
    ("region", "host"),
    [(None, "cdn.contentstack.io"), ("EU", "eu-cdn.contentstack.com"), ("azure_na", "azure-na-cdn.contentstack.com")],
)
def test_region_names_the_host(region, host):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        heads: list[bytes] = []

        def refuse() -> None:
            connection, _ = proxy.accept()
            with connection:
                heads.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        credentials = {"api_key": "blt-key", "access_token": "cs-token", "environment": "production"}
        config = {**credentials, "max_retries": 0, "region": region}
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        output = fail(config, env={"HTTPS_PROXY": address, "https_proxy": address, "NO_PROXY": "", "no_proxy": ""})
        thread.join(5)
    assert heads
    assert heads[0].startswith(f"CONNECT {host}:443 ".encode())
    assert host in output.last_line


def test_branch_is_a_header_and_an_alias_stands_for_its_branch(site, first):
    site.requests.clear()
    second = load(site, branch="live", state=first.state)
    assert {request.headers.get("branch") for request in site.requests} == {"live"}
    assert "restarts" not in second.err
    third = load(site, branch="develop", state=second.state)
    assert "restarts, as its state was made for a different scope (branch)" in third.err


def test_start_date_is_sent_in_utc_and_older_content_stays_out(site, asked):
    output = load(site, start_date="2024-01-01T09:20:00+01:00").check(history=True)
    starts = {params.get("start_from") for params in asked() if "init" in params}
    assert starts == {"2024-01-01T08:20:00.000Z"}
    since = {
        name: {key for key, data in table.items() if data["publish_details"]["time"] >= "2024-01-01T08:20:00.000Z"}
        for name, table in published(site).items()
    }
    assert keys_of(output.tables()) == {name: keys for name, keys in since.items() if keys}
    assert since != {name: set(table) for name, table in published(site).items()}


def test_a_single_locale_is_filtered_by_the_api(site, asked):
    output = load(site, locales=["fr-fr"]).check(history=True)
    assert {params.get("locale") for params in asked() if "init" in params} == {"fr-fr"}
    assert keys_of(output.tables()) == in_locales(published(site), "fr-fr")


def test_several_locales_are_filtered_by_the_tap(site, asked):
    output = load(site, locales=["fr-fr", "de-de"]).check(history=True)
    assert {params.get("locale") for params in asked() if "entry_unpublished" in params.get("type", "")} == {None}
    assert keys_of(output.tables()) == in_locales(published(site), "fr-fr", "de-de")


def test_a_delta_of_several_locales_keeps_to_them(small):
    small.stack.publish_entry("pet", "pet2", {}, ["de-de"])
    first = load(small, locales=["fr-fr", "de-de"])
    small.stack.publish_entry("page", "page2", {}, ["en-us"])
    small.stack.delete_entry("page", "page1")
    second = load(small, locales=["fr-fr", "de-de"], state=first.state).check(history=True)
    told = {(each["uid"], each["_publish_locale"]) for each in second.records("entries_page")}
    assert ("page1", "fr-fr") in told
    assert {locale for _, locale in told} <= {"fr-fr", "de-de"}
    assert second.tables(first)["entries_page"] == {}


def test_a_locale_with_nothing_published_stops_the_first_run_and_is_a_warning_in_later_ones(site):
    assert "nothing at all is published to 'tlh'" in fail({**site.settings, "locales": ["en-us", "tlh"]}).last_line
    first = load(site, locales=["en-us", "tlh"], allow_empty=True)
    assert "Unset allow_empty again" in first.err
    second = load(site, locales=["en-us", "tlh"], state=first.state)
    assert "Nothing is published to locale 'tlh': check locales" in second.err
    assert "locale 'en-us'" not in second.err


def test_a_run_with_failed_streams_does_not_know_which_locales_are_empty(small):
    first = load(small, locales=["en-us", "tlh"], allow_empty=True)
    small.faults.add(Fault(status=503, path=SYNC, times=None))
    failed = fail({**small.settings, "locales": ["en-us", "tlh"], "max_retries": 0}, state=first.state)
    assert "Nothing is published to locale" not in failed.err


def test_a_run_of_lists_alone_has_nothing_to_do_with_locales(site, catalog):
    for entry in catalog["streams"]:
        select(catalog, entry["tap_stream_id"], selected=entry["tap_stream_id"] in LISTS)
    output = load(site, locales=["tlh"], catalog=catalog)
    assert set(output.record_counts) == LISTS
    assert "locale 'tlh'" not in output.err


def test_content_types_are_chosen_by_uid_and_glob(small):
    output = load(small, content_types=["p?t", "tag"])
    assert set(output.schemas) == {"assets", "entries_pet", "entries_tag", *LISTS}
    assert output.record_counts["content_types"] == 3


def test_content_types_left_out_later_are_left_as_they_are(small):
    first = load(small)
    small.stack.publish_entry("page", "page2", {}, ["en-us"])
    second = load(small, content_types=["tag"], state=first.state)
    assert second.of_type("ACTIVATE_VERSION", "entries_page") == []
    assert second.state["bookmarks"]["entries_page"] == first.state["bookmarks"]["entries_page"]
    third = load(small, state=second.state)
    assert [record["uid"] for record in third.records("entries_page")] == ["page2"]


@pytest.mark.parametrize("told", ["2026-01-01T00:00:00+00:00", None, "now and then"])
def test_the_time_at_which_a_type_was_created_may_be_told_in_another_way_or_not_at_all(small, told):
    for content_type in small.stack.content_types.values():
        content_type["created_at"] = "2026-01-01T00:00:00.000Z"
    first = load(small)
    for content_type in small.stack.content_types.values():
        content_type["created_at"] = told
    second = load(small, state=first.state, on_scope_change="fail")
    for content_type in small.stack.content_types.values():
        content_type["created_at"] = "2026-01-01T00:00:00.000Z"
    third = load(small, state=second.state, on_scope_change="fail")
    assert not {*second.record_counts, *third.record_counts} - LISTS
    for content_type in small.stack.content_types.values():
        content_type["created_at"] = "2026-01-01T00:00:01.000Z"
    assert (
        "made for a different scope (content type)"
        in fail({**small.settings, "on_scope_change": "fail"}, state=third.state).err
    )


def test_a_table_of_a_type_that_is_gone_is_not_emptied_where_a_change_of_scope_is_to_fail(small):
    first = load(small)
    catalog = json.loads(run_tap(small.settings, "--discover").out)
    for entry in catalog["streams"]:  # only what is gone is left to do
        entry["metadata"] = [{"breadcrumb": [], "metadata": {"selected": False}}]
    small.stack.delete_content_type("tag")
    small.stack.environment = "staging"
    output = fail({**small.settings, "on_scope_change": "fail"}, state=first.state, catalog=catalog)
    assert "on_scope_change is 'fail'" in output.last_line
    assert output.of_type("ACTIVATE_VERSION") == []


def test_a_pattern_may_match_a_bookmark_alone(small):
    first = load(small)
    small.stack.delete_content_type("tag")
    second = load(small, content_types=["tag", "page"], state=first.state)
    assert not second.tables(first)["entries_tag"]


def test_event_types_are_what_is_asked_for_and_what_is_lost_is_told(small):
    events = ["entry_published", "asset_published", "asset_deleted"]
    first = load(small, event_types=events)
    inits = [request.params for request in small.requests if "init" in request.params]
    assert {params["type"] for params in inits} == {"entry_published", "asset_published,asset_deleted"}
    assert (
        "event_types leaves out asset_unpublished, content_type_deleted, entry_deleted, entry_unpublished: "
        "rows that these events would remove stay in the target"
    ) in first.err
    small.stack.delete_entry("page", "page1")
    small.stack.delete_asset("asset1")
    second = load(small, event_types=events, state=first.state)
    assert second.records("entries_page") == []
    assert len(second.records("assets")) == 2


def test_one_combined_stream_holds_all_entries_with_their_fields_in_one_column(site, asked):
    output = load(site, entry_streams="combined").check(history=True)
    assert set(output.schemas) == {"assets", "entries", *LISTS}
    inits = [params for params in asked() if "init" in params]
    assert len(inits) == 2
    assert all("content_type_uid" not in params for params in inits)
    rows = output.tables()["entries"]
    expected = site.published_entries()
    assert {(row["_content_type_uid"], *key) for key, row in rows.items()} == set(expected)
    assert output.record_counts["entries"] == len(rows)
    for (content_type_uid, *key), sent in expected.items():
        row = rows[tuple(key)]
        system = {field for field in sent if row.get(field) is not None and field != "data"}
        assert {"title", "tags", "created_at"} <= system
        rest = {field: value for field, value in sent.items() if field not in system}
        assert row["data"] == rest
        assert row["_unmapped"] is None
        assert (content_type_uid == "story") == ("lead" in row["data"])


def test_a_combined_stream_follows_edits_of_every_type(small):
    first = load(small, entry_streams="combined")
    small.stack.unpublish_entry("page", "page1", "fr-fr")
    small.stack.publish_entry("tag", "tag2", {"title": "two"}, ["en-us"])
    small.requests.clear()
    second = load(small, entry_streams="combined", state=first.state).check()
    expected = {(uid, locale) for _, uid, locale in small.published_entries()}
    assert set(second.tables(first)["entries"]) == expected
    assert second.record_counts["entries"] == 2
    assert all("sync_token" in request.params for request in small.requests if request.path == SYNC)


def test_content_types_of_a_combined_stream_are_its_scope(small):
    first = load(small, entry_streams="combined", content_types=["p*"])
    assert {record["_content_type_uid"] for record in first.records("entries")} == {"page", "pet"}
    second = load(small, entry_streams="combined", content_types=["tag"], state=first.state)
    assert "restarts, as its state was made for a different scope (content type)" in second.err
    assert {uid for uid, _ in second.tables(first)["entries"]} == {"tag1"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"locales": ["fr-fr"]}, "locales"),
        ({"start_date": "2024-01-01"}, "start date"),
        ({"environment": "staging", "allow_empty": True}, "environment"),
        ({"event_types": ["entry_published", "asset_published"]}, "event types"),
    ],
    ids=["locales", "start date", "environment", "event types"],
)
def test_another_scope_starts_streams_over_or_stops_the_run(small, change, named):
    first = load(small)
    second = load(small, state=first.state, **change).check(history=True)
    assert f"The stream restarts, as its state was made for a different scope ({named})" in second.err
    stopped = fail({**small.settings, **change, "on_scope_change": "fail"}, state=first.state)
    assert f"its state was made for a different scope ({named}), and on_scope_change is 'fail'" in stopped.last_line
    assert stopped.of_type("RECORD") == stopped.of_type("ACTIVATE_VERSION") == []
    assert stopped.states == [] or stopped.state == first.state


def test_the_same_scope_in_other_words_goes_on(small):
    first = load(small, locales=["fr-fr", "en-us"], start_date="2024-01-01T00:00:00Z")
    config = {"locales": ["en-us", "fr-fr"], "start_date": "2024-01-01", "on_scope_change": "fail"}
    second = load(small, state=first.state, **config, user_agent="x", max_concurrency=1, region="eu")
    assert set(second.record_counts) <= LISTS


def answered(sandbox: Sandbox) -> list[float]:
    return [request.time for request in sandbox.requests]


@pytest.mark.parametrize(("concurrency", "at_once"), [(1, False), (8, True)])
def test_max_concurrency_is_how_many_feeds_are_asked_at_once(small, concurrency, at_once):
    small.latency = 0.1
    load(small, max_concurrency=concurrency)
    gaps = [after - before for before, after in pairwise(answered(small))]
    assert (min(gaps) < 0.05) == at_once


def test_max_requests_per_second_holds_for_the_whole_run(small):
    load(small, max_requests_per_second=10)
    times = answered(small)
    assert len(times) == 12
    assert times[-1] - times[0] >= 1.05
    for first, last in zip(times, times[5:], strict=False):
        assert last - first >= 0.4


def test_request_timeout_bounds_each_request(small):
    small.faults.add(Fault(kind="slow", delay=5, times=None))
    output = fail({**small.settings, "request_timeout": 0.2, "max_retries": 0})
    assert "did not answer within 0.2 seconds: check the network, or raise request_timeout" in output.last_line
    assert output.seconds < 4


def test_max_retries_are_the_attempts_after_the_first(small):
    small.faults.add(Fault(status=503, times=None))
    output = fail({**small.settings, "max_retries": 1})
    assert re.search(r"\(HTTP 503, request \w+\) \(gave up after 2 attempts\)", output.last_line)
    assert len(small.requests) == 2


def test_user_agent_is_sent(small):
    load(small, user_agent="warehouse/2 (data team)")
    assert {request.headers["user-agent"] for request in small.requests} == {"warehouse/2 (data team)"}


def test_all_settings_may_come_from_the_environment(small):
    settings = {
        **small.settings,
        "branch": "main",
        "start_date": "2024-01-01",
        "locales": json.dumps(["fr-fr"]),
        "content_types": "page,tag",
        "event_types": json.dumps(["entry_published", "asset_published"]),
        "entry_streams": "combined",
        "max_concurrency": "2",
        "max_requests_per_second": "50.5",
        "request_timeout": "2.5",
        "max_retries": "1",
        "user_agent": "from the environment",
        "region": "",
    }
    env = {f"TAP_CONTENTSTACK_{name.upper()}": value for name, value in settings.items()}
    output = run_tap(None, "--config", "ENV", env=env)
    assert output.code == 0, output.err
    assert {(record["uid"], record["_publish_locale"]) for record in output.records("entries")} == {
        ("page1", "fr-fr"),
        ("tag1", "fr-fr"),
    }
    assert {request.headers["user-agent"] for request in small.requests} == {"from the environment"}
    assert {request.headers["branch"] for request in small.requests} == {"main"}
    inits = [request.params for request in small.requests if "start_from" in request.params]
    assert {params["start_from"] for params in inits} == {"2024-01-01T00:00:00.000Z"}
    assert {params["type"] for params in inits} == {"entry_published", "asset_published"}


@pytest.mark.parametrize("value", ["maybe", "treu", "2", " true"])
def test_a_variable_that_is_neither_true_nor_false_is_not_taken_for_false(small, value):
    output = fail(small.settings, "--config", "ENV", env={"TAP_CONTENTSTACK_COUNT_PUBLISHED": value})
    expected = "setting 'count_published' must be true or false: check the environment variable"
    assert f"{expected} TAP_CONTENTSTACK_COUNT_PUBLISHED" in output.last_line


@pytest.mark.parametrize(("value", "counted"), [("TRUE", True), ("on", True), ("No", False), ("0", False)])
def test_a_variable_may_say_true_or_false_in_several_ways(small, value, counted):
    output = run_tap(small.settings, "--config", "ENV", env={"TAP_CONTENTSTACK_COUNT_PUBLISHED": value})
    assert output.code == 0
    assert any("include_count" in each.params and "locale" in each.params for each in small.requests) == counted


def test_a_file_and_the_environment_may_be_combined(small):
    config = {name: value for name, value in small.settings.items() if name != "access_token"}
    env = {"TAP_CONTENTSTACK_ACCESS_TOKEN": small.settings["access_token"]}
    assert run_tap(config, "--config", "ENV", env=env).code == 0


def test_without_env_the_environment_is_not_read(small):
    output = fail({"environment": "production"}, env={"TAP_CONTENTSTACK_API_KEY": small.settings["api_key"]})
    assert "setting 'api_key' is missing" in output.last_line


def test_a_config_may_come_through_a_pipe(small, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(json.dumps(small.settings),), daemon=True)
    writer.start()
    assert run_tap(None, "--config", str(path)).code == 0
