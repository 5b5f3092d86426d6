"""The clouds with their hosts: https://learn.microsoft.com/graph/deployments. A token of one is refused by another."""

from __future__ import annotations

from dataclasses import dataclass

from tradepost.sandbox.graph.oauth_errors import OAuthError

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
# Other resources that a tenant knows and that an app may ask a token for; Graph refuses those.
_OTHERS = ("https://outlook.office365.com", "https://outlook.office.com", "https://management.azure.com")


@dataclass(frozen=True, slots=True)
class Cloud:
    name: str
    logins: tuple[str, ...]
    graph: str

    @property
    def graph_host(self) -> str:
        return self.graph.removeprefix("https://")


CLOUDS = (
    Cloud(
        "global",
        ("login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"),
        "https://graph.microsoft.com",
    ),
    Cloud("usgov", ("login.microsoftonline.us", "login.usgovcloudapi.net"), "https://graph.microsoft.us"),
    Cloud("dod", (), "https://dod-graph.microsoft.us"),
    Cloud(
        "china",
        ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        "https://microsoftgraph.chinacloudapi.cn",
    ),
)
HOSTS = tuple(dict.fromkeys(host for cloud in CLOUDS for host in (*cloud.logins, cloud.graph_host)))
_LOCAL = Cloud("", (), "https://graph.microsoft.com")


def cloud_of(host: str) -> Cloud:
    """The cloud that a host belongs to; an address that is none of theirs (loopback) stands for all of them."""
    name = host.partition(":")[0].lower()
    return next((c for c in CLOUDS if name in c.logins or name == c.graph_host), _LOCAL)


def resource_of(resource: str, cloud: Cloud) -> str:
    """The audience that a scope's resource names. Raises `OAuthError` for one the cloud does not know."""
    name = resource.rstrip("/")
    if name == GRAPH_APP:
        return cloud.graph
    known = {c.graph for c in CLOUDS if c.name == cloud.name or not cloud.name}
    if cloud.name == "usgov":
        known.add("https://dod-graph.microsoft.us")  # one sign-in host for both
    if name in known or name in _OTHERS:
        return name
    if not cloud.name and name.startswith(
        ("http://127.0.0.1", "http://localhost", "https://127.0.0.1", "https://localhost")
    ):
        return name
    raise OAuthError(500011, resource)


def accepts(audience: str, host: str) -> bool:
    """Whether Graph at a host takes tokens for an audience."""
    if audience in _OTHERS:
        return False
    cloud = cloud_of(host)
    return not cloud.name or audience == cloud.graph
