"""What the sandbox promises over HTTP, asked with an ordinary client."""

from __future__ import annotations

import http.client
import json
import shlex
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Behaviour, Fault, Sandbox, Stack, seeded_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

SYNC = "/v3/stacks/sync"
CONTENT_TYPES = "/v3/content_types"


class Client:
    """Asks one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = sandbox.url
        self.timeout = 5.0
        self.session = requests.Session()
        for name in ("api_key", "access_token"):
            self.session.headers[name] = sandbox.settings[name]

    def get(self, path: str, /, **params: str) -> requests.Response:
        return self.session.get(self.url + path, params=params, timeout=self.timeout)

    def post(self, path: str, /, **body: Any) -> requests.Response:
        return self.session.post(f"{self.url}/_sandbox/{path}", json=body, timeout=5)

    def items(self, **params: str) -> list[dict[str, Any]]:
        items = []
        while True:
            answer = self.get(SYNC, **params).json()
            items += answer["items"]
            if "sync_token" in answer:
                return items
            params = {"pagination_token": answer["pagination_token"]}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(stack=seeded_stack(seed=7, entries=40), behaviour=Behaviour(), page_size=20) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(sandbox)
    yield client
    client.session.close()


def test_it_serves_what_is_published(sandbox: Sandbox, client: Client) -> None:
    brought = {
        (item["content_type_uid"], item["data"]["uid"], item["data"]["publish_details"]["locale"]): item["data"]
        for item in client.items(init="true", type="entry_published", environment="production")
    }
    assert brought == sandbox.stack.published_entries()


def test_one_connection_serves_many_requests(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    connection.connect()
    used = connection.sock
    for _ in range(3):
        connection.request("GET", "/v3/content_types")
        assert connection.getresponse().read()
        assert connection.sock is used
    connection.close()


def test_long_bodies_are_compressed_for_who_accepts_it(client: Client) -> None:
    assert client.get(SYNC, init="true").headers["Content-Encoding"] == "gzip"
    token = client.get(SYNC, init="true").json()["pagination_token"]
    zipped = client.get(SYNC, pagination_token=token)
    client.session.headers["Accept-Encoding"] = "identity"
    plain = client.get(SYNC, pagination_token=token)
    assert "Content-Encoding" not in plain.headers
    assert plain.content == zipped.content


@pytest.mark.parametrize(
    ("headers", "status", "code", "field"),
    [
        ({"api_key": "blt0000000000000000"}, 412, 109, "api_key"),
        ({"api_key": None}, 412, 109, "api_key"),
        ({"access_token": "cs00"}, 401, 105, "access_token"),
        ({"access_token": None}, 401, 105, "access_token"),
        ({"branch": "nowhere"}, 422, 141, "branch"),
    ],
)
def test_headers_that_are_not_valid_are_refused(
    client: Client, headers: dict[str, Any], status: int, code: int, field: str
) -> None:
    client.session.headers.update(headers)
    answer = client.get(SYNC, init="true")
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (status, code)
    assert body["errors"] == {field: ["is not valid."]}
    assert body["error_message"]


@pytest.mark.parametrize(
    ("path", "params", "status", "code", "field"),
    [
        (SYNC, {"init": "true", "environment": "nowhere"}, 422, 141, "environment"),
        (SYNC, {"init": "true", "type": "nothing"}, 422, 141, "type"),
        (SYNC, {"init": "true", "start_from": "soon"}, 422, 141, "start_from"),
        (SYNC, {"init": "true", "limit": "101"}, 422, 141, "limit"),
        (SYNC, {"sync_token": "foreign"}, 422, 141, "sync_token"),
        (SYNC, {"pagination_token": "foreign"}, 422, 141, "pagination_token"),
        (CONTENT_TYPES, {"limit": "101"}, 422, 141, "limit"),
        (CONTENT_TYPES, {"skip": "-1"}, 422, 141, "skip"),
        (CONTENT_TYPES + "/gone", {}, 422, 118, "uid"),
        (CONTENT_TYPES + "/gone/entries", {}, 422, 118, "uid"),
        (CONTENT_TYPES + "/story/entries/gone", {}, 422, 141, "uid"),
        (CONTENT_TYPES + "/story/entries", {"query": "{"}, 422, 141, "query"),
        ("/v3/assets/gone", {}, 404, 145, "uid"),
        ("/v3/global_fields/gone", {}, 422, 118, "uid"),
    ],
)
def test_requests_that_are_not_valid_are_refused(
    client: Client, path: str, params: dict[str, str], status: int, code: int, field: str
) -> None:
    answer = client.get(path, **params)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.json()["errors"] == {field: ["is not valid."]}


def test_a_url_beyond_8_kb_is_too_long(client: Client) -> None:
    assert client.get("/v3/assets", query=json.dumps({"uid": "x" * 9_000})).status_code == 414


def test_an_unknown_path_is_not_found(client: Client) -> None:
    assert client.get("/v3/nothing").status_code == 404


def test_content_types_are_listed_in_pages_and_counted_on_request(client: Client) -> None:
    everything = client.get(CONTENT_TYPES).json()
    assert everything.keys() == {"content_types"}
    page = client.get(CONTENT_TYPES, skip="1", limit="2", include_count="true").json()
    assert page["count"] == len(everything["content_types"])
    assert page["content_types"] == everything["content_types"][1:3]
    assert client.get(CONTENT_TYPES, skip="100").json() == {"content_types": []}


def test_global_fields_come_with_their_schema_only_when_asked_for(client: Client) -> None:
    def holders(**params: str) -> list[dict[str, Any]]:
        fields = client.get(f"{CONTENT_TYPES}/story", **params).json()["content_type"]["schema"]
        (seo,) = (field for field in fields if field["uid"] == "seo")
        (sections,) = (field for field in fields if field["uid"] == "sections")
        return [seo, sections["blocks"][3]]

    assert [holder.get("schema") for holder in holders()] == [None, None]
    schema = client.get("/v3/global_fields/seo").json()["global_field"]["schema"]
    assert [holder["schema"] for holder in holders(include_global_field_schema="true")] == [schema, schema]
    assert [one["uid"] for one in client.get("/v3/global_fields").json()["global_fields"]] == ["seo"]


def test_the_branch_is_told_as_its_alias_resolves(sandbox: Sandbox, client: Client) -> None:
    def told() -> set[str | None]:
        types = client.get(CONTENT_TYPES, include_branch="true").json()["content_types"]
        return {one.get("_branch") for one in types}

    assert told() == {"main"}
    client.session.headers["branch"] = "develop"
    assert told() == {"develop"}
    client.session.headers["branch"] = "live"
    assert told() == {"main"}
    sandbox.behaviour = Behaviour(branch_told=False)
    assert told() == {None}


def test_the_entries_endpoint_says_what_is_published_in_a_locale(sandbox: Sandbox, client: Client) -> None:
    published = sandbox.stack.published_entries("story")
    wanted = [uid for _, uid, _ in published][:10]
    query = json.dumps({"uid": {"$in": [*wanted, "bltffffffffffffffff"]}})
    for locale in ("en-us", "fr-fr", "xx-xx"):
        answer = client.get(f"{CONTENT_TYPES}/story/entries", query=query, locale=locale, include_count="true").json()
        found = {entry["uid"] for entry in answer["entries"]}
        assert found == {uid for uid in wanted if ("story", uid, locale) in published}
        assert answer["count"] == len(found)
        assert all({"ACL", "_in_progress"} <= entry.keys() for entry in answer["entries"])
    assert client.get(f"{CONTENT_TYPES}/story/entries", environment="staging").json() == {"entries": []}


def test_the_entries_endpoint_resolves_files_at_any_depth(sandbox: Sandbox, client: Client) -> None:
    sandbox.stack.publish_asset("pic")
    data = {
        "cover": "pic",
        "gallery": ["pic", "missing"],
        "sections": [{"picture": {"image": "pic"}}, {"teasers": {"style": {"background": "pic"}}}],
        "seo": {"share_image": "pic"},
        "title": "pic",
    }
    sandbox.stack.publish_entry("story", "s", data)
    entry = client.get(f"{CONTENT_TYPES}/story/entries/s").json()["entry"]
    asset = client.get("/v3/assets/pic").json()["asset"]
    assert entry["title"] == "pic"
    assert entry["cover"] == entry["seo"]["share_image"] == asset
    assert entry["gallery"] == [asset]
    assert entry["sections"][0]["picture"]["image"] == asset
    assert entry["sections"][1]["teasers"]["style"]["background"] == asset
    assert client.get("/v3/assets", query=json.dumps({"uid": {"$in": ["pic"]}})).json() == {"assets": [asset]}


def test_requests_are_recorded(sandbox: Sandbox, client: Client) -> None:
    client.get(SYNC, init="true", locale="fr-fr")
    client.get(SYNC, sync_token="foreign")
    first, second = sandbox.requests
    assert (first.method, first.path, first.status) == ("GET", SYNC, 200)
    assert first.params == {"init": "true", "locale": "fr-fr"}
    assert first.headers["api_key"] == sandbox.settings["api_key"]
    assert second.status == 422
    sandbox.requests.clear()
    assert sandbox.requests == []


def test_tokens_expire_by_kind(sandbox: Sandbox, client: Client) -> None:
    token = client.get(SYNC, init="true").json()["pagination_token"]
    sandbox.expire_tokens("sync")
    assert client.get(SYNC, pagination_token=token).status_code == 200
    sandbox.expire_tokens()
    refused = client.get(SYNC, pagination_token=token)
    assert refused.json()["errors"] == {"pagination_token": ["is not valid."]}
    with pytest.raises(ValueError, match="kind"):
        sandbox.expire_tokens("other")  # type: ignore[arg-type]


# Faults


def test_a_status_fault_strikes_as_often_as_told_and_where_told(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault(status=503, times=2, after=1, path=SYNC))
    statuses = [client.get(SYNC, init="true").status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    sandbox.faults.add(Fault(status=500, times=None, path=r"content_types/\w+$"))
    assert client.get(CONTENT_TYPES).status_code == 200
    assert {client.get(f"{CONTENT_TYPES}/story").status_code for _ in range(3)} == {500}
    sandbox.faults.clear()
    assert client.get(f"{CONTENT_TYPES}/story").status_code == 200


def test_retry_after_comes_in_seconds_or_as_a_date(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault(retry_after=3, headers={"x-ratelimit-remaining": "0"}))
    sandbox.faults.add(Fault(retry_after=3, limit_told="retry_after_date"))
    seconds, date = client.get(SYNC, init="true"), client.get(SYNC, init="true")
    assert seconds.status_code == date.status_code == 429
    assert seconds.headers["Retry-After"] == "3"
    assert seconds.headers["x-ratelimit-remaining"] == "0"
    assert 0 < parsedate_to_datetime(date.headers["Retry-After"]).timestamp() - time.time() < 4
    assert client.get(SYNC, init="true").status_code == 200


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_connections_can_break(sandbox: Sandbox, client: Client, kind: Any) -> None:
    sandbox.faults.add(Fault(kind=kind))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.get(SYNC, init="true")
    assert client.get(SYNC, init="true").status_code == 200
    assert [request.status for request in sandbox.requests] == [0 if kind == "reset" else 200, 200]


def test_a_reset_is_a_reset(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind="reset"))
    address = ("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET /v3/stacks/sync HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_body_can_be_truncated_with_a_matching_length(sandbox: Sandbox, client: Client, encoding: str) -> None:
    client.session.headers["Accept-Encoding"] = encoding
    sandbox.faults.add(Fault(kind="truncated"))
    answer = client.get(SYNC, init="true")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert client.get(SYNC, init="true").json()["items"]


@pytest.mark.parametrize("status", [200, 502])
def test_a_body_can_be_no_json(sandbox: Sandbox, client: Client, status: int) -> None:
    sandbox.faults.add(Fault(kind="html", status=status))
    answer = client.get(SYNC, init="true")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")


def test_a_token_can_be_refused_on_a_later_page(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault(kind="refused_token", after=1))
    first = client.get(SYNC, init="true").json()
    second = client.get(SYNC, pagination_token=first["pagination_token"]).json()
    third = client.get(SYNC, pagination_token=second["pagination_token"])
    assert (third.status_code, third.json()["error_code"]) == (422, 141)
    assert third.json()["errors"] == {"pagination_token": ["is not valid."]}
    assert client.get(SYNC, pagination_token=second["pagination_token"]).status_code == 200


def test_an_answer_can_be_slow_to_begin_or_to_end(sandbox: Sandbox, client: Client) -> None:
    client.timeout = 0.1
    sandbox.faults.add(Fault(kind="slow", delay=0.3))
    with pytest.raises(requests.ReadTimeout):
        client.get(SYNC, init="true")
    sandbox.faults.add(Fault(kind="drip", delay=0.2))
    begin = time.monotonic()
    answer = client.get(SYNC, init="true")
    assert answer.json()["items"]
    assert time.monotonic() - begin > 0.15


def test_random_faults_are_the_same_for_a_seed_and_survivable(sandbox: Sandbox, client: Client) -> None:
    def outcome() -> str:
        try:
            answer = client.get(SYNC, init="true")
            answer.json()
        except (requests.RequestException, ValueError) as error:
            return type(error).__name__
        return str(answer.status_code)

    def run() -> list[str]:
        sandbox.faults.clear()
        sandbox.faults.add(Fault(kind="random", times=None, probability=0.3, seed=4))
        return [outcome() for _ in range(40)]

    first = run()
    assert run() == first
    assert first.count("200") > 15
    assert len(set(first)) > 3


def test_the_rate_limit_answers_429_beyond_it(sandbox: Sandbox, client: Client) -> None:
    sandbox.rate_limit = 3
    answers = [client.get(SYNC, init="true") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].headers["x-ratelimit-limit"] == "3"
    assert answers[3].headers["Retry-After"] == "1"
    assert answers[3].json()["errors"] == {}
    sandbox.rate_limit = None
    assert client.get(SYNC, init="true").status_code == 200


def test_latency_is_added_to_each_answer(sandbox: Sandbox, client: Client) -> None:
    sandbox.latency = 0.1
    begin = time.monotonic()
    client.get(SYNC, init="true")
    assert time.monotonic() - begin >= 0.1


# The life of a sandbox


def test_a_stopped_sandbox_refuses_and_starts_again_at_the_same_place(sandbox: Sandbox, client: Client) -> None:
    token = client.get(SYNC, init="true").json()["pagination_token"]
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        client.get(SYNC, init="true")
    sandbox.start()
    assert client.get(SYNC, pagination_token=token).status_code == 200


def test_starting_and_stopping_and_an_edit_are_cheap() -> None:
    begin = time.process_time()
    for _ in range(50):
        with Sandbox(Stack()) as sandbox:
            sandbox.stack.publish_asset("x")
    assert time.process_time() - begin < 1


def test_edits_and_readers_do_not_disturb_each_other(sandbox: Sandbox) -> None:
    def edit(number: int) -> None:
        for step in range(20):
            uid = f"t{number}-{step % 5}"
            sandbox.stack.publish_entry("topic", uid, {"title": uid}, ["en-us", "fr-fr"])
            sandbox.stack.unpublish_entry("topic", uid, "fr-fr")
            if step % 3 == 0:
                sandbox.stack.delete_entry("topic", uid)

    def follow(_: int) -> set[str]:
        client = Client(sandbox)
        alive: dict[str, bool] = {}
        params = {"init": "true", "type": "entry_published,entry_deleted", "content_type_uid": "topic"}
        for _ in range(15):
            items = []
            while True:
                answer = client.get(SYNC, **params).json()
                items += answer["items"]
                if "sync_token" in answer:
                    break
                params = {"pagination_token": answer["pagination_token"]}
            for item in reversed(items):
                alive[item["data"]["uid"]] = item["type"] == "entry_published"
            params = {"sync_token": answer["sync_token"]}
        editors_done.result()
        for item in reversed(client.items(**params)):
            alive[item["data"]["uid"]] = item["type"] == "entry_published"
        client.session.close()
        return {uid for uid, is_alive in alive.items() if is_alive}

    sandbox.behaviour = Behaviour(history=False)
    with ThreadPoolExecutor(8) as pool:
        editors = [pool.submit(edit, number) for number in range(4)]
        editors_done = pool.submit(lambda: [editor.result() for editor in editors])
        followers = list(pool.map(follow, range(3)))
    published = {uid for _, uid, _ in sandbox.stack.published_entries("topic")}
    assert followers == [published] * 3


# The admin


def test_the_admin_edits_and_shows_what_is_published(sandbox: Sandbox, client: Client) -> None:
    content_type = {"uid": "memo", "schema": [{"uid": "title", "data_type": "text"}]}
    assert client.post("add_content_type", **content_type).json() == {"events": 0}
    edit = {"content_type_uid": "memo", "uid": "m", "data": {"title": "M"}, "locales": ["fr-fr", "en-us"]}
    assert client.post("publish_entry", **edit).json() == {"events": 2}
    shown = client.get("/_sandbox/published/memo").json()
    assert [(row["uid"], row["locale"], row["data"]["title"]) for row in shown] == [
        ("m", "fr-fr", "M"),
        ("m", "en-us", "M"),
    ]
    assert client.get("/_sandbox/published").json()["memo"] == 2
    client.post("unpublish_entry", content_type_uid="memo", uid="m", locale="fr-fr")
    client.post("change_content_type", uid="memo", title="Memos")
    assert sandbox.stack.content_types["memo"]["title"] == "Memos"
    client.post("delete_content_type", uid="memo")
    assert "memo" not in client.get("/_sandbox/published").json()
    client.post("publish_asset", uid="x", data={})
    assert "x" in {row["uid"] for row in client.get("/_sandbox/published/sys_assets").json()}


def test_the_admin_turns_every_switch(sandbox: Sandbox, client: Client) -> None:
    assert client.post("behaviour", order="shuffled").json()["order"] == "shuffled"
    assert sandbox.behaviour == Behaviour(order="shuffled")
    tuning = client.post("tuning", page_size=3).json()
    assert tuning == {"latency": 0.0, "rate_limit": None, "page_size": 3, "cdn_seconds": None}
    assert client.post("faults", status=500, path=SYNC).json()[0]["status"] == 500
    assert client.get(SYNC, init="true").status_code == 500
    assert client.get("/_sandbox/faults").json() == []
    token = client.get(SYNC, init="true").json()["pagination_token"]
    assert client.post("expire_tokens").json() == {}
    assert client.get(SYNC, pagination_token=token).status_code == 422
    counted = client.get("/_sandbox/requests").json()
    assert counted == {"total": 3, "by_path": {SYNC: 3}, "by_status": {"500": 1, "200": 1, "422": 1}}
    client.session.delete(f"{sandbox.url}/_sandbox/requests", timeout=5)
    assert sandbox.requests == []


def test_the_admin_lists_its_requests_with_examples_that_work(sandbox: Sandbox, client: Client) -> None:
    listed = client.get("/_sandbox/").json()
    assert {each["request"] for each in listed} >= {"POST /_sandbox/delete_locale", "GET /_sandbox/published"}
    for each in sorted(listed, key=lambda each: "delete" in each["request"]):
        assert each["does"]
        result = subprocess.run([*shlex.split(each["example"]), "--silent"], capture_output=True, text=True, check=True)
        assert "error" not in json.loads(result.stdout), each
    assert all(request.status == 200 for request in sandbox.requests)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("publish_entry", {"uid": "x"}, 400),
        ("publish_entry", {"content_type_uid": "gone", "uid": "x", "data": {}}, 400),
        ("behaviour", {"mood": "good"}, 400),
        ("behaviour", {"order": "upside_down"}, 400),
        ("faults", {"kind": "earthquake"}, 400),
        ("faults", {"limit_told": "by post"}, 400),
        ("delete_locale", {"locale": "en-us"}, 400),
        ("tuning", {"stack": 1}, 400),
        ("nothing", {}, 404),
    ],
)
def test_the_admin_says_what_is_wrong(client: Client, path: str, body: dict[str, Any], status: int) -> None:
    answer = client.post(path, **body)
    assert answer.status_code == status
    assert answer.json()["error"]


def start(*options: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start the command, and return the variables that it prints, as a shell reads them."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = "".join(process.stdout.readline() for _ in range(4))
    reader = shlex.join([sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"])
    script = f"set -a; . /dev/stdin; exec {reader}"
    shell = subprocess.run(["sh", "-c", script], input=lines, capture_output=True, text=True, check=True)
    prefix = "TAP_CONTENTSTACK_"
    environment = json.loads(shell.stdout)
    sourced = {name.removeprefix(prefix): value for name, value in environment.items() if name.startswith(prefix)}
    return process, sourced


def test_the_command_prints_settings_to_be_sourced_serves_and_stops_on_sigterm() -> None:
    process, settings = start("--entries", "5", "--seed", "9", "--latency", "0.2")
    with process:
        headers = {"api_key": settings["API_KEY"], "access_token": settings["ACCESS_TOKEN"]}
        address = settings["BASE_URL"]
        answer = requests.get(address + SYNC, params={"init": "true"}, headers=headers, timeout=5)
        assert answer.status_code == 200
        assert requests.get(f"{address}/_sandbox/tuning", timeout=5).json()["latency"] == 0.2
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0


def test_a_port_in_use_is_one_sentence_that_names_another(sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--port", port, "--entries", "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"Port {port} is in use: choose another (make sandbox PORT={int(port) + 1}; PORT=0 picks a free one)."
    ]


@pytest.mark.parametrize(
    ("told", "headers"),
    [
        ("retry_after", {"Retry-After": "1"}),
        ("retry_after_zero", {"Retry-After": "0"}),
        ("retry_after_date", {"Retry-After": "Thu, 01 Jan 2026 00:00:01 GMT"}),
        ("remaining", {"x-ratelimit-remaining": "0"}),
        ("reset", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225601"}),
        ("reset_time", {"x-ratelimit-remaining": "0", "x-ratelimit-reset-time": "2026-01-01T00:00:01.000Z"}),
        (None, {}),
    ],
)
def test_a_phase_of_throttling_tells_of_the_limit_in_each_way_and_ends(told: Any, headers: dict[str, str]) -> None:
    now = 1767225600.0
    with Sandbox(Stack(), now=lambda: now) as sandbox:
        client = Client(sandbox)
        sandbox.faults.add(Fault(status=429, times=None, seconds=30, limit_told=told))
        for moment in (0, 29.9):
            now = 1767225600.0 + moment
            answer = client.get(SYNC, init="true")
            assert answer.status_code == 429
        told_at_the_start = Fault(status=429, limit_told=told).all_headers(1767225600.0)
        assert told_at_the_start == headers
        assert headers.keys() <= answer.headers.keys()
        now += 0.1
        assert client.get(SYNC, init="true").status_code == 200
        client.session.close()


def test_a_fault_finds_its_requests_by_the_decoded_query(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault(kind="html", status=403, times=None, path="[$]in"))
    query = json.dumps({"uid": {"$in": ["a"]}})
    assert client.get("/v3/assets", query=query).status_code == 403
    assert client.get("/v3/assets").status_code == 200


def test_an_error_may_lack_what_it_blames_and_can_be_followed_up(sandbox: Sandbox, client: Client) -> None:
    sandbox.faults.add(Fault(status=412, code=109, message="Who?", fields=None))
    answers = [client.get(SYNC, init="true") for _ in range(2)]
    assert answers[0].json() == {"error_message": "Who?", "error_code": 109}
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2


def test_the_cdn_keeps_answers_until_an_edit_purges_them_but_for_deleted_assets(
    sandbox: Sandbox, client: Client
) -> None:
    sandbox.cdn_seconds = 60
    counted = {"include_count": "true", "limit": "1"}
    before = client.get("/v3/assets", **counted)
    assert (before.headers["x-cache"], before.headers["Age"]) == ("MISS", "0")
    uid = before.json()["assets"][0]["uid"]
    sandbox.stack.delete_asset(uid)
    again = client.get("/v3/assets", **counted)
    assert (again.headers["x-cache"], again.json()) == ("HIT", before.json())
    sandbox.stack.publish_asset("new", {})
    purged = client.get("/v3/assets", **counted)
    assert purged.headers["x-cache"] == "MISS"
    assert purged.json()["count"] == len([key for key in sandbox.stack.published_assets() if key[1] == "en-us"])
