"""The documentation says what the code does: generated parts, messages, commands, settings, links, every block."""

from __future__ import annotations

import ast
import json
import logging
import re
import runpy
import subprocess
import sys
import tempfile
import typing as t
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml

from tap_contentstack.config.regions import ALIASES, DELIVERY_HOSTS
from tap_contentstack.config.settings import CONFIG_JSONSCHEMA
from tap_contentstack.schema.stream_schemas import ADDED_COLUMNS
from tap_contentstack.sync.progress import Progress
from tap_contentstack.sync.summary import Ending, StreamEnding, Summary
from tests.settings import read_settings
from tests.tap_process import BOOKMARK_KEYS

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
PAGES = [
    *(ROOT / name for name in TOP),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "integrations").glob("*/README.md")),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PAGES}
MAKEFILE = (ROOT / "Makefile").read_text()
SETTINGS = CONFIG_JSONSCHEMA["properties"]

MELTANO = "tests/warehouse/test_meltano.py"
SCRIPT = "tests/warehouse/test_singer_script.py"
HELD_BY = {
    "make demo     # a sandbox": "tests/warehouse/test_demo.py::test_a_demo_that_is_kept_leaves_everything_running",
    "python3 -m venv tap &&": "tests/project/test_packaging.py::test_the_wheel_runs_in_an_empty_environment",
    "export TAP_CONTENTSTACK_API_KEY": f"{MELTANO}::test_the_readmes_configuration_works_as_pasted",
    "meltano install": f"{MELTANO}::test_the_readmes_configuration_works_as_pasted",
    "meltano config test": f"{MELTANO}::test_the_readmes_configuration_works_as_pasted",
    "meltano run --full-refresh": f"{MELTANO}::test_postgres_follows_the_stack_run_after_run",
    "export PATH=": f"{SCRIPT}::test_the_second_run_resumes_from_the_state_of_the_first",
    "tap-contentstack --config config.json --state": "not run: the script above is the tested form of this pipe",
    "tap-contentstack --about": "tests/project/test_packaging.py::test_about_describes_every_setting",
    "*/15 * * * *": "not run: a crontab's line; the script in it has its own tests",
    "python3 -c 'import json; s": "tests/project/test_docs.py::test_the_alert_for_a_load_that_is_not_complete_says_why",
    "rm -rf models/contentstack": "integrations/dbt/integration_tests/test_package.py::project",
    "python -m tap_contentstack.summary": "tests/sync/test_summary.py::test_what_is_no_summary_is_one_sentence",
    "python3 -c 'import json; b": "tests/project/test_docs.py::test_the_age_of_full_loads_is_read_from_a_state",
    "shard() {": "integrations/dagster/test_by_hand.py::test_two_shards_at_once_load_everything",
    "uv pip sync --require-hashes requirements.txt": "not run: `make dagster` does the same with paths of its own",
    "make test   ": "not run: it would run itself",
    "make sandbox   ": "tests/sandbox/test_http.py::test_",
    "make --silent sandbox": f"{MELTANO}::test_the_readmes_configuration_works_as_pasted",
    "set -a && . ./sandbox.env": f"{MELTANO}::test_the_readmes_configuration_works_as_pasted",
}
"""Who runs a block of shell commands, by how it begins."""


class Block(t.NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str


def blocks(*languages: str) -> list[t.Any]:
    found = [
        Block(page, *match)
        for page, text in TEXTS.items()
        for match in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]
    return [pytest.param(each, id=f"{each.page}: {each.text[:30]}") for each in found if each.language in languages]


# Generated parts, tables


def test_generated_parts_are_what_the_code_says():
    assert list(runpy.run_path(str(ROOT / ".ci" / "generate.py"))["stale"]()) == []


@pytest.mark.parametrize("word", [*ADDED_COLUMNS])
def test_every_added_column_is_documented(word):
    assert f"`{word}`" in TEXTS["docs/warehouse.md"]


@pytest.mark.parametrize("region", [*DELIVERY_HOSTS, *ALIASES])
def test_every_region_is_documented(region):
    assert re.search(rf"\b{region}\b", TEXTS["README.md"])


@cache
def constants() -> list[str]:
    """Return every text in the tap's source."""
    trees = (ast.parse(path.read_text()) for path in (ROOT / "tap_contentstack").rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return [
        re.sub("%[sd]", "…", each.value) for each in nodes if isinstance(each, ast.Constant) and type(each.value) is str
    ]


MESSAGES = [
    message
    for row in re.findall(r"^\| (`.*`) \|.*\|$", TEXTS["docs/troubleshooting.md"], re.MULTILINE)
    for message in re.findall(r"`(.+?)`(?:, |$)", row)
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_to_look_up_is_one_that_the_tap_writes(message):
    for part in message.split("…"):
        assert any(part.strip("'") in text for text in constants()), part


# Blocks


def test_every_block_is_of_a_language_that_is_checked():
    known = {"sh", "sql", "yaml", "json", "mermaid", ""}
    assert {language for text in TEXTS.values() for language in re.findall(r"^```(\w+)$", text, re.MULTILINE)} <= known


@pytest.mark.parametrize("block", blocks("yaml"))
def test_yaml_is_a_meltano_configuration_with_settings_that_exist(block, tmp_path):
    project = yaml.safe_load(block.text)
    if project.keys() == {"packages"}:  # of a dbt project
        return
    (tap,) = project["plugins"]["extractors"]
    declared = {each["name"] for each in tap.get("settings", [])}
    assert declared in (set(), set(SETTINGS))
    assert tap.get("config", {}).keys() <= SETTINGS.keys()
    path = tmp_path / "meltano.yml"
    path.write_text(block.text)
    schema = next(Path(sys.prefix).glob("lib/*/site-packages/meltano/schemas/meltano.schema.json"))
    done = subprocess.run(
        [BIN / "check-jsonschema", "--schemafile", schema, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("block", blocks("json"))
def test_json_is_a_configuration_or_a_state(block):
    content = json.loads(block.text)
    match content:
        case {"api_key": _}:
            read_settings(content)
        case {"replication_key": _}:
            assert content.keys() == BOOKMARK_KEYS
        case {"outcome": _}:
            assert shape(content) == shape(a_summary())
        case {"stream_maps": _} | {"default_target_schema": _}:
            pass
        case _:
            pytest.fail("what is this?")


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell_commands_are_run_by_a_test_or_it_says_why_not(block):
    (held_by,) = [by for begin, by in HELD_BY.items() if block.text.startswith(begin)]
    if not held_by.startswith("not run: "):
        path, _, name = held_by.partition("::")
        assert f"def {name}" in (ROOT / path).read_text()


def test_no_block_is_listed_that_is_gone():
    texts = [param.values[0].text for param in blocks("sh")]
    assert [begin for begin in HELD_BY if not any(text.startswith(begin) for text in texts)] == []


@cache
def help_of(*command: str) -> str:
    done = subprocess.run([BIN / command[0], *command[1:], "--help"], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell_commands_have_options_that_exist(block):
    subprocess.run(["/bin/sh", "-n"], input=block.text, text=True, check=True)
    for line in re.sub(r" #.*|\\\n", "", block.text).splitlines():
        for command in re.split(r"&&|\|", line):
            match command.split():
                case ["make", *arguments]:
                    check_make(arguments)
                case ["meltano", subcommand, *arguments]:
                    check_options(help_of("meltano", subcommand), arguments)
                case ["tap-contentstack" | ".venv/bin/tap-contentstack", *arguments]:
                    check_options(help_of("tap-contentstack"), arguments)
                case [program, *_] if program.startswith("integrations/"):
                    assert (ROOT / program).exists()


def check_make(arguments: list[str]) -> None:
    for argument in arguments:
        if argument == ">":
            return
        name, _, value = argument.partition("=")
        assert re.search(rf"\b{name}\b" if value else rf"^{name}:", MAKEFILE, re.MULTILINE) or name.startswith("--"), (
            name
        )


def check_options(known: str, arguments: list[str]) -> None:
    for argument in arguments:
        if argument.startswith("--"):
            assert argument.partition("=")[0] in known, argument


def inline(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("page", TEXTS)
def test_make_targets_and_variables_that_are_named_exist(page):
    for code in inline(TEXTS[page]):
        match code.split():
            case ["make", *arguments]:
                check_make(arguments)
    for name in re.findall(r"TAP_CONTENTSTACK_([A-Z][A-Z_]*)\b", TEXTS[page]):
        assert name.lower() in {*SETTINGS, "loglevel"}, name


@pytest.mark.parametrize("page", TEXTS)
def test_files_that_are_named_exist(page):
    for code in inline(TEXTS[page]):
        if re.fullmatch(r"[\w./-]+/[\w.-]*|[\w./-]+\.(py|sh|yml|toml)", code) and not code.startswith(
            (".meltano", "/v3")
        ):
            here = (ROOT / page).parent
            bases = (ROOT, ROOT / "tap_contentstack", here, *here.glob("contentstack_*"))
            assert any((base / code).exists() for base in bases), code


def slugs(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in slugs(path.read_text()), target


def python_of(begin: str) -> str:
    (block,) = [param.values[0].text for param in blocks("sh") if param.values[0].text.startswith(begin)]
    match = re.fullmatch(r"python3 -c '(.*)'\n", block)
    assert match
    return match[1]


def a_summary() -> dict[str, t.Any]:
    """Return what a run writes, with one stream."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "summary.json")
        logger = logging.getLogger("test")
        streams = {"assets": StreamEnding("complete")}
        Summary(str(path), "1", logger).write(
            Ending("unfinished", 75, "why"), Progress(logger, 0), streams, Counter(), 0
        )
        return t.cast("dict[str, t.Any]", json.loads(path.read_text()))


def shape(summary: dict[str, t.Any]) -> t.Any:
    return [summary.keys(), summary["totals"].keys(), *{frozenset(each) for each in summary["streams"].values()}]


def test_the_alert_for_a_load_that_is_not_complete_says_why(tmp_path):
    command = [sys.executable, "-c", python_of("python3 -c 'import json; s")]
    for summary, code in ((a_summary(), 1), ({**a_summary(), "outcome": "complete", "reason": None}, 0)):
        (tmp_path / "summary.json").write_text(json.dumps(summary))
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.strip()) == (code, summary["reason"] or "")


def test_the_age_of_full_loads_is_read_from_a_state(tmp_path):
    bookmarks = {"assets": {"full_load_at": "2026-01-31T04:00:00Z"}, "content_types": {}}
    (tmp_path / "state.json").write_text(json.dumps({"bookmarks": bookmarks}))
    command = [sys.executable, "-c", python_of("python3 -c 'import json; b")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["('2026-01-31T04:00:00Z', 'assets')", "(None, 'content_types')"]
