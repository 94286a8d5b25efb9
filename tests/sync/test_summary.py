"""A run's summary: written whole or not at all, and printed as Markdown."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections import Counter

import pytest

from tap_contentstack.errors import SettingsError
from tap_contentstack.summary import markdown
from tap_contentstack.sync.progress import Progress
from tap_contentstack.sync.summary import Ending, StreamEnding, Summary
from tests.model.clock import BEGINNING, Clock

LOGGER = logging.getLogger("test")
UNFINISHED = Ending("unfinished", 75, "Unfinished: run again")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock) -> Progress:
    progress = Progress(LOGGER, BEGINNING, clock)
    blog = progress.of("entries_blog")
    blog.begin_pass()
    clock.now += 2.5
    blog.add_page(100, 250)
    blog.records, blog.tombstones, blog.reloaded = 98, 1, True
    return progress


def written(path, progress, ending=UNFINISHED) -> dict[str, object]:
    streams = {
        "entries_blog": StreamEnding("unfinished", "time", "2027-01-15T08:00:02Z"),
        "assets": StreamEnding("complete"),
    }
    progress.of("assets").complete = True
    counts = Counter(requests=7, retries=1, bytes=1000, cached_answers=2)
    Summary(str(path), "1.2.3", LOGGER).write(ending, progress, streams, counts, 0.5)
    return json.loads(path.read_text())


def test_a_summary_has_the_documented_shape(tmp_path, progress):
    assert written(tmp_path / "summary.json", progress) == {
        "format": 1,
        "tap_version": "1.2.3",
        "outcome": "unfinished",
        "exit_code": 75,
        "reason": "Unfinished: run again",
        "started_at": "2027-01-15T08:00:00Z",
        "ended_at": "2027-01-15T08:00:02Z",
        "seconds": 2.5,
        "totals": {
            "records": 98,
            "tombstones": 1,
            "requests": 7,
            "retries": 1,
            "bytes": 1000,
            "cached_answers": 2,
            "throttled_seconds": 0.5,
        },
        "streams": {
            "entries_blog": {
                "outcome": "unfinished",
                "reason": "time",
                "served_at": "2027-01-15T08:00:02Z",
                "records": 98,
                "tombstones": 1,
                "pages": 1,
                "median_page_seconds": 2.5,
                "items_left": 150,
                "reloaded": True,
            },
            "assets": {
                "outcome": "complete",
                "reason": None,
                "served_at": None,
                "records": 0,
                "tombstones": 0,
                "pages": 0,
                "median_page_seconds": None,
                "items_left": 0,
                "reloaded": False,
            },
        },
    }


def test_a_summary_replaces_the_one_before_and_leaves_nothing_beside_it(tmp_path, progress):
    path = tmp_path / "summary.json"
    path.write_text("something that is longer than what comes in its place " * 100)
    written(path, progress)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_an_error_at_the_start(tmp_path):
    with pytest.raises(SettingsError, match=r"summary_path: .* cannot be written: No such file or directory"):
        Summary(str(tmp_path / "nowhere" / "summary.json"), "1", LOGGER)
    with pytest.raises(SettingsError, match="is not a file"):
        Summary(str(tmp_path), "1", LOGGER)
    with pytest.raises(SettingsError, match="is not a file"):
        Summary("/dev/null", "1", LOGGER)


@pytest.mark.parametrize(
    ("name", "reason"), [("a\0b", "embedded null"), ("n" * 300, "File name too long")], ids=["null", "long"]
)
def test_a_name_that_no_file_can_have_is_an_error_at_the_start(tmp_path, name, reason):
    with pytest.raises(SettingsError, match=rf"summary_path: .* cannot be written: .*{reason}"):
        Summary(str(tmp_path / name), "1", LOGGER)


def test_the_check_at_the_start_leaves_the_last_summary_alone(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text("{}")
    Summary(str(path), "1", LOGGER)
    assert path.read_text() == "{}"
    assert list(tmp_path.iterdir()) == [path]


def test_markdown_shows_first_what_is_not_complete(tmp_path, progress):
    assert markdown(written(tmp_path / "summary.json", progress)).splitlines() == [
        "**unfinished** (exit code 75) after 2.5 s: 98 records, 1 tombstones, 7 requests",
        "",
        "Unfinished: run again",
        "",
        "| stream | outcome | records | tombstones | pages | seconds a page | items left |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        "| entries_blog | unfinished | 98 | 1 | 1 | 2.5 | 150 |",
        "| assets | complete | 0 | 0 | 0 |  | 0 |",
    ]


def test_text_from_outside_breaks_no_markdown(tmp_path, progress):
    ending = Ending("failed", 1, "a | b <script>")
    assert "a \\| b &lt;script>" in markdown(written(tmp_path / "summary.json", progress, ending))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        ("[1]", "is not the summary"),
        ("{", "is not the summary"),
        ("{}", "is not the summary"),
    ],
)
def test_what_is_no_summary_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "summary.json"
    if content is not None:
        path.write_text(content)
    command = [sys.executable, "-m", "tap_contentstack.summary", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
