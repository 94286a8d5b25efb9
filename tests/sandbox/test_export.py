"""An exported stack in the sandbox: its folder as the vendor's tool writes it, and what the feed then sends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import typing as t

import pytest

from sandbox import Sandbox
from sandbox.export import ExportError, load_export
from tests.tap_process import Json, load

if t.TYPE_CHECKING:
    from pathlib import Path

LIVE, DRAFTS = "blt00000000000live", "blt0000000000drafts"
PICTURE = {
    "uid": "bltpicture",
    "filename": "boat.png",
    "title": "boat.png",
    "content_type": "image/png",
    "file_size": "2048",
    "is_dir": False,
    "_version": 2,
    "tags": [],
}
SEA = {"uid": "bltsea", "filename": "sea.png", "is_dir": False}


def field(uid: str, data_type: str, **more: t.Any) -> Json:
    return {"uid": uid, "data_type": data_type, "display_name": uid, **more}


CARD = {"uid": "card", "title": "Card", "schema": [field("icon", "file"), field("label", "text")]}
PORT = {
    "uid": "port",
    "title": "Port",
    "schema": [
        field("title", "text"),
        field("photo", "file"),
        field("gallery", "file", multiple=True),
        field("pier", "group", schema=[field("map", "file"), field("depth", "number")]),
        field("piers", "group", multiple=True, schema=[field("map", "file")]),
        field("card", "global_field", reference_to="card"),
        field(
            "parts",
            "blocks",
            multiple=True,
            blocks=[
                {"uid": "view", "title": "View", "schema": [field("image", "file")]},
                {"uid": "box", "title": "Box", "reference_to": "card"},
            ],
        ),
        field("ships", "reference", reference_to=["ship"]),
    ],
}
SHIP = {"uid": "ship", "title": "Ship", "schema": [field("title", "text")]}


def published(*places: tuple[str, str]) -> list[Json]:
    """Return the details of an export: a list of environments and locales."""
    return [
        {"environment": environment, "locale": locale, "time": "2024-05-06T07:08:09.000Z", "version": 3}
        for environment, locale in places
    ]


HARBOUR = {
    "uid": "bltharbour",
    "title": "Harbour",
    "locale": "en-us",
    "_version": 3,
    "tags": ["old"],
    "photo": PICTURE,
    "gallery": [PICTURE, SEA],
    "pier": {"map": SEA, "depth": 4.5},
    "piers": [{"map": PICTURE}, {"map": None}],
    "card": {"icon": SEA, "label": "a card"},
    "parts": [{"view": {"image": PICTURE}}, {"box": {"icon": SEA}}, {"gone": {"image": SEA}}],
    "ships": [{"uid": "bltship", "_content_type_uid": "ship"}],
    "publish_details": published((LIVE, "en-us"), (LIVE, "fr-fr"), (LIVE, "de-de"), (DRAFTS, "en-us")),
}
PORT_FR = {**HARBOUR, "title": "Le port", "locale": "fr-fr", "publish_details": published((LIVE, "fr-fr"))}


def write(folder: Path, files: t.Mapping[str, object]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content))
    return folder


def one_file_a_locale() -> Json:
    """The older layout: all content types in one file, the entries of a locale in one file."""
    return {
        "content_types/schema.json": [PORT, SHIP],
        "global_fields/globalfields.json": [CARD],
        "locales/locales.json": {"blt1": {"code": "fr-fr", "fallback_locale": "en-us"}},
        "assets/assets.json": {
            "bltpicture": {**PICTURE, "urlPath": "/a", "publish_details": published((LIVE, "en-us"), (LIVE, "fr-fr"))},
            "bltsea": {**SEA, "publish_details": []},
        },
        "entries/port/en-us.json": {"bltharbour": HARBOUR},
        "entries/port/fr-fr.json": {"bltharbour": PORT_FR},
        "entries/ship/en-us.json": {"bltship": {"title": "Ship"}},
    }


def one_folder_a_locale() -> Json:
    """The newer layout: a file for each content type too, and folders whose index names the files of entries."""
    old = one_file_a_locale()
    return {
        "export-info.json": {"contentVersion": 2},
        "content_types/port.json": PORT,
        "content_types/ship.json": SHIP,
        "content_types/schema.json": [PORT, SHIP],
        "global_fields/card.json": CARD,
        "locales/master-locale.json": {"blt0": {"code": "en-us", "fallback_locale": None}},
        "locales/locales.json": {"blt1": {"code": "fr-fr", "fallback_locale": "en-us"}},
        "environments/environments.json": {
            LIVE: {"uid": LIVE, "name": "live"},
            DRAFTS: {"uid": DRAFTS, "name": "drafts"},
        },
        "assets/assets.json": {"1": "0a1b-assets.json"},
        "assets/0a1b-assets.json": old["assets/assets.json"],
        "assets/folders.json": [{"uid": "bltfolder", "is_dir": True}],
        "entries/port/en-us/index.json": {"1": "77-entries.json"},
        "entries/port/en-us/77-entries.json": {"bltharbour": HARBOUR},
        "entries/port/en-us/versions/bltharbour.json": [{**HARBOUR, "title": "Old"}],
        "entries/port/fr-fr/index.json": {"1": "78-entries.json"},
        "entries/port/fr-fr/78-entries.json": {"bltharbour": PORT_FR},
        "entries/ship/en-us/79-entries.json": {"bltship": {"title": "Ship"}},
    }


@pytest.fixture(params=[one_file_a_locale, one_folder_a_locale], ids=lambda layout: layout.__name__)
def export(request, tmp_path):
    return load_export(write(tmp_path, request.param()))


def test_files_at_every_depth_become_the_uids_of_their_assets(export):
    entry = export.stack.published_entries()["port", "bltharbour", "en-us"]
    assert entry["photo"] == "bltpicture"
    assert entry["gallery"] == ["bltpicture", "bltsea"]
    assert entry["pier"] == {"map": "bltsea", "depth": 4.5}
    assert entry["piers"] == [{"map": "bltpicture"}, {"map": None}]
    assert entry["card"] == {"icon": "bltsea", "label": "a card"}
    # Of a block that the content type has lost nothing tells which of its fields are files.
    assert entry["parts"] == [{"view": {"image": "bltpicture"}}, {"box": {"icon": "bltsea"}}, {"gone": {"image": SEA}}]
    assert entry["ships"] == HARBOUR["ships"]


def test_an_entry_is_published_where_its_details_say(export):
    entries = export.stack.published_entries()
    assert {key[1:] for key in entries if key[0] == "port"} == {
        ("bltharbour", "en-us"),
        ("bltharbour", "fr-fr"),
        ("bltharbour", "de-de"),
    }
    # What is localized wins over what falls back, and what falls back keeps the locale of its content.
    assert entries["port", "bltharbour", "fr-fr"]["title"] == "Le port"
    assert (entries["port", "bltharbour", "de-de"]["title"], entries["port", "bltharbour", "de-de"]["locale"]) == (
        "Harbour",
        "en-us",
    )
    assert entries["port", "bltharbour", "de-de"]["publish_details"] == {
        "environment": LIVE,
        "locale": "de-de",
        "time": "2024-05-06T07:08:09.000Z",
    }
    assert entries["port", "bltharbour", "en-us"]["_version"] == 3
    # One without details is published to the locale of its file.
    assert entries["ship", "bltship", "en-us"]["publish_details"]["locale"] == "en-us"


def test_assets_have_a_locale_in_their_details_only(export):
    assets = export.stack.published_assets()
    assert assets.keys() == {("bltpicture", "en-us"), ("bltpicture", "fr-fr")}
    asset = assets["bltpicture", "fr-fr"]
    assert asset.keys().isdisjoint({"locale", "urlPath"})
    assert (asset["publish_details"]["locale"], asset["file_size"], asset["_version"]) == ("fr-fr", "2048", 2)


def test_the_summary_says_what_was_loaded_and_what_not(export):
    assert export.stack.locales == ("en-us", "fr-fr", "de-de")
    assert export.counts == {"content types": 2, "global fields": 1, "assets": 2, "entries": 4}
    assert "Left out: assets that are not published 1" in export.summary()


def test_the_tap_reads_it_as_any_stack(export):
    with Sandbox(export.stack) as sandbox:
        output = load(sandbox).check()
    [row] = [each for each in output.records("entries_port") if each["_publish_locale"] == "en-us"]
    assert row["card"] == {"icon": "bltsea", "label": "a card"}
    assert row["_unmapped"] == {"parts[2].gone": {"image": SEA}}
    assert {"path": "gallery[1]", "uid": "bltsea", "content_type_uid": "sys_assets"} in row["_references"]


def test_another_environment_can_be_asked_for(tmp_path):
    write(tmp_path, one_folder_a_locale())
    assert load_export(tmp_path).stack.environment == "live"
    for name in ("drafts", DRAFTS):
        stack = load_export(tmp_path, name).stack
        assert stack.environment == "drafts"
        assert stack.published_entries("port").keys() == {("port", "bltharbour", "en-us")}
    with pytest.raises(ExportError, match=r"^environment 'test' is not in the export \(there are: live, drafts\)$"):
        load_export(tmp_path, "test")


def test_an_export_of_content_types_alone_is_enough(tmp_path):
    stack = load_export(write(tmp_path, {"content_types/schema.json": [SHIP]})).stack
    assert stack.content_types.keys() == {"ship"}
    assert (stack.locales, stack.published_entries()) == (("en-us",), {})


def test_an_export_of_one_branch_is_found_in_its_folder(tmp_path):
    write(tmp_path, {"branches.json": [{"uid": "main"}], "main/content_types/schema.json": [SHIP]})
    assert load_export(tmp_path).stack.content_types.keys() == {"ship"}
    write(tmp_path, {"next/content_types/schema.json": [SHIP]})
    with pytest.raises(ExportError, match=r"not an exported stack .* Choose one of its subfolders: main, next$"):
        load_export(tmp_path)


def test_entries_of_a_missing_type_are_left_out_and_counted(tmp_path):
    files = {"content_types/schema.json": [SHIP], "entries/port/en-us.json": {"bltharbour": HARBOUR}}
    assert load_export(write(tmp_path, files)).left_out == {"entries of the missing type 'port'": 1}


def chunked(*, more: Json) -> Json:
    """Return an export in chunks with an index, as newer versions of the tool write it."""
    return {
        "content_types/schema.json": [SHIP],
        "entries/ship/en-us/index.json": {"1": "a1-entries.json", "2": "b2-entries.json"},
        "entries/ship/en-us/a1-entries.json": {"one": {"uid": "one", "title": "One"}},
        "entries/ship/en-us/b2-entries.json": {"two": {"uid": "two", "title": "Two"}},
        "assets/assets.json": {"1": "c3-assets.json"},
        "assets/c3-assets.json": {"bltsea": SEA},
        **more,
    }


def test_only_the_chunks_that_the_index_names_are_served_and_the_rest_is_listed(tmp_path):
    stale = {
        "entries/ship/en-us/old-entries.json": {"gone": {"uid": "gone", "title": "Gone"}},
        "assets/old-assets.json": {"bltold": {**SEA, "uid": "bltold"}},
        "entries/ship/en-us/variants/one/v1.json": [{"uid": "one"}],
    }
    export = load_export(write(tmp_path, chunked(more=stale)))
    assert {key[1] for key in export.stack.published_entries()} == {"one", "two"}
    assert {key[0] for key in export.stack.published_assets()} == {"bltsea"}
    assert export.left_out == {
        "files of earlier exports, which no index names": 2,
        "files of entry variants, which the feed does not bring": 1,
    }
    assert "files of entry variants, which the feed does not bring 1" in export.summary()


def test_an_empty_index_names_no_chunk(tmp_path):
    export = load_export(write(tmp_path, chunked(more={"entries/ship/en-us/index.json": {}})))
    assert not export.stack.published_entries()
    assert export.left_out == {"files of earlier exports, which no index names": 2}


def test_a_chunk_that_the_index_names_and_that_is_missing_is_an_error(tmp_path):
    write(tmp_path, chunked(more={}))
    (tmp_path / "entries/ship/en-us/b2-entries.json").unlink()
    with pytest.raises(ExportError, match=r"en-us/index\.json names the file b2-entries\.json, which is missing"):
        load_export(tmp_path)


def test_taxonomies_are_loaded_with_their_terms(tmp_path):
    files = {
        "content_types/schema.json": [SHIP],
        "taxonomies/taxonomies.json": {"sea": {"uid": "sea", "name": "Sea"}, "bare": {"uid": "bare", "name": "Bare"}},
        "taxonomies/sea.json": {
            "taxonomy": {"uid": "sea", "name": "Sea"},
            "terms": [
                {"uid": "baltic", "name": "Baltic", "parent_uid": "north"},
                {"uid": "north", "name": "North", "parent_uid": None},
                {"uid": "lost", "name": "Lost", "parent_uid": "nowhere"},
            ],
        },
    }
    export = load_export(write(tmp_path, files))
    taxonomies = export.stack.taxonomies
    assert [each["uid"] for each in taxonomies.all()] == ["sea", "bare"]
    assert [(term["uid"], term["depth"]) for term in taxonomies.terms_of("sea")] == [("north", 1), ("baltic", 2)]
    assert export.left_out == {"terms without their parent": 1}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param({}, r"is not an exported stack \(it has no content_types folder\)\.$", id="empty"),
        pytest.param({"content_types/schema.json": {}}, "holds no content type", id="no content type"),
    ],
)
def test_a_folder_that_is_no_export_is_refused(tmp_path, files, reason):
    with pytest.raises(ExportError, match=reason):
        load_export(write(tmp_path, files))
    with pytest.raises(ExportError, match="is not a folder"):
        load_export(tmp_path / "missing")


def test_a_file_that_is_no_json_is_named(tmp_path):
    write(tmp_path, {"content_types/schema.json": [SHIP], "entries/ship/en-us.json": {}})
    (tmp_path / "entries/ship/en-us.json").write_text("{")
    with pytest.raises(ExportError, match=r"entries/ship/en-us\.json is not JSON"):
        load_export(tmp_path)


def test_the_command_serves_an_export_and_prints_the_settings(tmp_path):
    write(tmp_path, one_folder_a_locale())
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--export"]
    with subprocess.Popen(
        [*command, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert "TAP_CONTENTSTACK_ENVIRONMENT=live\n" in [process.stdout.readline() for _ in range(4)]
        assert process.stderr.readline() == "Loaded: content types 2, global fields 1, assets 2, entries 4\n"
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=10)
    refused = subprocess.run([*command, str(tmp_path / "missing")], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"{tmp_path / 'missing'} is not a folder\n")
