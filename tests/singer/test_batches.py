"""Records that a batch file has not got yet: they are kept until it is written, or their version is over."""

from __future__ import annotations

import gzip
import json
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest

from tap_contentstack.errors import TapError
from tap_contentstack.sdk import BatchConfig
from tap_contentstack.singer.batches import BatchOutput


class Messages:
    """A writer that keeps what it gets."""

    def __init__(self) -> None:
        self.manifests: list[str] = []

    def write_message(self, message: t.Any) -> None:
        self.manifests += message.manifest


@pytest.fixture
def writer():
    return Messages()


@pytest.fixture
def output(writer, tmp_path):
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": str(tmp_path / "batches")},
        "batch_size": 2,
    }
    each: t.Any = SimpleNamespace(removes_all=False, alias="pages", rows=lambda record, **_: [record])
    schema = {"properties": {"uid": {"type": "string"}}}
    mask: t.Any = {("properties", "uid"): True}
    return BatchOutput(writer, [each], schema, mask, tap="tap", config=BatchConfig.from_dict(config))


def test_what_could_not_be_written_is_still_held_back(output, writer, tmp_path):
    folder = tmp_path / "batches"
    folder.write_text("no folder")
    messages = [output.message({"uid": uid}) for uid in "abc"]
    with pytest.raises(TapError, match="batch files cannot be written to"):
        output.write(messages)
    assert output.holds_back
    with pytest.raises(TapError, match="batch files cannot be written to"):
        output.finish()
    assert output.holds_back
    folder.unlink()
    output.finish()
    assert not output.holds_back
    (manifest,) = writer.manifests
    lines = gzip.decompress(Path(manifest.removeprefix("file://")).read_bytes()).splitlines()
    assert [json.loads(line)["uid"] for line in lines] == ["a", "b"]


def test_what_is_held_back_of_an_older_version_is_dropped(output, writer):
    output.write([output.message({"uid": "a"})])
    output.begin(8)
    assert not output.holds_back
    output.finish()
    assert writer.manifests == []
