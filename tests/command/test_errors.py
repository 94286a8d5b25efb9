"""What the real command says when something is wrong: one line that names it, no traceback, no secret."""

from __future__ import annotations

import json
import socket
import typing as t

import pytest

from sandbox import Fault, Sandbox, Stack
from tests.tap_process import LISTS, Json, Output, assert_no_secret, fail, load, run_tap

SYNC = "/v3/stacks/sync"


@pytest.fixture
def refused(site) -> t.Callable[..., Output]:
    """Run with settings that cannot work; credentials must not be told, the wrong ones neither."""

    def run(*args: str, files: dict[str, t.Any] | None = None, **changes: object) -> Output:
        config = {**site.settings, "max_retries": 0, **changes}
        secrets = [config[name] for name in ("api_key", "access_token") if config.get(name)]
        output = fail(config, *args, secrets=tuple(map(str, secrets)), **(files or {}))
        assert output.out == b""
        return output

    return run


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"api_key": None},
            "setting 'api_key' is missing: set it in the config, or as TAP_CONTENTSTACK_API_KEY with --config=ENV",
        ),
        ({"api_key": "blt-another"}, "check api_key, and region ('na')"),
        ({"access_token": "cs-another"}, "the delivery token is refused: check access_token"),
        ({"environment": "moon"}, "the environment 'moon' is unknown to this stack: check environment"),
        (
            {"branch": "moon"},
            "the branch 'moon' is unknown to this stack, or not accessible with this token: check branch",
        ),
        ({"region": "moon", "base_url": None}, "setting 'region' is unknown: it must be one of na, eu,"),
        ({"content_types": ["author", "moon*"]}, "'moon*' matches no content type of the stack (it has: author,"),
        ({"start_date": "yesterday"}, "setting 'start_date' must be a date and time such as"),
        ({"event_types": ["entry_moved"]}, "setting 'event_types' must be one of entry_published,"),
        ({"max_concurrency": 65}, "setting 'max_concurrency' must be at most 64, not 65"),
        ({"max_requests_per_second": 0}, "setting 'max_requests_per_second' must be more than 0"),
        ({"access_token": 20250131}, "setting 'access_token' must be string"),
        ({"base_url": "http://127.0.0.1:9"}, "127.0.0.1 refuses connections: check region and base_url"),
        ({"base_url": "http://host.invalid"}, "the host host.invalid is unknown: check region and base_url"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_named_with_what_to_do(refused, changes, sentence):
    assert sentence in refused(**changes).last_line


def test_all_that_is_missing_is_named_at_once():
    output = fail({})
    for name in ("api_key", "access_token", "environment"):
        assert f"setting '{name}' is missing" in output.last_line


@pytest.mark.parametrize("option", ["--discover", "--test"])
def test_other_commands_say_so_as_well(refused, option):
    assert "check access_token" in refused(option, access_token="cs-another").last_line


def test_a_host_that_accepts_and_says_nothing_is_named(refused):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        output = refused(base_url=url, request_timeout=0.3)
    assert "127.0.0.1 did not answer within 0.3 seconds" in output.last_line


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_proxys_page_is_told_from_the_api(sandbox, status):
    sandbox.faults.add(Fault(kind="html", status=status, times=None))
    output = fail({**sandbox.settings, "max_retries": 0})
    expected = {
        200: "answered with something other than the API's JSON (text/html: ",
        403: "answered HTTP 403 with something other than the API's JSON (text/html)",
        502: "failed temporarily (HTTP 502, request",
    }
    assert expected[status] in output.last_line


def test_a_redirect_is_not_followed_with_credentials(sandbox):
    sandbox.faults.add(Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}, times=None))
    assert "answers with a redirect (HTTP 302)" in fail({**sandbox.settings, "max_retries": 0}).last_line


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"bookmarks": {"assets": ',
        b"[1, 2]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"a": "\\ud800"}',
    ],
    ids=["empty", "cut", "no JSON", "cut later", "a list", "a text", "null", "no UTF-8", "half a character"],
)
def test_a_state_that_cannot_be_read_stops_the_run(refused, content):
    last = refused(files={"state": content}).last_line
    assert "the state file" in last
    assert "is not a JSON object" in last


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'{"streams": {}}', b'{"streams": [1]}', b'{"streams": [{"stream": "assets"}]}', b"{}"],
    ids=["cut", "a list", "streams as an object", "a number", "no id", "no streams"],
)
def test_a_catalog_that_cannot_be_read_stops_the_run(refused, content):
    assert "catalog" in refused(files={"catalog": content}).last_line


@pytest.mark.parametrize(
    "stream",
    [
        {"tap_stream_id": "assets"},
        {"tap_stream_id": "assets", "schema": [], "metadata": []},
        {"tap_stream_id": "assets", "schema": {}, "metadata": {}},
        {"tap_stream_id": "assets", "schema": {}, "metadata": [{"breadcrumb": []}]},
        {"tap_stream_id": 5, "schema": {}, "metadata": [5]},
    ],
    ids=["an id alone", "schema as a list", "metadata as an object", "an entry without metadata", "numbers"],
)
def test_a_catalog_of_a_strange_shape_ends_in_no_traceback(site, stream):
    output = run_tap({**site.settings, "max_retries": 0}, catalog={"streams": [stream]})
    assert "Traceback" not in output.err
    assert output.code == 0 or "catalog" in output.last_line


@pytest.mark.parametrize("column", [{"type": "wat"}, {"type": ["string", 5]}, {"type": "string", "pattern": "["}])
def test_a_schema_of_a_catalog_that_is_none_is_one_sentence(site, column):
    schema = {"properties": {"uid": {"type": "string"}, "title": column}}
    output = fail(
        {**site.settings, "max_retries": 0}, catalog={"streams": [{"tap_stream_id": "assets", "schema": schema}]}
    )
    assert "the catalog has a column whose schema is not valid" in output.last_line


def test_a_catalog_does_not_change_the_type_of_a_key(site):
    schema = {"properties": {"uid": {"type": "integer"}, "title": {"type": "string"}}}
    output = load(site, catalog={"streams": [{"tap_stream_id": "assets", "schema": schema}]}).check(history=True)
    assert output.schemas["assets"]["properties"]["uid"] == {"type": "string"}
    assert output.record_counts["assets"]


def test_a_setting_that_is_misspelt_is_told(site):
    output = load(site, locale=["en-us"], flattening_enabled=False)
    assert "Ignoring unknown settings: locale (did you mean locales?)" in output.err


def test_a_config_may_begin_as_some_editors_let_it(site, tmp_path):
    path = tmp_path / "config.json"
    path.write_text("\ufeff" + json.dumps(site.settings))
    assert run_tap(None, "--config", str(path)).code == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"null", b"\xff"], ids=str)
def test_a_config_file_that_cannot_be_read_stops_the_run(content, tmp_path):
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    output = fail(None, "--config", str(path))
    assert "config" in output.last_line.lower() or "broken.json" in output.last_line


def test_a_certificate_bundle_that_does_not_exist_is_named(site):
    output = fail({**site.settings, "base_url": "https://127.0.0.1:9"}, env={"REQUESTS_CA_BUNDLE": "/nowhere.pem"})
    assert "no certificates at the path that REQUESTS_CA_BUNDLE" in output.last_line


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_a_file_that_does_not_exist_is_named(site, option, tmp_path):
    output = fail(site.settings, option, str(tmp_path / "nowhere.json"))
    assert "nowhere.json" in output.last_line


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_retries", "many"), ("max_concurrency", ""), ("stream_maps", "{"), ("request_timeout", "long")],
)
def test_a_wrong_environment_variable_is_named(site, name, value):
    env = {f"TAP_CONTENTSTACK_{name.upper()}": value}
    output = run_tap({**site.settings, "max_retries": 0}, "--config", "ENV", env=env)
    assert "Traceback" not in output.err, output.err
    assert output.code == 0 if value == "" else name in output.last_line.lower()


@pytest.mark.parametrize(
    "extra",
    [
        {"stream_maps": {"assets": {"size": "int(nothing)"}}},
        {"stream_maps": {"assets": 5}},
        {"stream_maps": {"assets": {"title": "("}}},
        {"flattening_enabled": "often"},
        {"batch_config": {"encoding": {"format": "none"}}},
    ],
    ids=["unknown name", "a number", "no expression", "flattening", "batch"],
)
def test_a_wrong_setting_of_the_sdk_ends_in_no_traceback(site, extra):
    output = run_tap({**site.settings, "max_retries": 0, **extra})
    assert "Traceback" not in output.err, output.err
    assert output.code != 0


# While a run is under way


def test_a_stream_that_fails_for_good_does_not_stop_the_others(sandbox):
    sandbox.faults.add(Fault(status=400, path="content_type_uid=author", times=None))
    output = fail({**sandbox.settings, "max_retries": 0}).check(history=True)
    assert "1 of 10 streams failed (entries_author): the API refused a request" in output.last_line
    assert output.state["bookmarks"]["entries_author"]["replication_key_value"] is None
    for name, bookmark in output.state["bookmarks"].items():
        if name.startswith("entries_") and name != "entries_author":
            assert bookmark["replication_key_value"]
    sandbox.faults.clear()
    second = load(sandbox, state=output.state)
    assert output.code == 1
    assert set(second.record_counts) <= {"entries_author", *LISTS}


def test_credentials_that_are_taken_away_end_the_run_and_are_named_once(sandbox):
    sandbox.faults.add(Fault(status=401, code=105, path=SYNC, times=None))
    output = fail({**sandbox.settings, "max_concurrency": 1, "max_retries": 0})
    assert output.last_line.count("check access_token") == 1
    assert len([request for request in sandbox.requests if request.path == SYNC]) == 1
    assert output.last_line.endswith("; the other 4 are complete")  # the lists


def test_a_malformed_bookmark_starts_its_stream_over(site):
    first = load(site)
    state = json.loads(json.dumps(first.state))
    state["bookmarks"]["assets"]["items_seen"] = "many"
    state["bookmarks"]["entries_story"] = 5
    state["bookmarks"]["nobody"] = {"locales": 7}
    second = load(site, state=state)
    assert "its items_seen cannot be understood" in second.err
    assert {"assets", "entries_story"} <= set(second.record_counts)
    assert "entries_author" not in second.record_counts
    assert second.tables(first).keys() == first.tables().keys()


def test_a_foreign_state_is_told_and_everything_is_loaded(site):
    output = load(site, state={"currently_syncing": "page"})
    assert "The state has no bookmarks that this tap understands; every stream restarts" in output.err


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"singer_state": state},
        lambda state: {"type": "STATE", "value": state},
        lambda state: {"completed": {"singer_state": state}, "partial": {}},
        lambda state: {"partial": {"singer_state": state}, "completed": {}},
        lambda state: {"state": state},
    ],
    ids=["meltano state get", "a STATE message", "a state of Meltano's database", "a partial one", "by hand"],
)
def test_a_state_is_taken_out_of_what_wraps_it(site, wrap):
    first = load(site)
    second = load(site, state=wrap(first.state))
    assert "restarts" not in second.err
    assert not [each for each in second.of_type("RECORD") if each["stream"].startswith("entries")]


def test_no_secret_is_logged_when_everything_is(site):
    config = {**site.settings, "max_retries": 0, "base_url": "http://127.0.0.1:9"}
    output = run_tap(config, env={"TAP_CONTENTSTACK_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"})
    assert "DEBUG" in output.err
    assert_no_secret(output, site.settings["api_key"], site.settings["access_token"])


TOKEN = "cs0123456789abcdef01234567"


@pytest.mark.parametrize(
    "changes",
    [
        {"region": TOKEN},
        {"region": TOKEN, "base_url": "http://127.0.0.1:9"},
        {"environment": TOKEN},
        {"branch": TOKEN},
        {"locales": [f"{TOKEN}!"]},
        {"content_types": [TOKEN]},
        {"start_date": TOKEN},
        {"entry_streams": TOKEN},
        {"event_types": [TOKEN]},
        {"max_retries": TOKEN},
        {"base_url": TOKEN},
        {"base_url": f"http://name:{TOKEN}@127.0.0.1:9"},
        {"base_url": f"http://127.0.0.1:9/{TOKEN}"},
        {"summary_path": f"/{TOKEN}/summary.json"},
        {TOKEN: "access_token"},
    ],
    ids="+".join,
)
def test_a_credential_in_the_wrong_field_is_not_printed(site, changes):
    output = run_tap({**site.settings, "max_retries": 0, **changes})
    assert TOKEN not in output.err


@pytest.mark.parametrize("password", ["hunter-two", "hunter@two", "hunter two", "hunter" * 60])
def test_a_password_in_the_url_of_a_folder_is_not_printed(site, tmp_path, password):
    path = tmp_path / "summary.json"
    storage = {"root": f"ftp://me:{password}@127.0.0.1:9/x"}
    output = fail(site.settings | {"batch_config": BATCHES | {"storage": storage}, "summary_path": str(path)})
    assert "batch files cannot be written to 'ftp://…@127.0.0.1:9/x'" in output.last_line
    assert "hunter" not in output.err + path.read_text()


def test_an_unknown_region_is_an_error_beside_a_base_url_too(site):
    assert "setting 'region' is unknown" in fail({**site.settings, "region": "mars"}).last_line


def test_an_unknown_log_level_is_one_sentence(site):
    output = fail(site.settings, env={"TAP_CONTENTSTACK_LOGLEVEL": "verbose"})
    assert output.last_line == "TAP_CONTENTSTACK_LOGLEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL"


def test_a_content_type_that_is_nested_without_end_is_one_sentence():
    field: Json = {"uid": "text", "data_type": "text"}
    for _ in range(60):  # each is two levels of JSON
        field = {"uid": "group", "data_type": "group", "schema": [field]}
    stack = Stack(locales=("en-us",))
    stack.add_content_type({"uid": "deep", "schema": [field]})
    with Sandbox(stack) as sandbox:
        assert "is nested more than 100 levels deep" in fail(sandbox.settings).last_line


@pytest.mark.parametrize("text", ["a: [", "a: b", "- a", ""])
def test_a_logging_configuration_that_is_none_is_one_sentence(sandbox, tmp_path, text):
    path = tmp_path / "logging.yml"
    path.write_text(text)
    output = fail(sandbox.settings, env={"SINGER_SDK_LOG_CONFIG": str(path)})
    assert output.last_line.startswith("SINGER_SDK_LOG_CONFIG must name a YAML file of a logging configuration")


def test_a_blank_name_of_a_logging_configuration_is_none(sandbox):
    assert run_tap(sandbox.settings, env={"SINGER_SDK_LOG_CONFIG": " "}).code == 0


def test_a_logging_configuration_is_used(sandbox, tmp_path):
    path, log = tmp_path / "logging.yml", tmp_path / "log"
    handler = {"class": "logging.FileHandler", "filename": str(log)}
    path.write_text(
        json.dumps({"version": 1, "handlers": {"file": handler}, "root": {"handlers": ["file"], "level": "INFO"}})
    )
    output = run_tap(sandbox.settings, env={"SINGER_SDK_LOG_CONFIG": str(path)})
    assert output.code == 0
    assert "complete" in log.read_text()


BATCHES = {"encoding": {"format": "jsonl", "compression": "gzip"}}


@pytest.mark.parametrize("size", [0, -1, 1.5, "100", True])
def test_a_size_of_batch_files_that_is_none_is_one_sentence(sandbox, size):
    output = fail(sandbox.settings | {"batch_config": BATCHES | {"storage": {"root": "."}, "batch_size": size}})
    assert output.last_line.endswith("setting 'batch_config' must have a batch_size of at least 1")


@pytest.mark.parametrize(
    ("storage", "alias"),
    [({"root": "/proc/none"}, "a"), ({"root": "s3://bucket"}, "a"), ({"prefix": "a/b"}, "a"), ({}, "a/b")],
)
def test_batch_files_that_cannot_be_written_are_one_sentence(sandbox, tmp_path, storage, alias):
    config = BATCHES | {"storage": {"root": str(tmp_path), **storage}}
    maps = {"content_types": {"__alias__": alias}}
    output = fail(sandbox.settings | {"batch_config": config, "stream_maps": maps})
    assert "batch files cannot be written to" in output.last_line


def test_credentials_in_clear_are_a_warning(refused):
    output = refused(base_url="http://host.invalid", max_retries=0)
    assert "credentials cross the network unencrypted" in output.err


def test_what_the_api_sends_cannot_look_like_a_log_line(sandbox):
    item = {"type": "x\n2026-01-01 ERROR \x1b[2J", "event_at": "", "content_type_uid": "page", "data": {}}
    odd = {**item, "type": "entry_published", "content_type_uid": "page\x1b[2J\u202e"}
    body = json.dumps({"items": [item, odd], "sync_token": "token"})
    sandbox.faults.add(Fault(kind="html", status=200, body=body, times=None, path="/v3/stacks/sync"))
    output = load(sandbox)
    assert "an event that this tap does not know: 'x 2026-01-01 ERROR [2J'" in output.err
    assert not any(sign in output.err for sign in ("\x1b", "\u202e", "\n2026-01-01 ERROR"))


def test_a_run_that_fails_leaves_no_file_and_no_connection_open(sandbox):
    first = load(sandbox)
    catalog = json.loads(run_tap(sandbox.settings, "--discover").out)
    sandbox.faults.add(Fault(kind="html", status=403, times=None, path="/v3/stacks/sync"))
    files = {"state": first.state, "catalog": catalog, "env": {"PYTHONWARNINGS": "always::ResourceWarning"}}
    output = run_tap(sandbox.settings, installed=True, **files)  # a warning filter counts from an interpreter's start
    assert output.code == 1
    assert "ResourceWarning" not in output.err
