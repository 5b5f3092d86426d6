"""msal and azure-identity sign in at Microsoft's own host names, in every way a mail tool does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import msal
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential, DeviceCodeCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs12
from msgraph.generated.models.message import Message
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

from tests.judges.graph_desk import (
    ANNA,
    BO,
    CHINA,
    GRAPH,
    LOGIN,
    ROLES,
    SHARED,
    Desk,
    asks,
    get,
    open_desk,
    refused,
)
from tests.judges.graph_writes import text, to
from tests.judges.judge import Judge
from tradepost.sandbox.graph import assertion

judge = Judge("msal and azure-identity", open_desk)
APP_ONLY = [f"https://{GRAPH}/.default"]


def _app(desk: Desk, credential: Any = "", **more: Any) -> Any:
    """A confidential client of the tenant."""
    own: dict[str, Any] = {"authority": f"https://{LOGIN}/{desk.vendor.directory.tenant}"} | more
    secret = credential or desk.app().secrets[-1].value
    client_id = own.pop("client_id", desk.app().client_id)
    return msal.ConfidentialClientApplication(client_id, client_credential=secret, http_client=desk.requests(), **own)


def _person(desk: Desk, **more: Any) -> Any:
    authority = f"https://{LOGIN}/{desk.vendor.directory.tenant}"
    return msal.PublicClientApplication(desk.app().client_id, authority=authority, http_client=desk.requests(), **more)


def _status(desk: Desk, token: str, path: str = f"users/{ANNA}", host: str = GRAPH) -> int:
    """What Graph says to a token."""
    headers = {"Authorization": f"Bearer {token}"}
    return desk.requests().get(f"https://{host}/v1.0/{path}", headers=headers, timeout=30).status_code


def _fails(work: Callable[[], Any], kind: type[Exception], words: str = "") -> Exception:
    try:
        got = work()
    except kind as error:
        if words not in str(error):
            raise AssertionError(str(error)) from error
        return error
    raise AssertionError(f"not refused: {got}")


# -------------------------------------------------------------------------------------------------------------- the app


@judge("signs an app in by its secret, keeps the token, and is told when secret, app, tenant or scope is wrong")
def secret(desk: Desk) -> None:
    app = _app(desk)
    made = app.acquire_token_for_client(APP_ONLY)
    assert (made["token_type"], made["token_source"]) == ("Bearer", "identity_provider")
    assert 3500 < made["expires_in"] <= 3600
    claims = jwt.decode(made["access_token"], options={"verify_signature": False})
    assert (set(claims["roles"]), claims["idtyp"], claims["aud"]) == (set(ROLES), "app", f"https://{GRAPH}")
    assert _status(desk, made["access_token"]) == 200
    again = app.acquire_token_for_client(APP_ONLY)
    assert (again["token_source"], again["access_token"]) == ("cache", made["access_token"])
    told = _app(desk, "wrong").acquire_token_for_client(APP_ONLY)
    assert (told["error"], told["error_codes"]) == ("invalid_client", [7000215])
    assert told["error_description"].startswith("AADSTS7000215: ")
    assert told["correlation_id"]
    told = _app(desk, "x", client_id="00000000-0000-4000-8000-000000000000").acquire_token_for_client(APP_ONLY)
    assert (told["error"], told["error_codes"]) == ("unauthorized_client", [700016])
    told = _app(desk).acquire_token_for_client([f"https://{GRAPH}/Mail.Read"])
    assert (told["error"], told["error_codes"]) == ("invalid_scope", [1002012])
    told = _app(desk).acquire_token_for_client(["https://nowhere.example/.default"])
    assert (told["error"], told["error_codes"]) == ("invalid_resource", [500011])
    _fails(lambda: _app(desk, authority=f"https://{LOGIN}/nobody.example"), ValueError)


@judge("is told that a secret is over, and goes on with a new one")
def expired(desk: Desk) -> None:
    brief = desk.act(desk.vendor.register_app, "brief")
    desk.act(desk.vendor.expire_secrets, name="brief")
    own = {"client_id": brief["client_id"]}
    told = _app(desk, brief["client_secret"], **own).acquire_token_for_client(APP_ONLY)
    assert (told["error"], told["error_codes"]) == ("invalid_client", [7000222])
    value = desk.act(desk.vendor.new_secret, name="brief")
    assert "access_token" in _app(desk, value, **own).acquire_token_for_client(APP_ONLY)
    _fails(lambda: desk.secret(value="wrong").get_token(*APP_ONLY), ClientAuthenticationError, "AADSTS7000215")


@judge("signs an app in by a certificate: by SHA-256, by thumbprint, from a PFX file, by azure-identity")
def certificate(desk: Desk) -> None:
    pem = desk.act(desk.vendor.certificate_file)
    key, shown = (pem[: pem.index("-----BEGIN CERT")], pem[pem.index("-----BEGIN CERT") :])
    read = x509.load_pem_x509_certificate(shown.encode())
    private = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(private, RSAPrivateKey)
    locked = serialization.BestAvailableEncryption(b"word")
    pfx = desk.place.folder / "app.pfx"
    pfx.write_bytes(pkcs12.serialize_key_and_certificates(b"app", private, read, None, locked))
    ways: list[dict[str, Any]] = [
        {"private_key": key, "public_certificate": shown},
        {"private_key": key, "thumbprint": read.fingerprint(hashes.SHA1()).hex()},  # noqa: S303 - the older form
        {"private_key_pfx_path": str(pfx), "passphrase": "word", "public_certificate": True},
    ]
    for way in ways:
        made = _app(desk, way).acquire_token_for_client(APP_ONLY)
        assert _status(desk, made["access_token"]) == 200
    tenant, own = desk.vendor.directory.tenant, desk.app().client_id
    credential = CertificateCredential(tenant, own, certificate_data=pem.encode(), transport=desk.transport())
    assert _status(desk, credential.get_token(*APP_ONLY).token) == 200
    stranger = {"private_key": assertion.key_pair("stranger")[0], "public_certificate": shown}
    told = _app(desk, stranger).acquire_token_for_client(APP_ONLY)
    assert (told["error"], told["error_codes"]) == ("invalid_client", [700027])
    public, other = assertion.certificate("stranger")
    told = _app(desk, {"private_key": other, "public_certificate": public}).acquire_token_for_client(APP_ONLY)
    assert (told["error"], told["error_codes"]) == ("invalid_client", [700027])


@judge("meets a sign-in service that is away: azure-identity tries again, msal says so")
def away(desk: Desk) -> None:
    desk.place.fault("graph", "oauth2.token", 503)
    assert _status(desk, desk.secret().get_token(*APP_ONLY).token) == 200
    desk.place.fault("graph", "oauth2.token", 503)
    _fails(lambda: _app(desk).acquire_token_for_client(APP_ONLY), Exception, "503")
    desk.place.fault("graph", "oauth2.openid-configuration", 500)
    _fails(lambda: _app(desk), Exception)
    assert "access_token" in _app(desk).acquire_token_for_client(APP_ONLY)


@judge("signs in at an authority of any name: loopback as tenant and as OpenID issuer, by the tenant's domain too")
def authorities(desk: Desk) -> None:
    base, tenant = desk.place.served.urls["graph"], desk.vendor.directory.tenant
    for own in (
        {"authority": f"{base}/{tenant}", "instance_discovery": False},
        {"authority": None, "oidc_authority": f"{base}/{tenant}/v2.0"},
        {"authority": f"https://{LOGIN}/ours.example"},
    ):
        made = _app(desk, **own).acquire_token_for_client(APP_ONLY)
        assert _status(desk, made["access_token"]) == 200
    told = _app(desk, authority=f"https://{LOGIN}/common").acquire_token_for_client(APP_ONLY)
    assert (told["error"], told["error_codes"]) == ("invalid_request", [50059])


@judge("signs in at 21Vianet's hosts; each cloud refuses the other's tokens")
def china(desk: Desk) -> None:
    login, graph = CHINA
    here = _app(desk, authority=f"https://{login}/{desk.vendor.directory.tenant}")
    made = here.acquire_token_for_client([f"https://{graph}/.default"])
    assert _status(desk, made["access_token"], host=graph) == 200
    assert _status(desk, made["access_token"]) == 401
    told = _app(desk).acquire_token_for_client([f"https://{graph}/.default"])
    assert told["error_codes"] == [500011]
    other = _app(desk).acquire_token_for_client(APP_ONLY)["access_token"]
    assert _status(desk, other, host=graph) == 401
    outlook = _app(desk).acquire_token_for_client(["https://outlook.office365.com/.default"])
    assert _status(desk, outlook["access_token"]) == 401


# ------------------------------------------------------------------------------------------------------------- a person


@judge("signs a person in by device code: waits, gets in, goes on from the cache, refreshes, and is put out")
def device(desk: Desk) -> None:
    cache = msal.SerializableTokenCache()
    app = _person(desk, token_cache=cache)
    flow = app.initiate_device_flow(["Mail.Read", "User.Read"])
    assert (len(flow["user_code"]), flow["interval"]) == (9, 5)
    assert flow["user_code"] in flow["message"]
    told = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert told["error"] == "authorization_pending"
    desk.act(desk.vendor.approve_device, flow["user_code"], ANNA)
    made = app.acquire_token_by_device_flow(flow)
    assert made["id_token_claims"]["preferred_username"] == ANNA
    assert {"Mail.Read", "User.Read"} <= set(made["scope"].split())
    assert _status(desk, made["access_token"], "me") == 200
    later = msal.SerializableTokenCache()
    later.deserialize(cache.serialize())
    app = _person(desk, token_cache=later)
    (account,) = app.get_accounts()
    assert (account["username"], account["environment"]) == (ANNA, LOGIN)
    assert app.acquire_token_silent(["Mail.Read"], account)["access_token"] == made["access_token"]
    fresh = app.acquire_token_silent(["Mail.Read"], account, force_refresh=True)
    assert fresh["access_token"] != made["access_token"]
    assert _status(desk, fresh["access_token"], "me/messages") == 200
    desk.act(desk.vendor.revoke_sign_ins, ANNA)
    out = app.acquire_token_silent_with_error(["Mail.Read"], account, force_refresh=True)
    assert (out["error"], out["error_codes"]) == ("invalid_grant", [50173])


@judge("is told that a person declined, that nobody consented, and that an app is no public client")
def declined(desk: Desk) -> None:
    app = _person(desk)
    flow = app.initiate_device_flow(["Mail.Read"])
    desk.act(desk.vendor.approve_device, flow["user_code"], ANNA, decline=True)
    told = app.acquire_token_by_device_flow(flow)
    assert (told["error"], told["error_codes"]) == ("authorization_declined", [70018])
    flow = app.initiate_device_flow(["Files.Read"])
    desk.act(desk.vendor.approve_device, flow["user_code"], ANNA)
    told = app.acquire_token_by_device_flow(flow)
    assert (told["error"], told["error_codes"]) == ("invalid_grant", [65001])
    lean = msal.PublicClientApplication(
        desk.app("lean").client_id,
        authority=f"https://{LOGIN}/{desk.vendor.directory.tenant}",
        http_client=desk.requests(),
    )
    assert lean.initiate_device_flow(["Mail.ReadBasic"])["error_codes"] == [7000218]


@judge("signs a person in by a code with PKCE, once; is told when the person refuses")
def code(desk: Desk) -> None:
    def visit(flow: dict[str, Any]) -> dict[str, str]:
        answer = desk.requests().get(flow["auth_uri"], allow_redirects=False, timeout=30)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    app = _app(desk)
    flow = app.initiate_auth_code_flow(["Mail.Read"], redirect_uri="http://localhost:5000/back")
    desk.act(desk.vendor.set_consent, user=BO)
    back = visit(flow)
    made = app.acquire_token_by_auth_code_flow(flow, back)
    assert made["id_token_claims"]["preferred_username"] == BO
    assert _status(desk, made["access_token"], "me/mailFolders/inbox") == 200
    told = app.acquire_token_by_auth_code_flow(flow, back)
    assert (told["error"], told["error_codes"]) == ("invalid_grant", [54005])
    flow = app.initiate_auth_code_flow(["Mail.Read"], redirect_uri="http://localhost:5000/back")
    stolen = flow | {"code_verifier": "x" * 43}
    assert app.acquire_token_by_auth_code_flow(stolen, visit(flow))["error_codes"] == [501481]
    desk.act(desk.vendor.set_consent, deny=True)
    flow = app.initiate_auth_code_flow(["Mail.Read"], redirect_uri="http://localhost:5000/back")
    assert app.acquire_token_by_auth_code_flow(flow, visit(flow))["error"] == "access_denied"
    desk.act(desk.vendor.set_consent)


@asks(judge, "is a person in msgraph-sdk: their own mailbox by /me, a shared one, no other, and no directory")
async def me(desk: Desk) -> None:
    def enter(_: str, code: str, __: datetime) -> None:
        desk.act(desk.vendor.approve_device, code, ANNA)

    tenant, own = desk.vendor.directory.tenant, desk.app().client_id
    credential = DeviceCodeCredential(own, tenant_id=tenant, prompt_callback=enter, transport=desk.transport())
    names = ("Mail.ReadWrite", "Mail.Read.Shared", "Mail.Send", "User.Read", "Calendars.Read")
    client = desk.client(credential, scopes=[f"https://{GRAPH}/{name}" for name in names])
    anna = await client.me.get()
    assert anna.mail == ANNA
    mine = await get(client.me.mail_folders.by_mail_folder_id("inbox").messages, top=3)
    theirs = await get(desk.box.mail_folders.by_mail_folder_id("inbox").messages, top=3)
    assert [row.id for row in mine.value] == [row.id for row in theirs.value]
    assert mine.odata_next_link.startswith(f"https://{GRAPH}/v1.0/me/mailFolders/inbox/messages?")
    assert (await client.me.mail_folders.by_mail_folder_id("inbox").messages.delta.get()).odata_next_link
    wish = Message(subject="From me", body=text("Hello"), to_recipients=to(BO))
    assert await client.me.send_mail.post(SendMailPostRequestBody(message=wish, save_to_sent_items=True)) is None
    sent = await get(client.me.mail_folders.by_mail_folder_id("sentitems").messages, top=1)
    assert sent.value[0].subject == "From me"
    assert (await client.me.events.get()).value == []
    shared = await client.users.by_user_id(SHARED).messages.get()
    assert "Order 52" in [row.subject for row in shared.value]
    await refused(client.users.by_user_id(BO).messages.get(), 403, "ErrorAccessDenied")
    await refused(client.users.get(), 403, "Authorization_RequestDenied")
    await refused(client.me.contacts.get(), 403)


@judge("goes on with the same credential when its tokens were thrown away")
def renewed(desk: Desk) -> None:
    app = desk.app()
    credential = ClientSecretCredential(
        desk.vendor.directory.tenant, app.client_id, app.secrets[-1].value, transport=desk.transport()
    )
    first = credential.get_token(*APP_ONLY).token
    assert credential.get_token(*APP_ONLY).token == first
    confidential = _app(desk)
    held = confidential.acquire_token_for_client(APP_ONLY)["access_token"]
    desk.act(desk.vendor.expire_tokens)
    assert (_status(desk, first), _status(desk, held)) == (401, 401)
    confidential.remove_tokens_for_client()
    assert _status(desk, confidential.acquire_token_for_client(APP_ONLY)["access_token"]) == 200
