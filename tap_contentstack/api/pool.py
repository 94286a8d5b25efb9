"""Opens the pool of connections to the API, with this machine's proxies and certificates."""

from __future__ import annotations

import typing as t
from importlib.metadata import version
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_contentstack.errors import SettingsError

if t.TYPE_CHECKING:
    from tap_contentstack.config.settings import Settings


def host_of(settings: Settings) -> str | None:
    """Return the name of the API's host."""
    return urlsplit(settings.url).hostname


def open_pool(settings: Settings) -> tuple[str, dict[str, str], urllib3.HTTPConnectionPool]:
    """Return the prefix of every request's target, the headers that all requests share, and the connection pool.

    `requests` looks up the proxies and certificates of this machine's environment, once. From there on its connections
    are used as they are: its session would look for cookies and hooks at each request, and follow redirects, with the
    credentials' headers, to whatever host is named.
    """
    url = settings.url
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1)
    try:
        request = session.prepare_request(requests.Request("GET", url, headers=_own_headers(settings)))
        found = session.merge_environment_settings(url, {}, None, None, None)
        pool = adapter.get_connection_with_tls_context(request, found["verify"], found["proxies"], found["cert"])
        adapter.cert_verify(pool, url, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
    except (requests.exceptions.RequestException, urllib3.exceptions.LocationValueError, UnicodeError):
        raise SettingsError(no_request_possible(host_of(settings))) from None
    except OSError:
        msg = "there are no certificates at the path that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
        raise SettingsError(msg) from None
    connections = t.cast("urllib3.HTTPConnectionPool", pool)
    headers = {name: str(value) for name, value in request.headers.items()}
    headers["Host"] = urlsplit(request.url or url).netloc.rpartition("@")[2]
    prefix = adapter.request_url(request, found["proxies"]).rstrip("/")
    if prefix.startswith("http"):  # a proxy takes the request itself, and its credentials with it
        headers |= connections.proxy_headers or {}
    return prefix, headers, connections


def _own_headers(settings: Settings) -> dict[str, str]:
    headers = {
        "api_key": settings.api_key,
        "access_token": settings.access_token,
        "User-Agent": settings.user_agent or f"tap-contentstack/{version('tap-contentstack')}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }
    if settings.branch:
        headers["branch"] = settings.branch
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            msg = f"setting '{name.lower().replace('-', '_')}' has characters that no HTTP header can carry"
            raise SettingsError(msg)
    return headers


def no_request_possible(host: str | None) -> str:
    """Return a sentence for settings with which no request can be sent."""
    return f"no request can be made to {host}: check base_url and the proxy settings of this machine"
