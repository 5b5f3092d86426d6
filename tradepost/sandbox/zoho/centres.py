"""Zoho's data centres and the hosts of each.

https://www.zoho.com/crm/developer/docs/api/v8/multi-dc.html
https://www.zoho.com/accounts/protocol/oauth/multi-dc.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Centre:
    """`location` is its name in redirects; `accounts` and `api` are host names, `others` more that answer the API."""

    location: str
    accounts: str
    api: str
    others: tuple[str, ...]


def _centre(location: str, accounts: str, api: str) -> Centre:
    tld = api.removeprefix("www.")
    return Centre(location, accounts, api, (tld, f"sandbox.{tld}", f"developer.{tld}", f"content.{tld}"))


CENTRES = {
    "us": _centre("us", "accounts.zoho.com", "www.zohoapis.com"),
    "eu": _centre("eu", "accounts.zoho.eu", "www.zohoapis.eu"),
    "in": _centre("in", "accounts.zoho.in", "www.zohoapis.in"),
    "au": _centre("au", "accounts.zoho.com.au", "www.zohoapis.com.au"),
    "cn": _centre("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn"),
    "jp": _centre("jp", "accounts.zoho.jp", "www.zohoapis.jp"),
    "ca": _centre("ca", "accounts.zohocloud.ca", "www.zohoapis.ca"),
    "sa": _centre("sa", "accounts.zoho.sa", "www.zohoapis.sa"),
    "uk": _centre("uk", "accounts.zoho.uk", "www.zohoapis.uk"),
}
"""By short name. The API host of "uk" is not in Zoho's own client."""

ACCOUNTS_HOSTS = {centre.accounts: name for name, centre in CENTRES.items()}
API_HOSTS = {host: name for name, centre in CENTRES.items() for host in (centre.api, *centre.others)}
HOST_NAMES = (*ACCOUNTS_HOSTS, *API_HOSTS)
