"""The stack: its content types and branch, and what of it is in scope."""

from __future__ import annotations

import fnmatch
import typing as t
from functools import cached_property

from tap_contentstack.api.content_types import branch_of, find_content_type, list_content_types
from tap_contentstack.errors import SettingsError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from tap_contentstack.api.client import Client
    from tap_contentstack.api.content_types import ContentType
    from tap_contentstack.config.settings import Settings


class Stack:
    """What the stack has, and what the settings let in of it."""

    def __init__(self, client: Client, settings: Settings, logger: logging.Logger) -> None:
        """Ask for nothing yet.

        Args:
            client: Asks the delivery API.
            settings: The stack's credentials, and the scope.
            logger: Where oddities of the lists are reported.
        """
        self.client = client
        self.settings = settings
        self._logger = logger

    @cached_property
    def content_types(self) -> list[ContentType]:
        """The content types, as the API lists them when they are first asked for."""
        return list_content_types(self.client, self._logger)

    @cached_property
    def branch(self) -> str | None:
        """The branch in use: as the API resolves it where a content type names it, else as it is set."""
        return branch_of(self.content_types) or self.settings.branch

    def has(self, content_type_uid: str) -> bool:
        """Return whether the content types that are listed include one."""
        return self.listed(content_type_uid) is not None

    def listed(self, content_type_uid: str) -> ContentType | None:
        """Return a content type, if it is listed."""
        return next((each for each in self.content_types if each["uid"] == content_type_uid), None)

    def find(self, content_type_uid: str) -> ContentType | None:
        """Ask for a content type, listed or not; None if it is gone."""
        return find_content_type(self.client, content_type_uid)

    def exists(self, content_type_uid: str) -> bool:
        """Ask whether a content type exists now."""
        return self.find(content_type_uid) is not None

    def covers(self, content_type_uid: str) -> bool:
        """Return whether the `content_types` setting lets a content type in."""
        patterns = self.settings.content_types
        return not patterns or any(fnmatch.fnmatchcase(content_type_uid, pattern) for pattern in patterns)

    def check_patterns(self, also_known: Iterable[str]) -> None:
        """Check that each pattern of the `content_types` setting matches something.

        Args:
            also_known: Content types that were there in an earlier run.

        Raises:
            SettingsError: A pattern matches neither a content type nor one of those.
        """
        known = {each["uid"] for each in self.content_types}.union(also_known)
        for pattern in self.settings.content_types:
            if not fnmatch.filter(known, pattern):
                names = ", ".join(sorted(known)) or "none"
                msg = f"setting 'content_types': '{pattern}' matches no content type of the stack (there are: {names})"
                raise SettingsError(msg)
