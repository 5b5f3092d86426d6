"""Signing in through msal, without its own network, clock or caches, and the configuration it comes from."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from pydantic import BaseModel, ValidationError

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, Transient, Unsupported
from connectors.mail.graph_config import GraphConfig, app_of
from connectors.mail.graph_login import login
from connectors.oauth.microsoft import _refused, certificate
from connectors.oauth.secret_ref import SecretError
from tests.graph.graph_office import ALICE, Office, letter
from tradepost.sandbox.kernel import Effect

GUID = "0a1b2c3d-1111-2222-3333-444455556666"
BOB = "bob@ours.example"


def by_certificate(office: Office, tmp_path: Any, content: bytes, **more: Any) -> dict[str, Any]:
    file = tmp_path / "certificate"
    file.write_bytes(content)
    app = office.vendor.registered()
    auth = {"method": "certificate", "tenant": office.vendor.directory.tenant, "client_id": app.client_id}
    return {"auth": auth | {"certificate": {"file": str(file)}} | more}


def by_device(office: Office, **more: Any) -> dict[str, Any]:
    app = office.vendor.registered()
    auth = {"method": "device_code", "tenant": office.vendor.directory.tenant, "client_id": app.client_id}
    return {"auth": auth | more}


def forms(pem: bytes) -> dict[str, tuple[bytes, str]]:
    """The same certificate in every form it may have: content, and passphrase."""
    key, made = load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
    public = made.public_bytes(Encoding.PEM)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush"))
    plain = pkcs12.serialize_key_and_certificates(b"t", key, made, None, NoEncryption())  # type: ignore[arg-type]
    pfx = pkcs12.serialize_key_and_certificates(b"t", key, made, None, BestAvailableEncryption(b"hush"))  # type: ignore[arg-type]
    return {
        "pem": (pem, ""),
        "certificate first": (public + pem[: pem.index(b"-----END")] + pem[pem.index(b"-----END") :], ""),
        "locked pem": (locked + public, "hush"),
        "pfx": (plain, ""),
        "locked pfx": (pfx, "hush"),
        "pfx as text": (base64.encodebytes(pfx), "hush"),
    }


@pytest.mark.parametrize("form", ["pem", "certificate first", "locked pem", "pfx", "locked pfx", "pfx as text"])
def test_a_certificate_signs_in_whatever_its_form(in_office, tmp_path, monkeypatch, form):
    monkeypatch.setenv("PASS", "hush")

    async def scenario(office: Office) -> None:
        content, passphrase = forms(office.vendor.certificate_file().encode())[form]
        more = {"passphrase": {"env": "PASS"}} if passphrase else {}
        source = office.source(config=by_certificate(office, tmp_path, content, **more))
        assert (await source.check()).account_id

    in_office(scenario)


def test_what_is_no_certificate_is_told_without_showing_it():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9)).sign(
        key, hashes.SHA256()
    )
    elliptic = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    for junk in (b"", b"hush", b"-----BEGIN hush", b"\x30\x82hush", elliptic, made.public_bytes(Encoding.PEM)):
        with pytest.raises(SecretError) as caught:
            certificate(junk, "", "file: x")
        assert "hush" not in str(caught.value)
        assert caught.value.code == "certificate_unreadable"


def test_the_clock_of_a_signature_is_ours_and_nobody_elses_is_touched(in_office, tmp_path):
    real = {module: vars(module)["time"] for module in (msal.application, msal.token_cache)}

    async def scenario(office: Office) -> None:
        # The platform checks times of signatures; our day is years from the machine's.
        await office.clock.sleep(400 * 86_400.0)
        source = office.source(config=by_certificate(office, tmp_path, office.vendor.certificate_file().encode()))
        assert (await source.check()).account_id
        assert {module: vars(module)["time"] for module in real} == real

    in_office(scenario)
    assert msal.application.time is time


@pytest.mark.parametrize(
    ("spoil", "error", "hint"),
    [
        (lambda o: o.vendor.expire_secrets(), AuthFailed, "expired"),
        (lambda o: setattr(o.vendor.registered().secrets[0], "value", "other"), AuthFailed, "Value"),
        (lambda o: o.vendor.directory.apps.clear(), AuthFailed, "client_id"),
        (lambda o: setattr(o.vendor.directory, "tenant", GUID), AuthFailed, "tenant"),
    ],
)
def test_a_refused_sign_in_says_what_to_mend(in_office, spoil, error, hint):
    async def scenario(office: Office) -> None:
        source = office.source()
        spoil(office)
        with pytest.raises(error) as caught:
            await source.baseline()
        assert hint in caught.value.hint
        assert office.vault.kept == {}

    in_office(scenario)


def test_mended_credentials_are_tried_at_once(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        secret = office.vendor.registered().secrets[0]
        right, secret.value = secret.value, "other"
        for _ in range(3):
            with pytest.raises(AuthFailed):
                await source.baseline()
        assert office.count("oauth2.token") == 3  # msal's own memory of refusals is not asked
        secret.value = right
        await source.baseline()

    in_office(scenario)


@pytest.mark.parametrize("operation", ["oauth2.token", "oauth2.openid-configuration"])
@pytest.mark.parametrize(
    "trouble",
    [
        {"effect": Effect.STATUS, "status": 503},
        {"effect": Effect.STATUS, "status": 429},
        {"effect": Effect.HTML, "status": 200},
        {"effect": Effect.HTML, "status": 502},
        {"effect": Effect.TRUNCATED},
        {"effect": Effect.LOST_REPLY},
        {"effect": Effect.RESET},
    ],
)
def test_trouble_at_the_identity_platform_passes(in_office, operation, trouble):
    async def scenario(office: Office) -> None:
        source = office.source()
        office.fault(operation, times=20, **trouble)
        with pytest.raises(Transient):
            await source.baseline()
        office.world.faults.clear()
        await office.clock.sleep(3600)
        await source.baseline()

    in_office(scenario)


def test_one_hiccup_at_the_identity_platform_is_not_seen(in_office):
    async def scenario(office: Office) -> None:
        office.fault("oauth2.token", Effect.STATUS, status=503)
        office.fault("oauth2.openid-configuration", Effect.RESET_AFTER)
        await office.source().baseline()

    in_office(scenario)


def test_a_cancelled_sign_in_leaves_nothing_behind(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        office.fault("oauth2.token", Effect.SLOW, seconds=30)
        task = asyncio.ensure_future(source.baseline())
        await office.clock.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await source.baseline()

    in_office(scenario)


def test_a_token_survives_a_restart(in_office):
    async def scenario(office: Office) -> None:
        await office.source().baseline()
        office.made.clear()
        await office.source().baseline()
        assert office.count("oauth2.token") == 1

    in_office(scenario)


def test_nothing_secret_is_logged(in_office, caplog):
    caplog.set_level(logging.DEBUG)

    async def scenario(office: Office) -> None:
        secret = office.vendor.registered().secrets[0].value
        office.deliver(1)
        source = office.source()
        await source.check()
        cursor = await source.baseline()
        mail = office.vendor.deliver_to(ALICE, letter(5, subject="SUBJECTHUSH", body="BODYHUSH"))
        office.fault("users.mailFolders.messages.delta", Effect.TRUNCATED)
        with pytest.raises(ConnectorError) as caught:
            await source.changes(cursor)
        office.fault("oauth2.token", Effect.TRUNCATED)
        office.vendor.expire_tokens()
        await source.fetch([mail])
        shown = str(office.log.lines) + caplog.text + str(caught.value) + repr(source._config)
        tokens = [token for token, _ in office.vault.kept.values()]
        for hush in ("HUSH", secret, ALICE, *tokens):
            assert hush not in shown

    in_office(scenario)


# ---------------------------------------------------------------------------------------------------------- device code


def typing(office: Office, user: str, shown: list[tuple[str, str]], **more: Any) -> Any:
    def show(url: str, code: str = "", /) -> None:
        shown.append((url, code))
        asyncio.get_running_loop().call_later(20, lambda: office.vendor.approve_device(code, user, **more))

    return show


def test_after_one_code_the_mailbox_is_read_for_years(in_office):
    async def scenario(office: Office) -> None:
        config = by_device(office)
        shown: list[tuple[str, str]] = []
        found = await login(office.config(**config), ALICE, office.services(), typing(office, ALICE, shown))
        assert found == ALICE
        assert shown[0][0].startswith("https://")
        assert len(shown[0][1]) > 5
        source = office.source(config=config)
        assert (await source.check()).account_id.startswith("microsoft365:")
        office.vendor.expire_tokens()
        mail = office.deliver(1)
        assert len((await source.fetch([mail])).messages) == 1
        for _ in range(2):  # each refresh hands out another, good for 90 days
            await office.clock.sleep(80 * 86_400.0)
            office.made.clear()
            assert (await office.source(config=config).check()).account_id
        office.vendor.revoke_sign_ins()
        await office.clock.sleep(7200)
        with pytest.raises(AuthFailed) as caught:
            await office.source(config=config).baseline()
        assert "tradepost login" in caught.value.hint

    in_office(scenario)


def test_nobody_signed_in_is_told(in_office):
    async def scenario(office: Office) -> None:
        with pytest.raises(AuthFailed) as caught:
            await office.source(config=by_device(office)).baseline()
        assert "tradepost login" in caught.value.hint

    in_office(scenario)


def test_a_sign_in_that_will_not_do_is_not_kept(in_office):
    async def scenario(office: Office) -> None:
        config = office.config(**by_device(office))
        with pytest.raises(AuthFailed, match="may not read this mailbox"):
            await login(config, ALICE, office.services(), typing(office, BOB, []))
        with pytest.raises(AuthFailed, match="refused"):
            await login(config, ALICE, office.services(), typing(office, ALICE, [], decline=True))
        with pytest.raises(AuthFailed, match="grew old"):
            await login(config, ALICE, office.services(), lambda *_: None)
        assert not [name for name in office.vault.kept if "cache" in name]

    in_office(scenario)


def test_a_missing_consent_is_told(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.set_permissions([], scopes=["User.Read"])
        config = office.config(**by_device(office))
        with pytest.raises(NotPermitted, match=r"Mail\.Read"):
            await login(config, ALICE, office.services(), typing(office, ALICE, []))

    in_office(scenario)


def test_a_shared_mailbox_is_signed_in_to_by_a_reader(in_office):
    async def scenario(office: Office) -> None:
        scopes = ["Mail.Read", "User.Read", "Mail.Read.Shared", "User.ReadBasic.All"]
        office.vendor.set_permissions([], scopes=scopes)
        office.vendor.share_mailbox(ALICE, BOB)
        config = by_device(office, scopes=scopes)
        assert await login(office.config(**config), ALICE, office.services(), typing(office, BOB, [])) == ALICE
        assert (await office.source(config=config).check()).account_id

    in_office(scenario)


def test_an_app_needs_no_login(in_office):
    async def scenario(office: Office) -> None:
        with pytest.raises(Unsupported):
            await login(office.config(), ALICE, office.services(), lambda *_: None)

    in_office(scenario)


# --------------------------------------------------------------------------------------------------------------- config


def settings(**more: Any) -> GraphConfig:
    auth = {"method": "client_secret", "tenant": GUID, "client_id": GUID, "client_secret": {"env": "GRAPH_SECRET"}}
    return GraphConfig.model_validate({"auth": auth} | more)


@pytest.mark.parametrize(
    ("cloud", "authority", "root"),
    [
        ("global", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
        ("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
        ("dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        ("china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_a_cloud_stands_for_three_addresses_and_each_can_be_given(monkeypatch, cloud, authority, root):
    monkeypatch.setenv("GRAPH_SECRET", "x")
    config = settings(cloud=cloud)
    app = app_of(config)
    assert (app.authority, config.root, app.scopes) == (authority, root, (f"{root}/.default",))
    own = settings(
        cloud=cloud, authority="https://login.chinacloudapi.cn/", graph_root="https://g.example/", scope="s/.default"
    )
    app = app_of(own)
    assert (app.authority, own.root, app.scopes) == (
        "https://login.chinacloudapi.cn",
        "https://g.example",
        ("s/.default",),
    )


def test_a_sandbox_without_tls_is_signed_in_to_where_msal_wants_tls(in_office):
    async def scenario(office: Office) -> None:
        office.transport.apps = {"127.0.0.1:8083": office.vendor}
        root = "http://127.0.0.1:8083"
        source = office.source(config={"authority": root, "graph_root": root})
        cursor = await source.baseline()
        mail = office.deliver(1)
        assert [e.id for e in (await source.changes(cursor)).events] == [mail]

    in_office(scenario)


def test_a_secret_never_goes_to_an_address_of_a_stranger(in_office, monkeypatch):
    def configuration(root: str, tenant: str, cloud: object) -> dict[str, str]:
        there = f"https://evil.example/{tenant}/oauth2/v2.0"
        return {"authorization_endpoint": f"{there}/authorize", "token_endpoint": f"{there}/token", "issuer": root}

    monkeypatch.setattr("tradepost.sandbox.graph.platform.configuration", configuration)

    async def scenario(office: Office) -> None:
        office.transport.apps["evil.example"] = office.vendor
        with pytest.raises(AuthFailed, match="stranger"):
            await office.source().baseline()
        assert office.count("oauth2.token") == 0

    in_office(scenario)


@pytest.mark.parametrize("cloud", ["usgov", "dod", "china"])
def test_the_other_clouds_are_read_alike(in_office, cloud):
    async def scenario(office: Office) -> None:
        source = office.source(config={"cloud": cloud})
        cursor = await source.baseline()
        mail = office.deliver(1)
        assert [e.id for e in (await source.changes(cursor)).events] == [mail]

    in_office(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cloud": "mars"},
        {"concurrency": 5},
        {"page_size": 0},
        {"authority": "login.microsoftonline.com"},
        {"authority": f"https://login.microsoftonline.com/{GUID}"},
        {"graph_root": "https://graph.microsoft.com/v1.0"},
        {"skip_sensitivity": ["secret"]},
        {"timeout": 0},
        {"colour": "red"},
        {"auth": {"method": "password"}},
        {"auth": {"method": "client_secret", "tenant": "common", "client_id": GUID, "client_secret": {"env": "X"}}},
        {"auth": {"method": "client_secret", "tenant": GUID, "client_id": GUID, "client_secret": "hush"}},
        {"auth": {"method": "device_code", "tenant": GUID, "client_id": GUID, "scopes": ["Mail.ReadBasic"]}},
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

    fields(GraphConfig)
    defs = GraphConfig.model_json_schema()["$defs"]
    for part in ("ClientSecretAuth", "CertificateAuth", "DeviceCodeAuth"):
        assert all("description" in p or "$ref" in p for p in defs[part]["properties"].values())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "invalid_client", "error_codes": [7000215]}, AuthFailed),
        ({"error": "invalid_grant", "error_description": "AADSTS700082: The refresh token has expired"}, AuthFailed),
        ({"error": "invalid_grant", "error_codes": [65001]}, NotPermitted),
        ({"error": "access_denied", "error_codes": [53003]}, NotPermitted),
        ({"error": "temporarily_unavailable"}, Transient),
        ({"error": "<b>hush</b>", "error_codes": "junk", "error_description": None}, AuthFailed),
    ],
)
def test_every_refusal_has_its_meaning(monkeypatch, answer, error):
    monkeypatch.setenv("GRAPH_SECRET", "x")
    found = _refused(answer, app_of(settings()))
    assert type(found) is error
    assert found.hint
    assert "hush" not in str(found)
