"""Which addresses secrets and mail may be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit

_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


def is_private(url: str) -> bool:
    """Whether nobody on the way can read along: https, or plain http that never leaves this machine."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and host in _THIS_MACHINE)


def bare_url(url: str) -> str:
    """A configured address without the slash at its end, or none. Raises `ValueError` for one that is not private."""
    if url and not is_private(url):
        raise ValueError("must begin with https://")
    return url.rstrip("/")
