"""Signing in by a person, and the configuration it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, Unsupported
from connectors.base.mail import MailboxScope
from connectors.base.services import Services
from connectors.http import Sender
from connectors.mail.gmail import GmailSource
from connectors.mail.gmail_config import GmailConfig
from connectors.mail.gmail_login import login
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock

ALICE = "alice@ours.example"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"


class Quiet:
    def info(self, event: str, **ids: object) -> None: ...

    warning = error = info


class Vault:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, Any]] = {}

    async def get(self, name: str) -> tuple[str, Any] | None:
        return self.kept.get(name)

    async def put(self, name: str, token: str, expires_at: Any) -> None:
        self.kept[name] = (token, expires_at)


async def inline(fn: Callable[..., Any], /, *args: Any) -> Any:
    return fn(*args)


@dataclass
class Door:
    """A domain with an OAuth client, and a person with a browser."""

    vendor: GmailVendor
    services: Services
    config: GmailConfig
    browser: httpx.AsyncClient
    shown: list[str] = field(default_factory=list)
    visits: list[asyncio.Task[str]] = field(default_factory=list)

    def show(self, url: str) -> None:
        self.shown.append(url)
        self.visits.append(asyncio.ensure_future(self.consent(url)))

    async def consent(self, url: str) -> str:
        """Consent, follow the redirect to the loopback address; the page that comes."""
        return await _visit((await self.browser.get(url)).headers["location"])

    async def sign_in(self, address: str = ALICE, **more: Any) -> str:
        return await asyncio.wait_for(login(self.config, address, self.services, self.show, **more), 10)


async def _visit(url: str) -> str:
    parts = httpx.URL(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    writer.write(f"GET {parts.raw_path.decode()} HTTP/1.1\r\nHost: {parts.host}\r\n\r\n".encode())
    try:
        return (await reader.read()).decode()
    finally:
        writer.close()


@pytest.fixture
def at_door(monkeypatch) -> Callable[[Callable[[Door], Awaitable[None]]], None]:
    async def play(scenario: Callable[[Door], Awaitable[None]]) -> None:
        world = World(clock=VirtualClock(), random=Random(2))
        vendor = GmailVendor(world)
        vendor.add_mailbox(ALICE, aliases=["sales@ours.example"])
        vendor.add_mailbox("bob@ours.example")
        client = vendor.client_file("https://oauth2.googleapis.com")["installed"]
        monkeypatch.setenv("GMAIL_SECRET", client["client_secret"])
        hosts = ("gmail.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
        transport = InProcessTransport(dict.fromkeys(hosts, vendor), world.clock)
        sender = Sender(clock=world.clock, random=Random(3), log=Quiet(), transport=transport)
        services = Services(
            open_http=sender.open, clock=world.clock, random=Random(4), cpu=inline, log=Quiet(), vault=Vault()
        )
        auth = {"method": "installed_app", "client_id": client["client_id"], "client_secret": {"env": "GMAIL_SECRET"}}
        async with httpx.AsyncClient(transport=transport) as browser:
            await scenario(Door(vendor, services, GmailConfig.model_validate({"auth": auth}), browser))
        await sender.close()

    return lambda scenario: asyncio.run(play(scenario))


def test_after_one_consent_the_mailbox_is_read(at_door):
    async def scenario(door: Door) -> None:
        door.vendor.set_consent(user=ALICE)
        assert await door.sign_in() == ALICE
        assert "login_hint=alice" in door.shown[0]
        assert "回到 Tradepost" in await door.visits[0]
        door.vendor.expire_tokens()
        source = GmailSource(door.config, MailboxScope(ALICE), door.services)
        assert (await source.check()).account_id == "gmail:alice@ours.example"

    at_door(scenario)


def test_a_mailbox_may_be_named_by_its_alias(at_door):
    async def scenario(door: Door) -> None:
        door.vendor.set_consent(user=ALICE)
        assert await door.sign_in("Sales@ours.example") == ALICE
        source = GmailSource(door.config, MailboxScope("sales@ours.example"), door.services)
        assert (await source.check()).problems == ()

    at_door(scenario)


def test_nobody_signed_in_is_told(at_door):
    async def scenario(door: Door) -> None:
        source = GmailSource(door.config, MailboxScope(ALICE), door.services)
        with pytest.raises(AuthFailed) as caught:
            await source.baseline()
        assert "tradepost login" in caught.value.hint

    at_door(scenario)


@pytest.mark.parametrize(
    ("consent", "error"),
    [
        ({"user": "bob@ours.example"}, AuthFailed),
        ({"user": ALICE, "deny": True}, AuthFailed),
        ({"user": ALICE, "scopes": ["https://www.googleapis.com/auth/gmail.metadata"]}, NotPermitted),
    ],
)
def test_a_consent_that_will_not_do_is_not_kept(at_door, consent, error):
    async def scenario(door: Door) -> None:
        door.vendor.set_consent(**consent)
        with pytest.raises(error):
            await door.sign_in()
        assert door.services.vault.kept == {}

    at_door(scenario)


def test_where_the_browser_cannot_come_back_its_address_is_pasted(at_door):
    async def scenario(door: Door) -> None:
        door.vendor.set_consent(user=ALICE)
        shown: list[str] = []

        async def paste() -> str:
            return " " + (await door.browser.get(shown[0])).headers["location"] + "\n"

        assert await login(door.config, ALICE, door.services, shown.append, paste=paste) == ALICE

        async def nonsense() -> str:
            return "https://example.org/"

        with pytest.raises(AuthFailed):
            await login(door.config, ALICE, door.services, shown.append, paste=nonsense)

    at_door(scenario)


def test_strangers_at_the_door_change_nothing(at_door):
    async def scenario(door: Door) -> None:
        door.vendor.set_consent(user=ALICE)

        def show(url: str) -> None:
            home = dict(httpx.QueryParams(httpx.URL(url).query))["redirect_uri"]

            async def visits() -> str:
                assert (await _visit(f"{home}/favicon.ico")).startswith("HTTP/1.1 404")
                return await door.consent(url)

            door.visits.append(asyncio.ensure_future(visits()))

        assert await login(door.config, ALICE, door.services, show) == ALICE
        assert (await door.visits[0]).startswith("HTTP/1.1 200")

        def forge(url: str) -> None:
            home = dict(httpx.QueryParams(httpx.URL(url).query))["redirect_uri"]
            door.visits.append(asyncio.ensure_future(_visit(f"{home}/?state=guessed&code=x")))

        with pytest.raises(AuthFailed):
            await login(door.config, ALICE, door.services, forge)
        await asyncio.gather(*door.visits)

    at_door(scenario)


def test_a_service_account_needs_no_login(monkeypatch):
    config = GmailConfig.model_validate({"auth": {"method": "service_account", "key": {"env": "K"}}})
    with pytest.raises(Unsupported):
        asyncio.run(login(config, ALICE, None, print))  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------------------------------- config


def settings(**more: Any) -> GmailConfig:
    return GmailConfig.model_validate({"auth": {"method": "service_account", "key": {"env": "K"}}} | more)


def test_defaults_are_googles():
    config = settings()
    assert config.scopes == (READONLY,)
    assert (config.units_per_minute, config.project_units_per_minute) == (6_000, 1_200_000)
    assert (config.project_units_per_day, config.parallel) == (80_000_000, 20)
    assert config.base_url == "https://gmail.googleapis.com"


def test_scopes_may_be_short():
    assert settings(scopes=["gmail.modify"]).scopes == ("https://www.googleapis.com/auth/gmail.modify",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["gmail.metadata"]},
        {"scopes": []},
        {"parallel": 26},
        {"parallel": 0},
        {"units_per_minute": 10},
        {"timeout": 0},
        {"colour": "red"},
        {"auth": {"method": "password"}},
        {"auth": {"method": "service_account", "key": "{...}"}},
        {"auth": {"method": "installed_app", "client_id": "x"}},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_every_setting_is_described_in_a_sentence():
    def fields(model: type[BaseModel]) -> None:
        for name, info in model.model_fields.items():
            assert info.description, name
            assert info.description.endswith("."), name

    schema = GmailConfig.model_json_schema()
    fields(GmailConfig)
    for part in ("ServiceAccountAuth", "InstalledAppAuth"):
        assert all("description" in p or "$ref" in p for p in schema["$defs"][part]["properties"].values())


def test_a_key_file_that_is_none_is_told_without_showing_it(monkeypatch):
    monkeypatch.setenv("K", '{"type": "authorized_user", "private_key": "hush"}')
    with pytest.raises(Exception) as caught:
        GmailSource(settings(), MailboxScope(ALICE), None)  # type: ignore[arg-type]
    assert not isinstance(caught.value, ConnectorError | AttributeError)
    assert "hush" not in str(caught.value)
