"""The SDK's own suite against the sandbox, and what is relied on of the SDK beyond its public seams.

Where one of the latter fails after an upgrade, `tap_contentstack/sdk.py` says what it is for.
"""

from __future__ import annotations

import ast
import copy
import gzip
import inspect
import json
import signal
import subprocess
import sys
import threading
import typing as t
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from singer_sdk import Stream, Tap
from singer_sdk import typing as th
from singer_sdk.batch import Batcher
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers._batch import BatchConfig, SDKBatchMessage
from singer_sdk.helpers._catalog import get_selected_schema, pop_deselected_record_properties
from singer_sdk.io_base import GenericSingerWriter
from singer_sdk.mapper import PluginMapper, SameRecordTransform
from singer_sdk.singerlib import Catalog, MetadataMapping
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from typing_extensions import override

from sandbox import Sandbox, Stack, seeded_stack
from tap_contentstack.schema.shapes import ANY_JSON
from tap_contentstack.sdk import SelfWritingStream, changes_nothing
from tap_contentstack.singer.writer import Writer
from tap_contentstack.tap import TapContentstack
from tests.tap_process import LOADS

Json: t.TypeAlias = dict[str, t.Any]

HANDLERS = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

# The suite asks for the streams while it is collected, so its sandbox is there for as long as this process.
suite = Sandbox(seeded_stack(seed=17, entries=40)).start()


def is_free(values: t.Any) -> bool:
    """Return whether a test of the suite is about a column that may hold any JSON."""
    column = getattr(values, "attribute_name", None)
    return column is not None and values.stream.schema["properties"][column].items() >= ANY_JSON.items()


TestTapContentstack = get_tap_test_class(
    TapContentstack,
    config=suite.settings,
    suite_config=SuiteConfig(ignore_no_records_for_streams=[LOADS]),
)
TestCombined = get_tap_test_class(
    TapContentstack,
    config={**suite.settings, "entry_streams": "combined"},
    suite_config=SuiteConfig(ignore_no_records_for_streams=[LOADS]),
)
for tests in (TestTapContentstack, TestCombined):
    # Not every column has a value in some record.
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning")(tests)
    pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning")(tests)
    # The suite takes a column that may hold any JSON for one of each type.
    for name, params in list(tests.params.items()):
        typed = [each for each in params if not is_free(each.values)]
        tests.params[name] = typed
        if not typed and name in vars(tests):
            delattr(tests, name)


def give_signals_back() -> None:
    """Restore the handlers that a tap takes when it is made."""
    for number, handler in HANDLERS.items():
        signal.signal(number, handler)


give_signals_back()


@pytest.fixture(autouse=True)
def _signals():
    yield
    give_signals_back()


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    stack = Stack(locales=("en-us", "fr-fr"))
    stack.add_content_type({"uid": "page", "schema": [{"uid": "title", "data_type": "text"}]})
    stack.publish_entry("page", "page1", {}, ["en-us", "fr-fr"])
    with Sandbox(stack) as sandbox:
        yield sandbox


@pytest.fixture
def tap(sandbox) -> TapContentstack:
    return TapContentstack(config=sandbox.settings)


def written(capture: pytest.CaptureFixture[bytes]) -> list[Json]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


# What of the SDK is overridden: its name and arguments, and that the SDK still calls it


class Recorder(SelfWritingStream):
    """Notes that it is asked to load."""

    primary_keys = ("uid",)

    def __init__(self, tap: Tap) -> None:
        schema = th.PropertiesList(th.Property("uid", th.StringType, required=True)).to_dict()
        super().__init__(tap, name="recorder", schema=schema)
        self.loaded = 0
        self._writer = Writer()

    @property
    @override
    def message_writer(self) -> Writer:
        return self._writer

    @override
    def load(self) -> None:
        self.loaded += 1

    @override
    def get_records(self, context: object) -> t.Iterable[Json]:
        msg = "the SDK reads records by itself"
        raise AssertionError(msg)


def test_sync_hands_over_to_the_stream_itself_and_writes_one_schema_alone(tap, capfdbinary):
    stream = Recorder(tap)
    tap.mapper.register_raw_stream_schema(stream.name, stream.schema, stream.primary_keys)
    stream.sync()
    stream.sync()
    assert stream.loaded == 2
    stream.message_writer.flush()
    assert [each["type"] for each in written(capfdbinary)] == ["SCHEMA"]


def test_sync_hands_over_with_a_batch_config_too(sandbox, tmp_path, capfdbinary):
    batch_config = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    tap = TapContentstack(config={**sandbox.settings, "batch_config": batch_config})
    stream = Recorder(tap)
    tap.mapper.register_raw_stream_schema(stream.name, stream.schema, stream.primary_keys)
    stream.sync()
    assert stream.loaded == 1
    assert "BATCH" not in {each["type"] for each in written(capfdbinary)}


def test_a_start_over_is_announced_even_while_another_stream_writes_the_state(tap, capfdbinary, monkeypatch):
    """The SDK writes a state, then copies it to compare the next one with."""
    page = tap.streams["entries_page"]
    page.plan()
    copying, ready = threading.Event(), threading.Event()

    def slowly(state: Json) -> Json:
        copying.set()
        ready.wait(0.2)
        return copy.deepcopy(state)

    monkeypatch.setattr("singer_sdk.helpers._state.copy", SimpleNamespace(deepcopy=slowly))
    writing = threading.Thread(target=tap.streams["assets"].write_state)
    writing.start()
    copying.wait(5)
    page.begin()
    ready.set()
    writing.join()
    assert written(capfdbinary)[-1]["value"]["bookmarks"]["entries_page"]["version"] == page.bookmark.version


def test_the_option_that_sweeps_before_the_records_has_no_effect(sandbox, capfdbinary):
    tap = TapContentstack(config={**sandbox.settings, "emit_activate_version_messages": True})
    for stream in tap.streams.values():
        stream.sync()
    order = [(each["type"], each.get("stream")) for each in written(capfdbinary)]
    for name in tap.streams.keys() - {LOADS}:
        own = [kind for kind, stream in order if stream == name]
        assert own.count("ACTIVATE_VERSION") == 1
        assert own[-1] == "ACTIVATE_VERSION"


def test_sync_all_of_the_sdk_writes_the_same_tables_one_after_the_other(tap, capfdbinary):
    tap.sync_all()
    messages = written(capfdbinary)
    assert sum(each["type"] == "RECORD" and each["stream"] != LOADS for each in messages) == 3
    assert [each["type"] for each in messages].count("SCHEMA") == len(tap.streams)
    last = [each["value"] for each in messages if each["type"] == "STATE"][-1]
    assert last["bookmarks"]["entries_page"]["replication_key_value"]


@pytest.mark.parametrize(
    ("owner", "name", "arguments"),
    [
        (Stream, "_sync_records", ["self", "context", "write_messages"]),
        (Stream, "_sync_batches", ["self", "batch_config", "context"]),
        (Stream, "_write_schema_message", ["self"]),
        (Stream, "_write_activate_version_message", ["self", "full_table_version"]),
        (Stream, "finalize_state_progress_markers", ["self", "state"]),
        (Stream, "apply_catalog", ["self", "catalog"]),
        (Stream, "get_batch_config", ["self", "config"]),
        (Tap, "_validate_config", ["self", "raise_errors"]),
        (Tap, "_handle_termination", ["self", "signum", "frame"]),
        (Tap, "load_state", ["self", "state"]),
        (PluginMapper, "register_raw_stream_schema", ["self", "stream_name", "schema", "key_properties"]),
        (GenericSingerWriter, "write_message", ["self", "message"]),
        (GenericSingerWriter, "serialize_message", ["self", "message"]),
        (Batcher, "get_batches", ["self", "records"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_member_that_is_relied_on_takes_the_same_arguments(owner, name, arguments):
    function = getattr(owner, name)
    function = getattr(function, "__func__", function)
    assert [each for each in inspect.signature(function).parameters if each != "cls"] == arguments


@pytest.mark.parametrize("name", ["emit_activate_version_messages", "effective_schema", "metadata", "selected", "mask"])
def test_what_is_overridden_as_a_property_is_one(name):
    assert isinstance(inspect.getattr_static(Stream, name), property)


def test_every_override_of_the_tap_overrides_something():
    package = Path(inspect.getfile(TapContentstack)).parent
    for file in package.rglob("*.py"):
        tree = ast.parse(file.read_text())
        namespace = vars(
            sys.modules.get(".".join(("tap_contentstack", *file.relative_to(package).with_suffix("").parts)), ast)
        )
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for function in node.body:
                decorators = [ast.unparse(each) for each in getattr(function, "decorator_list", ())]
                if isinstance(function, ast.FunctionDef) and "override" in decorators:
                    bases = namespace[node.name].__mro__[1:]
                    assert any(function.name in vars(base) for base in bases), f"{node.name}.{function.name}"


def test_the_sdks_final_sync_looks_as_it_did_when_this_was_built():
    """`sync` is final: what it does around `_sync_records` is known from its source alone."""
    source = inspect.getsource(Stream.sync)
    for call in ("_write_schema_message()", "_sync_records(context=context)", "_sync_batches(batch_config"):
        assert call in source
    assert "emit_activate_version_messages" in source
    assert "_sync_batches" not in inspect.getsource(Stream._sync_records)


def test_an_upgrade_of_the_sdk_is_a_decision():
    assert version("singer-sdk").split(".")[:2] == ["0", "54"]


# Configuration and signals


def test_a_configuration_is_checked_without_the_sdks_texts_that_quote_values(sandbox, caplog):
    secret = "cs-a-token-of-the-wrong-type"
    with pytest.raises(SingerSDKError) as caught:
        TapContentstack(config={**sandbox.settings, "access_token": [secret]})
    assert secret not in str(caught.value)
    assert secret not in caplog.text


def test_the_sdk_installs_the_taps_own_handler(tap):
    assert signal.getsignal(signal.SIGTERM) == tap._handle_termination
    assert signal.getsignal(signal.SIGINT) == tap._handle_termination


def test_the_message_writer_is_the_taps_own(tap):
    assert isinstance(tap.message_writer, Writer)
    assert tap.state_writer is not None


# Selection and mapping


SCHEMA: Json = {
    "type": "object",
    "properties": {
        "uid": {"type": "string"},
        "group": {"type": ["object", "null"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
        "other": {"type": "string"},
    },
}


@pytest.fixture
def mask():
    metadata = MetadataMapping.get_standard_metadata(schema=SCHEMA, key_properties=["uid"])
    metadata.root.selected = True
    metadata["properties", "group", "properties", "b"].selected = False
    metadata["properties", "other"].selected = False
    return metadata.resolve_selection()


def test_a_mask_says_of_each_path_whether_it_is_selected(mask):
    assert mask["properties", "uid"]
    assert not mask["properties", "other"]
    assert ("properties", "group", "properties", "b") in {path for path, selected in mask.items() if not selected}


def test_deselected_columns_are_taken_out_of_schemas_and_records_at_any_depth(mask):
    selected = get_selected_schema("stream", SCHEMA, mask)
    assert selected["properties"].keys() == {"uid", "group"}
    assert selected["properties"]["group"]["properties"].keys() == {"a"}
    record = {"uid": "1", "group": {"a": "x", "b": "y"}, "other": "z"}
    pop_deselected_record_properties(record, SCHEMA, mask)
    assert record == {"uid": "1", "group": {"a": "x"}}


@pytest.mark.parametrize(
    ("config", "stream", "nothing"),
    [
        ({}, "entries_page", True),
        ({"flattening_enabled": True, "flattening_max_depth": 1}, "entries_page", False),
        ({"stream_maps": {"entries_page": {"title": None}}}, "entries_page", False),
        ({"stream_maps": {"entries_page": {"title": None}}}, "assets", True),
        ({"stream_maps": {"__else__": None}}, "assets", False),
    ],
    ids=["none", "flattening", "a map", "a map of another stream", "else"],
)
def test_only_maps_that_change_nothing_are_bypassed(sandbox, config, stream, nothing):
    tap = TapContentstack(config={**sandbox.settings, **config})
    maps = tap.streams[stream].stream_maps
    assert changes_nothing(maps, stream) == nothing
    if nothing:
        (only,) = maps
        assert type(only) is SameRecordTransform
        assert only.transform({"uid": "1"}) == {"uid": "1"}


def test_a_sweep_is_announced_under_the_names_that_maps_give(sandbox, capfdbinary):
    tap = TapContentstack(config={**sandbox.settings, "stream_maps": {"entries_page": {"__alias__": "pages"}}})
    tap.streams["entries_page"].sync()
    messages = written(capfdbinary)
    assert [each["stream"] for each in messages if each["type"] == "ACTIVATE_VERSION"] == ["pages"]
    assert {each["stream"] for each in messages if each["type"] == "RECORD"} == {"pages", LOADS}


def test_a_catalogs_selection_reaches_the_stream(sandbox, tap):
    catalog = Catalog.from_dict(tap.catalog_dict)
    catalog["entries_page"].metadata["properties", "title"].selected = False
    stream = TapContentstack(config=sandbox.settings, catalog=catalog.to_dict()).streams["entries_page"]
    assert not stream.mask["properties", "title"]
    assert stream.mask["properties", "uid"]


# Batches


def test_a_batcher_writes_files_and_a_message_names_them(tmp_path):
    config = BatchConfig.from_dict(
        {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    )
    batcher = Batcher(tap_name="tap", stream_name="stream", batch_config=config)
    manifests = list(batcher.get_batches(iter([{"a": 1}, {"a": 2}])))
    assert len(manifests) == 1
    message = SDKBatchMessage(stream="stream", encoding=config.encoding, manifest=manifests[0])
    (file,) = message.to_dict()["manifest"]
    lines = gzip.decompress(Path(file.removeprefix("file://")).read_bytes()).splitlines()
    assert [json.loads(line) for line in lines] == [{"a": 1}, {"a": 2}]


# The records that a stream returns when it is asked for them without a run


def test_records_can_be_had_without_a_run(tap):
    records = list(tap.streams["entries_page"].get_records(None))
    assert {(each["uid"], each["_publish_locale"]) for each in records} == {("page1", "en-us"), ("page1", "fr-fr")}
    assert [each["uid"] for each in tap.streams["content_types"].get_records(None)] == ["page"]


def test_the_module_runs_as_the_command_does():
    command = [sys.executable, "-m", "tap_contentstack", "--version"]
    assert subprocess.check_output(command).startswith(b"tap-contentstack v")
