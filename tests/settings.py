"""Settings as the tap makes them of a configuration."""

from __future__ import annotations

import typing as t

from tap_contentstack.config.settings import CONFIG_JSONSCHEMA, Settings, checked_settings, tidied


def read_settings(config: t.Mapping[str, t.Any]) -> Settings:
    """Tidy and check a configuration, and return it as settings."""
    return checked_settings(tidied(config), CONFIG_JSONSCHEMA)
