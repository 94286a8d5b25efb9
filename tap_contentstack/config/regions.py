"""Lists the regions and the host of each region's delivery API."""

from __future__ import annotations

# Source: the vendor's own registry, artifacts.contentstack.com/regions.json (its `contentDelivery` endpoints and
# aliases). Aliases are compared in lower case with `-` for `_`, as the registry lists each in all of these spellings.
DELIVERY_HOSTS = {
    "na": "cdn.contentstack.io",
    "eu": "eu-cdn.contentstack.com",
    "au": "au-cdn.contentstack.com",
    "azure-na": "azure-na-cdn.contentstack.com",
    "azure-eu": "azure-eu-cdn.contentstack.com",
    "gcp-na": "gcp-na-cdn.contentstack.com",
    "gcp-eu": "gcp-eu-cdn.contentstack.com",
}
ALIASES = {"us": "na", "aws-na": "na", "aws-eu": "eu", "aws-au": "au"}


def delivery_url(region: str) -> str:
    """Return the base URL of a region's delivery API.

    Args:
        region: A region's name or one of its documented aliases, in any spelling of case and separator.

    Raises:
        ValueError: The region is unknown; the message lists the known ones, and does not quote the
            value: a credential may have been pasted into the wrong setting.
    """
    name = region.strip().lower().replace("_", "-")
    host = DELIVERY_HOSTS.get(ALIASES.get(name, name))
    if host is None:
        known = ", ".join([*DELIVERY_HOSTS, *ALIASES])
        msg = f"setting 'region' is unknown: it must be one of {known}; for another host, set base_url"
        raise ValueError(msg)
    return f"https://{host}"
