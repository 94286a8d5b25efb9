"""Formats `--about` as text: the SDK's facts, and a description of each setting."""

from __future__ import annotations

import typing as t

from singer_sdk.about import AboutFormatter
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.about import AboutInfo


class DescribedSettings(AboutFormatter, format_name="text"):
    """Replaces the SDK's own text format, which has no descriptions."""

    @override
    def format_about(self, about_info: AboutInfo) -> str:
        return "\n".join(_lines(about_info))


def _lines(about: AboutInfo) -> Iterator[str]:
    yield f"Name: {about.name}"
    yield f"Description: {about.description}"
    yield f"Version: {about.version}"
    yield f"SDK Version: {about.sdk_version}"
    yield f"Python Versions: {', '.join(about.supported_python_versions or ())}"
    yield f"Capabilities: {', '.join(map(str, about.capabilities))}"
    yield "Settings:"
    required = about.settings.get("required", ())
    for name, setting in about.settings["properties"].items():
        types = setting.get("type", ())
        kind = "/".join(each for each in ([types] if isinstance(types, str) else types) if each != "null")
        facts = [kind] if kind else []
        facts += ["required"] if name in required else []
        facts += [f"default {setting['default']}"] if "default" in setting else []
        yield f"  {name} ({', '.join(facts)}), {about.env_var_prefix}{name.upper()}"
        if description := setting.get("description"):
            yield f"      {description}"
