"""Tokens: signed right, cached, renewed once, kept; refusals say what to mend and show nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, RateLimited, Transient
from connectors.base.services import Services
from connectors.http import Sender
from connectors.oauth import (
    GoogleServiceAccountTokens,
    InstalledApp,
    RefreshTokens,
    SalesforceClientCredentials,
    SalesforceJwtTokens,
    SecretError,
    ServiceAccountKey,
    TokenSpec,
    authorization_url,
    exchange_code,
    keep_login,
)
from tradepost.cpu import InlineCpu
from tradepost.sandbox.kernel import Effect, Fault, Kind, Vendor, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import START, VirtualClock, run
from tradepost.vault import MemoryVault


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _pem() -> str:
    form = serialization.PrivateFormat.PKCS8
    return _key().private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _claims(assertion: str) -> dict[str, Any]:
    """The claims, after checking the signature with the public key."""
    unchecked = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode(assertion, _key().public_key(), algorithms=["RS256"], options=unchecked)


class Issuer(Vendor):
    """A token endpoint: answers `extra` beside tokens a1, a2, ..., or what `refuse` says."""

    name = "issuer"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.forms: list[dict[str, str]] = []
        self.extra: dict[str, Any] = {"expires_in": 3600}
        self.refuse: tuple[int, Any] | None = None
        self.rotates = False

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:
        return "oauth2.token", "read"

    async def respond(self, request: Request) -> Response:
        self.forms.append(dict(parse_qsl((await request.body()).decode())))
        assert "authorization" not in request.headers
        if self.refuse:
            status, body = self.refuse
            return Response(body, status) if isinstance(body, str) else JSONResponse(body, status)
        n = len(self.forms)
        rotated = {"refresh_token": f"r{n + 1}"} if self.rotates else {}
        return JSONResponse({"access_token": f"a{n}", "token_type": "Bearer", **self.extra, **rotated})

    def fault_reply(self, fault: Fault) -> Response:
        return JSONResponse({"error": "temporarily_unavailable"}, fault.status)


class Desk:
    """An issuer at https://issuer.example, and services to reach it."""

    def __init__(self, log: Any) -> None:
        self.clock, self.log, self.vault = VirtualClock(), log, MemoryVault()
        self.world = World(clock=self.clock, random=Random(1))
        self.issuer = Issuer(self.world)
        transport = InProcessTransport({"issuer.example": self.issuer}, self.clock)
        self.sender = Sender(clock=self.clock, random=Random(2), log=log, transport=transport)
        self.spec = TokenSpec(name="books", url="https://issuer.example/token", timeout=5.0)

    @property
    def services(self) -> Services:
        return Services(
            open_http=self.sender.open,
            clock=self.clock,
            random=Random(3),
            cpu=InlineCpu(),
            log=self.log,
            vault=self.vault,
        )

    def google(self, subject: str = "Anna@Acme.example", **spec: Any) -> GoogleServiceAccountTokens:
        key = ServiceAccountKey.from_json(json.dumps(_key_file()))
        return GoogleServiceAccountTokens(self.services, self.spec, key, subject=subject, scopes=["scope/b", "scope/a"])

    def salesforce(self) -> SalesforceJwtTokens:
        self.issuer.extra = {"instance_url": "https://org.my.salesforce.com/"}
        return SalesforceJwtTokens(self.services, self.spec, client_id="consumer", username="sync@acme", key=_pem())

    def secret(self) -> SalesforceClientCredentials:
        self.issuer.extra = {"instance_url": "https://org.my.salesforce.com"}
        return SalesforceClientCredentials(self.services, self.spec, client_id="consumer", client_secret="hunter2")

    def refresh(self, **more: Any) -> RefreshTokens:
        return RefreshTokens(
            self.services, self.spec, client_id="app", client_secret="hunter2", account="Anna@x", **more
        )


def _key_file(**changes: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "client_email": "sync@project.iam.example",
        "client_id": "1234567890",
        "private_key_id": "kid-1",
        "private_key": _pem(),
        "token_uri": "https://elsewhere.example/token",
        **changes,
    }


@pytest.fixture
def desk(shop) -> Desk:
    return Desk(shop.log)


# --------------------------------------------------------------------------------------------------------------- google


def test_googles_assertion_holds_the_documented_claims_signed_by_the_key(desk) -> None:
    async def main() -> str:
        await desk.clock.sleep(90.7)
        return await desk.google().token()

    assert run(main()) == "a1"
    (form,) = desk.issuer.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    now = int(START.timestamp()) + 90
    assert _claims(form["assertion"]) == {
        "iss": "sync@project.iam.example",
        "sub": "anna@acme.example",
        "scope": "scope/b scope/a",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": now,
        "exp": now + 3600,
    }
    assert jwt.get_unverified_header(form["assertion"]) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}


def test_a_token_is_kept_until_shortly_before_its_end(desk) -> None:
    async def main() -> list[str]:
        tokens, seen = desk.google(), []
        for wait in (0, 3400, 79, 2):
            await desk.clock.sleep(wait)
            seen.append(await tokens.token())
        return seen

    assert run(main()) == ["a1", "a1", "a1", "a2"]


def test_a_short_lived_token_is_still_used(desk) -> None:
    async def main() -> list[str]:
        desk.issuer.extra = {"expires_in": 60}
        tokens = desk.google()
        seen = [await tokens.token(), await tokens.token()]
        await desk.clock.sleep(31)
        return [*seen, await tokens.token()]

    assert run(main()) == ["a1", "a1", "a2"]


def test_many_callers_at_once_cause_one_request(desk) -> None:
    async def main() -> tuple[list[str], list[str]]:
        desk.world.faults.add(Fault(vendor="issuer", effect=Effect.SLOW, seconds=1, times=2))
        tokens = desk.google()
        first = await asyncio.gather(*(tokens.token() for _ in range(20)))
        second = await asyncio.gather(*(tokens.renew("a1") for _ in range(20)))
        return first, second

    assert run(main()) == (["a1"] * 20, ["a2"] * 20)
    assert len(desk.issuer.forms) == 2


def test_a_restart_needs_no_new_token_and_mailboxes_and_scopes_do_not_share_one(desk) -> None:
    async def main() -> list[str]:
        key = ServiceAccountKey.from_json(json.dumps(_key_file()))
        other = GoogleServiceAccountTokens(
            desk.services, desk.spec, key, subject="anna@acme.example", scopes=["scope/a"]
        )
        sources = [desk.google(), desk.google(), desk.google("bo@acme.example"), other]
        return [await source.token() for source in sources]

    assert run(main()) == ["a1", "a1", "a2", "a3"]


def test_an_empty_address_means_the_key_files_own(desk) -> None:
    async def main() -> None:
        key = ServiceAccountKey.from_json(json.dumps(_key_file(token_uri="https://issuer.example/other")))
        await GoogleServiceAccountTokens(
            desk.services, TokenSpec(name="x", url=""), key, subject="a@b", scopes=["s"]
        ).token()

    run(main())
    assert desk.world.requests.records[0].path == "/other"
    assert _claims(desk.issuer.forms[0]["assertion"])["aud"] == "https://oauth2.googleapis.com/token"


def _refusal(desk: Desk, tokens: Any, status: int, body: Any) -> ConnectorError:
    async def main() -> str:
        desk.issuer.refuse = (status, body)
        return await tokens.token()

    with pytest.raises(ConnectorError) as caught:
        run(main())
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "description", "kind", "said"),
    [
        (401, "unauthorized_client", "Client is unauthorized ...", NotPermitted, ["1234567890", "scope/b, scope/a", "Domain-wide delegation"]),
        (400, "invalid_grant", "Invalid JWT: Token must be a short-lived token", AuthFailed, ["clock"]),
        (400, "invalid_grant", "Invalid email or User ID", AuthFailed, ["mailbox"]),
        (400, "invalid_grant", "Invalid JWT Signature.", AuthFailed, ["new key"]),
        (400, "admin_policy_enforced", "", NotPermitted, ["policy"]),
        (400, "weird <anna@acme.example>", "", AuthFailed, ["new key"]),
    ],
)  # fmt: skip
def test_googles_refusals_say_what_to_mend(desk, status, code, description, kind, said) -> None:
    error = _refusal(desk, desk.google(), status, {"error": code, "error_description": description})
    assert type(error) is kind
    assert all(word in str(error) for word in said)
    assert error.code == (code if "<" not in code else "")
    assert "anna" not in f"{error} {desk.log.lines}"
    assert len(desk.issuer.forms) == 1


@pytest.mark.parametrize("body", ["<html>portal</html>", [], {"message": "no"}, {"error": {"code": 404}}])
def test_a_refusal_of_another_shape_is_a_failed_sign_in_never_a_rejected_item(desk, body) -> None:
    assert type(_refusal(desk, desk.google(), 404, body)) is AuthFailed


@pytest.mark.parametrize(
    "body", ["<html>", "[]", {}, {"access_token": ""}, {"access_token": "two\r\nlines"}, {"access_token": "x", "expires_in": "soon"}]
)  # fmt: skip
def test_an_answer_without_a_usable_token_is_passing_trouble(desk, body) -> None:
    error = _refusal(desk, desk.google(), 200, body)
    assert type(error) is Transient
    assert "lines" not in str(error)


@pytest.mark.parametrize("effect", [Effect.LOST_REPLY, Effect.RESET, Effect.STATUS, Effect.HTML])
def test_a_failing_endpoint_is_asked_again(desk, effect) -> None:
    desk.world.faults.add(Fault(vendor="issuer", effect=effect))
    assert run(desk.google().token()).startswith("a")
    assert desk.world.requests.count() == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type":"authorized_user"}', json.dumps(_key_file(private_key="-----BEGIN junk"))]
)
def test_a_wrong_key_file_is_told_without_its_contents(text) -> None:
    with pytest.raises(SecretError) as caught:
        ServiceAccountKey.from_json(text, "file: /etc/key.json")
    assert "/etc/key.json" in str(caught.value)
    assert "junk" not in str(caught.value)


def test_a_key_does_not_show_itself() -> None:
    key = ServiceAccountKey.from_json(json.dumps(_key_file()))
    assert "PRIVATE KEY" not in f"{key!r} {key} {key.model_dump()}"


# ----------------------------------------------------------------------------------------------------------- salesforce


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("https://acme.my.salesforce.com/services/oauth2/token", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com/services/oauth2/token", "https://test.salesforce.com"),
        ("https://test.salesforce.com/services/oauth2/token", "https://test.salesforce.com"),
    ],
)
def test_salesforces_assertion_is_short_lived_and_for_the_right_login_host(desk, url, audience) -> None:
    from connectors.oauth.salesforce import _audience

    assert _audience(url) == audience
    run(desk.salesforce().token())
    claims = _claims(desk.issuer.forms[0]["assertion"])
    assert claims == {
        "iss": "consumer",
        "sub": "sync@acme",
        "aud": "https://login.salesforce.com",
        "exp": int(START.timestamp()) + 180,
    }


def test_a_session_lasts_until_refused_and_names_its_instance(desk) -> None:
    async def main() -> list[str]:
        tokens = desk.salesforce()
        seen = [tokens.instance_url, await tokens.token(), tokens.instance_url]
        await desk.clock.sleep(30 * 86400)
        restarted = desk.salesforce()
        seen += [await restarted.token(), restarted.instance_url]
        return [*seen, await restarted.renew("a1"), await tokens.renew("a1"), await tokens.token()]

    org = "https://org.my.salesforce.com"
    assert run(main()) == ["", "a1", org, "a1", org, "a2", "a3", "a3"]


def test_a_session_renewed_by_another_is_found_in_the_vault(desk) -> None:
    async def main() -> list[str]:
        first, second = desk.salesforce(), desk.salesforce()
        await first.token()
        await first.renew("a1")
        return [await second.renew("a1"), await second.token()]

    assert run(main()) == ["a2", "a2"]


def test_client_credentials_are_sent_in_the_form(desk) -> None:
    assert run(desk.secret().token()) == "a1"
    assert desk.issuer.forms == [
        {"grant_type": "client_credentials", "client_id": "consumer", "client_secret": "hunter2"}
    ]


@pytest.mark.parametrize(
    ("code", "description", "kind", "said"),
    [
        ("invalid_grant", "user hasn't approved this consumer", NotPermitted, "pre-authorized"),
        ("invalid_app_access", "user is not admin approved to access this app", NotPermitted, "pre-authorized"),
        ("invalid_grant", "no client credentials user enabled", NotPermitted, "run-as user"),
        ("invalid_grant", "request not supported on this domain", AuthFailed, "MYDOMAIN"),
        ("invalid_grant", "ip restricted", NotPermitted, "IP ranges"),
        ("invalid_grant", "login rate exceeded", RateLimited, "sign-ins"),
        ("invalid_client", "invalid client credentials", AuthFailed, "client_secret"),
        ("inactive_user", "user is inactive", NotPermitted, "not active"),
        ("invalid_grant", "invalid assertion", AuthFailed, "certificate"),
    ],
)
def test_salesforces_refusals_say_what_to_mend(desk, code, description, kind, said) -> None:
    error = _refusal(desk, desk.secret(), 400, {"error": code, "error_description": description})
    assert type(error) is kind
    assert said in error.hint
    assert (error.code, error.status, error.operation) == (code, 400, "oauth2.token")
    assert "hunter2" not in f"{error} {desk.log.lines}"


@pytest.mark.parametrize(
    "instance",
    [
        "",
        "http://org.my.salesforce.com",
        "ftp://x",
        "https://",
        "https://evil.example",
        "https://my.salesforce.com.evil.example",
    ],
)
def test_a_session_for_a_doubtful_instance_is_not_used(desk, instance) -> None:
    async def main() -> None:
        tokens = desk.secret()
        desk.issuer.extra = {"instance_url": instance}
        await tokens.token()

    with pytest.raises(Transient):
        run(main())


@pytest.mark.parametrize("pem", ["", "no key", "EC", "locked"])
def test_an_unusable_private_key_is_told_at_once(desk, pem) -> None:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    if pem == "EC":
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, form, plain).decode()
    if pem == "locked":
        lock = serialization.BestAvailableEncryption(b"pass")
        pem = _key().private_bytes(serialization.Encoding.PEM, form, lock).decode()
    with pytest.raises(SecretError, match="PEM"):
        SalesforceJwtTokens(desk.services, desk.spec, client_id="c", username="u", key=pem)


# -------------------------------------------------------------------------------------------------------- installed app

APP = InstalledApp(
    client_id="app", client_secret="hunter2", scopes=("s1", "s2"), authorization_url="https://issuer.example/auth"
)


def _begin(**more: Any) -> Any:
    return authorization_url(APP, "http://127.0.0.1:8765", draw=lambda n: f"drawn-{n}", **more)


def test_the_consent_address_carries_pkce_state_and_the_wish_for_a_lasting_sign_in() -> None:
    begun = _begin(login_hint="anna@x")
    query = {k: v[0] for k, v in parse_qs(urlsplit(begun.url).query).items()}
    challenge = urlsafe_b64encode(hashlib.sha256(b"drawn-48").digest()).decode().rstrip("=")
    assert query == {
        "response_type": "code", "client_id": "app", "redirect_uri": "http://127.0.0.1:8765", "scope": "s1 s2",
        "state": "drawn-24", "code_challenge": challenge, "code_challenge_method": "S256", "login_hint": "anna@x",
        "access_type": "offline", "prompt": "consent",
    }  # fmt: skip
    assert "drawn" not in repr(begun)
    real = authorization_url(APP, "http://localhost:1")
    assert 43 <= len(real.verifier) <= 128
    assert real.verifier != authorization_url(APP, "http://localhost:1").verifier
    with pytest.raises(ValueError, match="loopback"):
        authorization_url(APP, "https://evil.example/")


def test_a_sign_in_ends_in_tokens_that_are_kept_and_found_again(desk) -> None:
    async def main() -> list[str]:
        desk.issuer.rotates = True
        grant = await exchange_code(desk.services, desk.spec, APP, _begin(), {"state": "drawn-24", "code": "c1"})
        await keep_login(desk.services, "app", "anna@X", grant)
        seen = [await desk.refresh().token()]
        await desk.clock.sleep(3600)
        return [*seen, await desk.refresh().token()]

    assert run(main()) == ["a1", "a2"]
    assert desk.issuer.forms[0] == {
        "grant_type": "authorization_code", "code": "c1", "redirect_uri": "http://127.0.0.1:8765",
        "code_verifier": "drawn-48", "client_id": "app", "client_secret": "hunter2",
    }  # fmt: skip
    assert desk.issuer.forms[1]["refresh_token"] == "r2"


@pytest.mark.parametrize(
    ("answer", "extra", "kind"),
    [
        ({"state": "other", "code": "c"}, {"refresh_token": "r"}, AuthFailed),
        ({"code": "c"}, {"refresh_token": "r"}, AuthFailed),
        ({"state": "drawn-24", "error": "access_denied"}, {}, AuthFailed),
        ({"state": "drawn-24", "code": "c"}, {}, AuthFailed),
        ({"state": "drawn-24", "code": "c"}, {"refresh_token": "r", "scope": "s1"}, NotPermitted),
    ],
)
def test_a_sign_in_that_went_wrong_is_not_taken(desk, answer, extra, kind) -> None:
    desk.issuer.extra = extra
    with pytest.raises(kind):
        run(exchange_code(desk.services, desk.spec, APP, _begin(), answer))


def test_a_rotated_refresh_token_is_on_disk_before_its_access_token_is_used(desk) -> None:
    puts: list[tuple[str, str]] = []
    put = desk.vault.put

    async def spy(name: str, token: str, expires_at: Any) -> None:
        puts.append((name, token))
        await put(name, token, expires_at)

    async def main() -> list[str]:
        desk.issuer.rotates, desk.vault.put = True, spy
        tokens = desk.refresh(initial="r1")
        return [await tokens.token(), await tokens.renew("a1"), await desk.refresh(initial="r1").renew("a2")]

    assert run(main()) == ["a1", "a2", "a3"]
    assert [form["refresh_token"] for form in desk.issuer.forms] == ["r1", "r2", "r3"]
    assert [name.endswith(":refresh") for name, _ in puts] == [True, False] * 3
    assert puts[0][1] == "r2"


def test_a_refresh_is_sent_once_and_a_lost_answer_leaves_a_write_in_no_doubt(desk) -> None:
    desk.world.faults.add(Fault(vendor="issuer", effect=Effect.LOST_REPLY))
    with pytest.raises(ConnectorError) as caught:
        run(desk.refresh(initial="r1").token())
    assert type(caught.value) is Transient
    assert desk.world.requests.count() == 1


def test_an_ended_sign_in_asks_for_login(desk) -> None:
    error = _refusal(desk, desk.refresh(initial="r1"), 400, {"error": "invalid_grant"})
    assert type(error) is AuthFailed
    assert "tradepost login" in error.hint
    with pytest.raises(AuthFailed, match="tradepost login"):
        run(desk.refresh().token())


def test_the_endpoint_may_name_the_scopes_it_grants_beyond_those_asked_for(desk) -> None:
    desk.issuer.extra = {"refresh_token": "r", "scope": "s2 s1 openid", "expires_in": 3600}
    grant = run(exchange_code(desk.services, desk.spec, APP, _begin(), {"state": "drawn-24", "code": "c"}))
    assert grant.good_until == START + timedelta(seconds=3480)
    assert "a1" not in repr(grant)
    assert "r'" not in repr(grant).replace("scopes=('s2', 's1', 'openid')", "")


# ----------------------------------------------------------------------------------------------------------- redaction


def test_no_secret_ever_shows(desk, caplog) -> None:
    caplog.set_level(0)

    async def main() -> list[Any]:
        tokens = [desk.google(), desk.salesforce(), desk.secret(), desk.refresh(initial="r-initial")]
        return [*tokens, *[await t.token() for t in tokens if desk.issuer.extra.update(access_token="s3cr3t") is None]]

    made = run(main())
    assert made[4:] == ["s3cr3t"] * 4
    assert len(desk.log.lines) == 4
    shown = f"{caplog.text} {desk.log.lines} {[(repr(m), str(m)) for m in made[:4]]} {desk.vault!r} {desk.spec!r}"
    for planted in ("s3cr3t", "hunter2", "r-initial", "PRIVATE", "anna", "Anna", "sync@", "eyJ"):
        assert planted not in shown
