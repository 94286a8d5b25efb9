"""What is said twice says the same: pyproject.toml, the lock, meltano.yml, and the tap's own settings."""

from __future__ import annotations

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
LOCKS = [(ROOT / name).read_text() for name in ("requirements-dev.txt", "requirements-loaders.txt")]
TAP = next(plugin for plugin in MELTANO["plugins"]["extractors"] if plugin["name"] == "tap-contentstack")
SETTINGS = {setting["name"]: setting for setting in TAP["settings"]}
SCHEMA = CONFIG_JSONSCHEMA
PROPERTIES: dict[str, dict[str, t.Any]] = SCHEMA["properties"]


def kind_of(schema: dict[str, t.Any]) -> str:
    """Return Meltano's kind for a setting."""
    if "enum" in schema:
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    kinds = {"number": "string"}  # Meltano 4.4 cannot write a decimal into the tap's config
    (name,) = set(schema["type"]) - {"null"}
    return kinds.get(name, name)


def test_meltano_names_the_taps_settings_in_their_order():
    assert list(SETTINGS) == list(PROPERTIES)


@pytest.mark.parametrize("name", SETTINGS)
def test_meltano_says_of_a_setting_what_the_tap_says(name):
    setting, schema = SETTINGS[name], PROPERTIES[name]
    assert setting["kind"] == kind_of(schema)
    assert setting["label"] == schema["title"]
    assert setting["description"] == schema["description"]
    assert setting.get("value") == schema.get("default")
    assert setting.get("sensitive", False) == schema.get("secret", False)
    assert [option["value"] for option in setting.get("options", [])] == schema.get("enum", [])


def test_meltano_wants_the_required_settings():
    assert [sorted(group) for group in TAP["settings_group_validation"]] == [sorted(SCHEMA["required"])]


def test_meltano_names_capabilities_that_the_tap_has():
    assert set(TAP["capabilities"]) <= {capability.value for capability in TapContentstack.capabilities}


def test_the_lock_is_in_step_with_pyproject():
    check = runpy.run_path(str(ROOT / ".ci" / "lock.py"))["check"]
    assert check() is None


def test_the_lock_holds_every_dependency_in_its_range():
    locked: dict[str, str] = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", "".join(LOCKS), re.MULTILINE))
    groups = PYPROJECT["dependency-groups"]
    wanted = [*PYPROJECT["project"]["dependencies"], *(one for group in groups.values() for one in group)]
    for requirement in map(Requirement, filter(lambda one: isinstance(one, str), wanted)):
        assert requirement.specifier.contains(locked[requirement.name]) or requirement.marker


def test_no_file_of_the_project_names_a_package_registry():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    host = re.compile(rb"(?:pypi|files\.pythonhosted)\.org", re.IGNORECASE)
    naming = [name for name in listed.split() if host.search((ROOT / name).read_bytes())]
    assert naming == []


def test_the_wheel_holds_the_tap_alone(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
        entry_points = archive.read("tap_contentstack-0.1.0.dist-info/entry_points.txt").decode()
    assert folders == {"tap_contentstack", "tap_contentstack-0.1.0.dist-info"}
    assert f"tap-contentstack = {PYPROJECT['project']['scripts']['tap-contentstack']}" in entry_points
