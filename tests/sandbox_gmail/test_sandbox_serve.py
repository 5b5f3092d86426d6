"""Google's own client libraries, over real HTTP on loopback, find what they expect."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from random import Random
from typing import Any

import google_auth_httplib2
import httplib2
import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from tests.sandbox_gmail.desk import ANNA, BO, make_mail, unpad
from tradepost.clock import SystemClock
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.serve import Served, serve

SCOPES = ["https://www.googleapis.com/auth/gmail.readonly"]


@pytest.fixture
def vendor() -> GmailVendor:
    made = GmailVendor(World(clock=SystemClock(), random=Random(1)))
    made.add_mailbox(ANNA)
    made.add_mailbox(BO)
    return made


@contextmanager
def _gmail(served: Served, credentials: Any) -> Iterator[Any]:
    text = files("googleapiclient").joinpath("discovery_cache/documents/gmail.v1.json").read_text("utf-8")
    document = json.loads(text) | {"rootUrl": served.urls["gmail"] + "/", "baseUrl": served.urls["gmail"] + "/"}
    http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=20))
    try:
        yield build_from_document(document, http=http)
    finally:
        http.close()


def _delegated(served: Served, user: str = ANNA, scopes: list[str] = SCOPES) -> Any:
    key = served.credentials["gmail"]["service_account"]
    return service_account.Credentials.from_service_account_info(key, scopes=scopes, subject=user)


def _with_client(vendor: GmailVendor, work: Callable[[Served], Any]) -> Any:
    """Serve on this loop while the synchronous client works in a thread."""

    async def main() -> Any:
        async with serve(vendor.world, [vendor]) as served:
            return await asyncio.get_running_loop().run_in_executor(None, work, served)

    return asyncio.run(main())


def test_a_delegated_client_lists_reads_and_follows_changes(vendor: GmailVendor) -> None:
    raws = [make_mail(f"n {n}", text="词 " * n) for n in range(7)]
    ids = [vendor.deliver(ANNA, raw) for raw in raws]

    def work(served: Served) -> None:
        with _gmail(served, _delegated(served)) as gmail:
            messages = gmail.users().messages()
            start = gmail.users().getProfile(userId="me").execute()["historyId"]
            request, seen = messages.list(userId="me", maxResults=3, q="after:1 -in:chats"), []
            while request is not None:
                page = request.execute()
                seen += [m["id"] for m in page["messages"]]
                request = messages.list_next(request, page)
            assert sorted(seen) == sorted(ids)
            for mid, raw in zip(ids, raws, strict=True):
                assert unpad(messages.get(userId="me", id=mid, format="raw").execute()["raw"]) == raw
            new = vendor.deliver(ANNA, make_mail("new"))
            told = gmail.users().history().list(userId="me", startHistoryId=start).execute()
            assert told["history"][0]["messagesAdded"][0]["message"]["id"] == new
            assert messages.list(userId="me", q="subject:new").execute()["messages"][0]["id"] == new
            long = " OR ".join(f"rfc822msgid:none{n}@x.example" for n in range(200)) + " OR subject:new"
            assert messages.list(userId="me", q=long).execute()["messages"][0]["id"] == new

    _with_client(vendor, work)
    assert vendor.world.requests.writes() == []


def test_a_batch_of_googles_client_brings_answers_and_errors_to_their_callbacks(vendor: GmailVendor) -> None:
    ids = [vendor.deliver(ANNA, make_mail(f"n {n}")) for n in range(20)]

    def work(served: Served) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with _gmail(served, _delegated(served)) as gmail:
            gmail.users().getProfile(userId="me").execute()  # a batch that has to sign in itself leaves a socket open
            batch = gmail.new_batch_http_request(lambda key, answer, error: found.update({key: error or answer}))
            for mid in [*ids, "none"]:
                batch.add(gmail.users().messages().get(userId="me", id=mid, format="minimal"), request_id=mid)
            batch.execute()
        return found

    found = _with_client(vendor, work)
    assert [found[mid]["id"] for mid in ids] == ids
    assert isinstance(found["none"], HttpError)
    assert found["none"].status_code == 404
    assert found["none"].reason == "Requested entity was not found."


def test_errors_reach_googles_client_in_its_own_shape(vendor: GmailVendor) -> None:
    def work(served: Served) -> None:
        with _gmail(served, _delegated(served)) as gmail:
            with pytest.raises(HttpError) as caught:
                gmail.users().getProfile(userId=BO).execute()
            assert (caught.value.status_code, caught.value.reason) == (403, f"Delegation denied for {ANNA}")
            vendor.world.faults.add(Fault(vendor="gmail", effect=Effect.STATUS, status=403, code="rateLimitExceeded"))
            with pytest.raises(HttpError) as caught:
                gmail.users().getProfile(userId="me").execute()
            assert caught.value.error_details[0]["reason"] == "rateLimitExceeded"
            vendor.expire_tokens()  # the client signs in again by itself
            assert gmail.users().getProfile(userId="me").execute()["emailAddress"] == ANNA
        refused = pytest.raises(RefreshError, match="unauthorized_client")
        with _gmail(served, _delegated(served, scopes=["https://mail.google.com/"])) as gmail, refused:
            gmail.users().getProfile(userId="me").execute()

    _with_client(vendor, work)


def test_an_installed_app_refreshes_until_it_is_revoked(vendor: GmailVendor) -> None:
    def work(served: Served) -> None:
        client = served.credentials["gmail"]["oauth_client"]["installed"]
        token = vendor.refresh_token(client["client_id"], BO)
        names = {
            "token_uri": client["token_uri"],
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
        }
        with _gmail(served, Credentials(None, refresh_token=token, **names)) as gmail:
            assert gmail.users().getProfile(userId="me").execute()["emailAddress"] == BO
            vendor.revoke(token)
            with pytest.raises(RefreshError, match="invalid_grant"):
                gmail.users().getProfile(userId="me").execute()

    _with_client(vendor, work)


def test_what_is_served_is_plain_json_and_the_control_api_answers_beside_the_vendor(vendor: GmailVendor) -> None:
    async def main() -> None:
        async with serve(vendor.world, [vendor]) as served, httpx.AsyncClient(timeout=10) as http:
            shown = json.loads(json.dumps(served.as_dict()))
            assert shown["vendors"]["gmail"]["credentials"]["mailboxes"] == [ANNA, BO]
            assert shown["vendors"]["gmail"]["base_url"].startswith("http://127.0.0.1:")
            assert "PRIVATE KEY" not in repr(served)
            found = await http.post(
                f"{shown['control']}/gmail/deliver", json={"mailbox": BO, "raw": "Subject: hello\n\nx"}
            )
            assert found.json()["result"] in vendor.mailboxes[BO].messages

    asyncio.run(main())


def test_the_server_stops_at_once_with_a_call_that_is_never_answered(vendor: GmailVendor) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(timeout=10) as http:
            async with serve(vendor.world, [vendor]) as served:
                vendor.world.faults.add(Fault(vendor="gmail", effect=Effect.LOST_REQUEST))
                url = served.urls["gmail"]
                lost = asyncio.create_task(http.get(f"{url}/gmail/v1/users/me/profile"))
                while not vendor.world.requests.records:  # noqa: ASYNC110 - until the server has it
                    await asyncio.sleep(0)
            with pytest.raises(httpx.HTTPError):
                await lost
            with pytest.raises(httpx.ConnectError):
                await http.get(f"{url}/gmail/v1/users/me/profile")

    asyncio.run(asyncio.wait_for(main(), 8))


def test_a_given_port_is_used_and_a_taken_one_is_an_error(vendor: GmailVendor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def refused() -> None:
            async with serve(vendor.world, [vendor], {"gmail": port}):
                raise AssertionError("served on a port of somebody else")

        with pytest.raises(OSError, match="in use"):
            asyncio.run(refused())

    async def main() -> None:
        async with serve(vendor.world, [vendor], {"gmail": port}) as served:
            assert served.urls == {"gmail": f"http://127.0.0.1:{port}"}

    asyncio.run(main())
