"""Writes what follows from the tap's own tables: the documentation and meltano.yml (`write`, `check`), or `hub REPO`.

One place says what a setting is (`config/settings.py`, which `--about` prints), another what a field becomes
(`schema/fields.py`). Everything that repeats them is written here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import tomllib
import typing as t
from pathlib import Path

import yaml

from tap_contentstack.config.settings import CONFIG_JSONSCHEMA
from tap_contentstack.records.conform import NORMALISATIONS
from tap_contentstack.schema.fields import field_type_table

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Json: t.TypeAlias = dict[str, t.Any]

ROOT = Path(__file__).resolve().parent.parent
OWN = CONFIG_JSONSCHEMA["properties"]
REQUIRED = CONFIG_JSONSCHEMA["required"]
# Meltano 4.4 fails on decimals that come from environment variables.
KINDS = {"number": "string"}
WIDTH = 118
"""Characters of a line of the README's configuration."""
NO_BREAK = "\N{NO-BREAK SPACE}"
DECIMAL = "a number: Meltano 4.4 fails on decimals from environment variables"


def kind_of(setting: Mapping[str, t.Any]) -> str:
    """Return Meltano's kind for a setting's JSON schema."""
    if "enum" in setting:
        return "options"
    if setting.get("format") == "date-time":
        return "date_iso8601"
    name = _type_of(setting)
    return KINDS.get(name, name)


def definition_of(name: str, setting: Mapping[str, t.Any]) -> Json:
    """Return Meltano's definition of a setting."""
    definition: Json = {"name": name, "label": setting.get("title", name)}
    if "description" in setting:
        definition["description"] = setting["description"]
    definition["kind"] = kind_of(setting)
    if setting.get("secret"):
        definition["sensitive"] = True
    if "enum" in setting:
        definition["options"] = [
            {"label": value.replace("_", " ").capitalize(), "value": value} for value in setting["enum"]
        ]
    if "default" in setting:
        definition["value"] = setting["default"]
    return definition


def _type_of(setting: Mapping[str, t.Any]) -> str:
    types = setting.get("type", "string")
    return next(each for each in ([types] if isinstance(types, str) else types) if each != "null")


def _plain(value: object) -> str:
    """Return a value as YAML has it."""
    return value if isinstance(value, str) else json.dumps(value)


# The documentation


def settings_table() -> str:
    """Return the README's table of settings."""
    rows = ["| setting | type | default | |", "|---|---|---|---|"]
    for name, setting in OWN.items():
        kind = {"array": "list of strings", "string": "string"}.get(_type_of(setting), _type_of(setting))
        default = f"`{_plain(setting['default'])}`" if "default" in setting else ""
        default = "required" if name in REQUIRED else default
        rows.append(f"| `{name}` | {kind} | {default} | {setting['description']} |")
    return "\n".join(rows)


def field_types() -> str:
    """Return the table of field types."""
    return f"| field | `data_type` | column | with several values |\n|---|---|---|---|\n{field_type_table()}"


def normalisations() -> str:
    """Return the list of what is not loaded exactly as the API returns it."""
    return "\n".join(f"- {each}" for each in NORMALISATIONS)


def loaders() -> str:
    """Return the table of targets, from what `make loaders` checks."""
    described = tomllib.loads((ROOT / "integrations" / "loaders" / "loaders.toml").read_text())
    rows = [
        "| target | set | deleted rows | outdated rows | a bare string in custom JSON | alters | read |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in described["loader"]:
        lock = f"integrations/loaders/{each['environment']}.txt" if "environment" in each else "requirements-dev.txt"
        locked = re.search(rf"^{each['package']}==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
        if not locked:
            sys.exit(f"{lock} lacks {each['package']}: run `make lock`")
        cells = [
            f"`{each['package']}` {locked[1]}",
            "<br>".join(f"`{name}: {_plain(value)}`" for name, value in each["settings"].items()),
            each["deleted"],
            each["outdated"],
            each["bare_text"],
            "; ".join(described["alterations"][name] for name in each["alters"]) or "nothing",
            "[files](#files)" if each["keeps"] in {"jsonl", "s3", "csv"} else "[tables](#tables)",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def declared_settings() -> str:
    """Return the settings of the README's Meltano configuration."""
    declared = []
    for name, setting in OWN.items():
        kind = "string" if "enum" in setting else kind_of(setting)  # options would need a label each
        parts = [f"name: {name}", f"kind: {kind}"]
        parts += ["sensitive: true"] if setting.get("secret") else []
        parts += [f"value: {_plain(setting['default'])}"] if "default" in setting else []
        declared.append(f"{{{', '.join(parts)}}}".replace(" ", NO_BREAK))
    lines = textwrap.wrap(", ".join(declared), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(["    settings: [", *lines, "    ]"]).replace(NO_BREAK, " ")


def described_settings() -> str:
    """Return the tap's settings in meltano.yml."""
    definitions = [definition_of(name, setting) for name, setting in OWN.items()]
    text = yaml.safe_dump(definitions, sort_keys=False, allow_unicode=True, width=10_000)
    lines = text.splitlines()
    decimals = {name for name, setting in OWN.items() if _type_of(setting) in KINDS}
    current = ""
    for number, line in enumerate(lines):
        current = line.removeprefix("- name: ") if line.startswith("- name: ") else current
        if current in decimals and line == "  kind: string":
            lines[number] = f"{line} # {DECIMAL}"
    return "\n".join(f"    {line}" for line in lines)


def _between(name: str) -> tuple[str, str]:
    return f"<!-- {name} -->\n", f"\n<!-- /{name} -->"


class Part(t.NamedTuple):
    """A part of a file that is generated.

    Attributes:
        path: The file, from the root of the repository.
        begin: The text before it.
        end: The text after it.
        make: Makes it.
    """

    path: str
    begin: str
    end: str
    make: Callable[[], str]

    def split(self, text: str) -> tuple[str, str, str]:
        """Return the text before the part, the part, and the text after it."""
        head, begin, rest = text.partition(self.begin)
        part, end, tail = rest.partition(self.end)
        if not begin or not end:
            sys.exit(f"{self.path} lacks the place for a generated part, after {self.begin.strip()!r}")
        return head + begin, part, end + tail


PARTS = (
    Part("README.md", *_between("settings"), settings_table),
    Part("README.md", "environment]]\n", "\n  loaders:\n", declared_settings),
    Part("docs/warehouse.md", *_between("field types"), field_types),
    Part("docs/warehouse.md", *_between("normalisations"), normalisations),
    Part("docs/loaders.md", *_between("loaders"), loaders),
    Part("meltano.yml", "environment]\n    settings:\n", "\n\n  loaders:\n", described_settings),
)


def write() -> None:
    """Write all generated parts."""
    for part in PARTS:
        path = ROOT / part.path
        head, _, tail = part.split(path.read_text())
        path.write_text(f"{head}{part.make()}{tail}")


def stale() -> Iterator[str]:
    """Yield a sentence for each part that is not what it should be."""
    for part in PARTS:
        if part.split((ROOT / part.path).read_text())[1] != part.make():
            yield f"{part.path}: the part after {part.begin.strip()!r} is stale: run `make generate`"


# The Meltano Hub's definition


def about() -> Json:
    """Return what the tap says of itself."""
    command = [sys.executable, "-m", "tap_contentstack", "--about", "--format=json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - a fixed command
    return t.cast("Json", json.loads(done.stdout))


def hub_definition(repo: str) -> Json:
    """Return the Meltano Hub's definition of this extractor.

    Args:
        repo: The address of the repository, https://<host>/<owner>/<name>; the owner is the variant.
    """
    said = about()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    settings = [definition_of(*each) for each in _flat(said["settings"]["properties"])]
    return {
        "name": said["name"],
        "namespace": said["name"].replace("-", "_"),
        "variant": repo.rstrip("/").split("/")[-2].lower(),
        "label": "Contentstack",
        "description": "Headless content management system",
        "domain_url": "https://www.contentstack.com/docs/developers/apis/content-delivery-api",
        "logo_url": "/assets/logos/extractors/contentstack.png",
        "repo": repo,
        "pip_url": said["name"],
        "executable": said["name"],
        "keywords": [*(each.lower() for each in project["keywords"]), "api", "meltano_sdk"],
        "maintenance_status": "active",
        "quality": "unknown",
        "capabilities": sorted(said["capabilities"]),
        "supported_python_versions": said["supported_python_versions"],
        "settings_group_validation": [said["settings"]["required"]],
        "settings": settings,
    }


def _flat(properties: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield settings with those inside of objects named `object.setting`, as Meltano names them."""
    for name, setting in properties.items():
        inner = setting.get("properties")
        if inner and not any(each.startswith("__") for each in inner):  # those of stream maps are no settings
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", setting


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write"]:
            write()
        case ["check"]:
            sys.exit("\n".join(stale()) or None)
        case ["hub", repo] if re.fullmatch(r"https://[^/]+/[^/]+/[^/]+/?", repo):
            print(yaml.safe_dump(hub_definition(repo), sort_keys=False, allow_unicode=True), end="")
        case ["hub", *_]:
            sys.exit("name the repository: make hub REPO=https://<host>/<owner>/tap-contentstack")
        case _:
            sys.exit(__doc__)
