import json

import pytest

from benchmarks import __main__ as command
from benchmarks.measure import ProgramError, Server, run
from benchmarks.pipe import into_postgres
from benchmarks.programs import FIRST_TYPE, PEER_PACKAGES, Programs
from benchmarks.saved import Figures
from benchmarks.server import Service, Stack
from benchmarks.table import Goal, Row

PAGES = 2
RECORDS = 200


@pytest.fixture(scope="module")
def server():
    with Server(Stack(content_types=2, pages=PAGES, oddity="a number as text", odd_share=0.1)) as server:
        yield server


@pytest.fixture
def programs(tmp_path):
    return Programs(tmp_path)


def items(service: Service, token: str):
    items, kind = [], "sync_token" if token.startswith("sync") else "pagination_token"
    while True:
        status, body = service.answer(f"/v3/stacks/sync?{kind}={token}")
        page = json.loads(body)
        assert status == 200
        items += page["items"]
        if "pagination_token" not in page:
            assert len(items) == page["total_count"]
            return items
        token, kind = page["pagination_token"], "pagination_token"


def records(outcome, stream=None):
    messages = [json.loads(line) for line in outcome.output.splitlines()]
    return [each["record"] for each in messages if each["type"] == "RECORD" and stream in {None, each["stream"]}]


def test_every_entry_of_a_feed_has_a_uid_of_its_own():
    published = items(Service(Stack(pages=3)), "page.type_00.0")

    assert len({item["data"]["uid"] for item in published}) == 300


def test_as_many_entries_as_asked_for_do_not_fit():
    published = items(Service(Stack(pages=1, oddity="a number as text", odd_share=0.1)), "page.type_00.0")

    assert sum(isinstance(item["data"]["price"], str) for item in published) == 10


def test_a_delta_has_removals_among_its_events():
    events = {item["type"] for item in items(Service(Stack(changed_pages=2)), "sync.type_00")}

    assert events == {"entry_published", "entry_unpublished", "entry_deleted"}


def test_entries_are_of_the_size_that_the_figures_name():
    published = items(Service(Stack()), "page.type_00.0")

    assert 2200 < len(json.dumps(published, separators=(",", ":"))) / len(published) < 2400


def test_the_tap_loads_what_the_server_has(server, programs):
    outcome = run(programs.tap(server.url), keep=True)

    assert len(records(outcome, f"entries_{FIRST_TYPE}")) == RECORDS
    assert set(outcome.state["bookmarks"]) >= {"entries_type_00", "entries_type_01"}


def test_a_catalog_without_a_column_leaves_it_out(server, programs):
    catalog = programs.catalog(server.url, without={("body",)})

    loaded = records(run(programs.tap(server.url, catalog=catalog), keep=True), f"entries_{FIRST_TYPE}")

    assert len(loaded) == RECORDS
    assert not any("body" in record for record in loaded)


def test_the_plain_tap_loads_what_the_server_has(server, programs):
    outcome = run(programs.plain_tap(server.url), keep=True, profile=True)

    assert len(records(outcome, FIRST_TYPE)) == RECORDS
    assert outcome.peak > 10_000_000


@pytest.mark.parametrize("peer", PEER_PACKAGES)
def test_a_peer_loads_what_the_server_has(server, programs, peer):
    outcome = run(programs.peer(peer, server.url), keep=True)

    uids = {json.loads(line)["uid"] for line in outcome.output.splitlines()}
    assert len(uids) == RECORDS


def test_a_program_that_fails_is_named_with_its_last_words(server, programs):
    with pytest.raises(ProgramError, match=r"plain_tap failed: .*Error"):
        run(programs.plain_tap(f"{server.url}/nowhere"))


def test_a_figure_that_cannot_be_measured_says_why(monkeypatch, programs):
    monkeypatch.setattr("benchmarks.pipe._target", lambda: None)

    (row,) = into_postgres(programs)

    assert "not measured: target-postgres is not installed" in row.cells()


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        pytest.param(Goal(bound=1.2), "**no**", id="at most"),
        pytest.param(Goal(bound=1.2, at_least=True), "yes", id="at least"),
        pytest.param(None, "", id="no goal"),
    ],
)
def test_a_row_gives_median_minimum_and_maximum_and_whether_the_goal_is_met(goal, met):
    cells = Row(figure="a | b", values=[3, 1, 2], goal=goal).cells()

    assert cells[2] == "2.00 times [1.00, 3.00]"
    assert cells[-1] == met


def test_a_figure_stands_beside_that_of_the_last_release(tmp_path):
    row = Row(figure="speed", against="a peer", values=[3, 1, 2])
    before = Figures(machine="then and there")
    before.add(row)
    before.write(tmp_path / "figures.json")

    after = Figures.read(tmp_path / "figures.json")

    assert after == before
    assert after.text(row) == "2.00 times"
    assert after.text(Row(figure="speed", against="another peer", values=[1])) == ""
    assert Figures.read(tmp_path / "none.json").text(row) == ""


def test_an_unknown_figure_is_refused_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["speed"])
    assert ended.value.code == 2
    assert "rates" in capsys.readouterr().err
