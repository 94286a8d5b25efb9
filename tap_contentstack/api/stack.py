"""The stack: which content types it has and which are in scope, its branch, and whether it only seems empty."""

from __future__ import annotations

import fnmatch
import typing as t
from functools import cached_property

from tap_contentstack.api.content_types import branch_of, find_content_type
from tap_contentstack.api.feed import Feed
from tap_contentstack.api.lists import Lists
from tap_contentstack.errors import SeemsEmptyError, SettingsError
from tap_contentstack.events import ASSET_PUBLISHED, ENTRY_PUBLISHED
from tap_contentstack.values.texts import shown

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from tap_contentstack.api.client import Client
    from tap_contentstack.api.content_types import ContentType
    from tap_contentstack.config.settings import Settings

NO_CONTENT_TYPE = (
    "the stack no longer lists any content type, although earlier runs loaded some: check environment, branch, and "
    "that access_token has access to them"
)


class Stack:
    """The stack's content types, and which of them the settings select."""

    def __init__(self, client: Client, settings: Settings, logger: logging.Logger) -> None:
        """Request nothing yet.

        Args:
            client: Asks the delivery API.
            settings: The stack's credentials, and the scope.
            logger: Receives warnings about incomplete lists.
        """
        self.client = client
        self.settings = settings
        self.lists = Lists(client, logger)
        self._logger = logger

    @cached_property
    def content_types(self) -> list[ContentType]:
        """The content types, as the API lists them at the first use."""
        return self.lists.content_types()

    @cached_property
    def branch(self) -> str | None:
        """The branch in use, with an alias resolved; None if no content type names it."""
        return branch_of(self.content_types)

    def has(self, content_type_uid: str) -> bool:
        """Return whether a content type is listed."""
        return self.listed(content_type_uid) is not None

    def listed(self, content_type_uid: str) -> ContentType | None:
        """Return a content type, if it is listed."""
        return next((each for each in self.content_types if each["uid"] == content_type_uid), None)

    def find(self, content_type_uid: str) -> ContentType | None:
        """Request a content type, listed or not; return None if the API does not know it."""
        return find_content_type(self.client, content_type_uid)

    def is_gone(self, content_type_uid: str) -> bool:
        """Ask the API whether a content type has been deleted.

        Two responses have to agree: the API does not know the content type (118), and a list requested after that is
        not empty and lacks it. A delivery token without access also gets 118 and an empty list
        (Contentstack docs: error codes).

        Raises:
            SeemsEmptyError: The list is empty.
        """
        return self.find(content_type_uid) is None and not self.relisted([content_type_uid])

    def check_access(self) -> None:
        """Check that the token still has access: without it, all lists are empty.

        Raises:
            SeemsEmptyError: Content types are no longer listed.
            ApiError: The stack has none, and the feed is refused.
        """
        if not self.content_types:
            Feed(self.client, purpose="access", filters={"type": ASSET_PUBLISHED}).has_items()
        else:
            self.check_types_are_listed()

    def check_types_are_listed(self) -> None:
        """Check that the stack has content types now.

        Raises:
            SeemsEmptyError: None is listed.
        """
        if not self.lists.has_content_types():
            self.require_allow_empty(NO_CONTENT_TYPE)

    def relisted(self, content_type_uids: Iterable[str]) -> list[ContentType]:
        """Request the list of content types again, and return those of the given ones that it contains.

        Raises:
            SeemsEmptyError: The list is empty.
        """
        found = self.lists.content_types()
        if not found:
            self.require_allow_empty(NO_CONTENT_TYPE)
        wanted = set(content_type_uids)
        return [each for each in found if each["uid"] in wanted]

    def require_allow_empty(self, what: str) -> None:
        """End the run if everything seems to be gone, unless `allow_empty` confirms that this is intended.

        Args:
            what: What seems to be gone, and what to check.

        Raises:
            SeemsEmptyError: It is not confirmed.
        """
        if not self.settings.allow_empty:
            msg = f"{what}. Nothing was removed; if this is intended, run once with allow_empty"
            raise SeemsEmptyError(msg)
        self._logger.warning(
            "allow_empty is set, so the run continues: %s. Unset allow_empty again after this run", what
        )

    def publishes_to(self, locale: str) -> bool:
        """Ask the API whether anything is published to a locale."""
        filters = {"type": f"{ENTRY_PUBLISHED},{ASSET_PUBLISHED}", "locale": locale}
        return Feed(self.client, purpose=f"locale {locale}", filters=filters).has_items()

    def covers(self, content_type_uid: str) -> bool:
        """Return whether the `content_types` setting selects a content type."""
        patterns = self.settings.content_types
        return not patterns or any(fnmatch.fnmatchcase(content_type_uid, pattern) for pattern in patterns)

    def check_patterns(self, also_known: Iterable[str]) -> None:
        """Check that each pattern of the `content_types` setting matches something.

        Args:
            also_known: Content types that existed in an earlier run.

        Raises:
            SettingsError: A pattern matches neither a content type nor one of those.
        """
        known = {each["uid"] for each in self.content_types}.union(also_known)
        for pattern in self.settings.content_types:
            if not fnmatch.filter(known, pattern):
                names, pattern = ", ".join(sorted(known)) or "none", shown(pattern)  # noqa: PLW2901
                msg = f"setting 'content_types': '{pattern}' matches no content type of the stack (it has: {names})"
                raise SettingsError(msg)
