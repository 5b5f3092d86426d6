"""A vendor's public host names lead to the sandbox, as an entry in /etc/hosts would, for clients built on requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter


class _Named(HTTPAdapter):
    """Connects to loopback for one host name; the certificate must still be that name's."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, server_hostname=self.host, assert_hostname=self.host, **kwargs)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        asked = request.url or ""
        request.headers["Host"] = self.host
        request.url = urlunsplit(urlsplit(asked)._replace(netloc=f"127.0.0.1:{self.port}"))
        try:
            response = super().send(request, *args, **kwargs)
        finally:
            request.url = asked
        response.url = asked
        return response


def session(ca: str, hosts: dict[str, int]) -> Session:
    """A requests session that trusts only `ca` and finds each of `hosts` at a port of loopback."""
    made = Session()
    made.trust_env = False
    made.verify = ca
    for host, port in hosts.items():
        made.mount(f"https://{host}/", _Named(host, port))
    return made
