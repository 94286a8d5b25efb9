"""The package: its settings in meltano.yml and on the Hub, its lock files, its wheel."""

from __future__ import annotations

import email
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
import typing as t
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tap_contentstack.config.settings import CONFIG_JSONSCHEMA
from tap_contentstack.tap import TapContentstack

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MELTANO = yaml.safe_load((ROOT / "meltano.yml").read_text())
LOCK = (ROOT / "requirements-dev.txt").read_text()
TAP = next(plugin for plugin in MELTANO["plugins"]["extractors"] if plugin["name"] == "tap-contentstack")
SETTINGS = {setting["name"]: setting for setting in TAP["settings"]}
SETTING_KEYS = {"name", "label", "description", "kind", "sensitive", "options", "value"}
KINDS = {"string", "integer", "boolean", "array", "object", "options", "date_iso8601"}
SCHEMA = CONFIG_JSONSCHEMA
PROPERTIES: dict[str, dict[str, t.Any]] = SCHEMA["properties"]


def test_meltano_names_the_taps_settings_in_their_order():
    assert list(SETTINGS) == list(PROPERTIES)


def test_meltano_wants_the_required_settings():
    assert [sorted(group) for group in TAP["settings_group_validation"]] == [sorted(SCHEMA["required"])]


def test_meltano_names_capabilities_that_the_tap_has():
    assert set(TAP["capabilities"]) <= {capability.value for capability in TapContentstack.capabilities}


def test_the_lock_is_in_step_with_pyproject():
    check = runpy.run_path(str(ROOT / ".ci" / "lock.py"))["check"]
    assert check() is None


def test_the_lock_holds_every_dependency_in_its_range():
    locked: dict[str, str] = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", LOCK, re.MULTILINE))
    groups = PYPROJECT["dependency-groups"]
    wanted = [*PYPROJECT["project"]["dependencies"], *(one for group in groups.values() for one in group)]
    for requirement in map(Requirement, filter(lambda one: isinstance(one, str), wanted)):
        assert requirement.specifier.contains(locked[requirement.name]) or requirement.marker


def test_no_file_of_the_project_names_a_package_registry():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    host = re.compile(rb"(?:pypi|files\.pythonhosted)\.org", re.IGNORECASE)
    naming = [name for name in listed.split() if host.search((ROOT / name).read_bytes())]
    assert naming == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_the_tap_alone(wheel):
    information = "tap_contentstack-0.1.0.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = archive.read(f"{information}/entry_points.txt").decode()
        metadata = email.message_from_bytes(archive.read(f"{information}/METADATA"))
    assert {name.split("/")[0] for name in names} == {"tap_contentstack", information}
    assert f"tap-contentstack = {PYPROJECT['project']['scripts']['tap-contentstack']}" in entry_points
    assert {"tap_contentstack/py.typed", f"{information}/licenses/LICENSE"} <= set(names)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# tap-contentstack")


def test_the_wheel_runs_in_an_empty_environment(wheel, tmp_path):
    """Dependencies come from the package index, in the locked versions."""
    python = tmp_path / "empty" / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "empty"], check=True)
    locked = ["--constraints", str(ROOT / "requirements-dev.txt")]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), *locked, str(wheel)], check=True)
    command = [python.with_name("tap-contentstack"), "--about", "--format=json"]
    about = subprocess.run(command, cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, check=True).stdout
    assert json.loads(about)["name"] == "tap-contentstack"
    installed = subprocess.run([*uv, "pip", "freeze", "--python", python], capture_output=True, text=True, check=True)
    assert not {"meltano", "pytest"} & {line.partition("==")[0] for line in installed.stdout.split()}


def test_about_describes_every_setting():
    command = [sys.executable, "-m", "tap_contentstack", "--about"]
    about = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name, setting in PROPERTIES.items():
        assert f"TAP_CONTENTSTACK_{name.upper()}\n      {setting['description']}\n" in about


@pytest.fixture(scope="module")
def hub():
    return runpy.run_path(str(ROOT / ".ci" / "generate.py"))["hub_definition"](
        "https://example.org/Owner/tap-contentstack"
    )


def test_the_hubs_definition_has_what_the_hub_requires(hub):
    """By its schemas of 2026-08: schemas/plugin_definitions/extractors.schema.json, and what that refers to."""
    assert {"name", "namespace", "variant", "label", "quality", "maintenance_status", "domain_url"} <= hub.keys()
    assert {"repo", "pip_url", "logo_url", "keywords", "capabilities", "settings"} <= hub.keys()
    assert hub["variant"] == "owner"
    assert all(each.keys() <= SETTING_KEYS and {"name", "kind", "label"} <= each.keys() for each in hub["settings"])
    assert {each["kind"] for each in hub["settings"]} <= KINDS


def test_the_hubs_definition_says_what_meltano_yml_says(hub):
    own = [setting for setting in hub["settings"] if setting["name"] in SETTINGS]
    assert own == TAP["settings"]
    for key in ("name", "namespace", "label", "executable", "capabilities", "settings_group_validation"):
        assert hub[key] == TAP[key]


def test_a_repository_has_to_be_named_for_the_hub():
    command = [sys.executable, str(ROOT / ".ci" / "generate.py"), "hub"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make hub REPO=" in done.stderr
