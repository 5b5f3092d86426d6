"""The client library writes and reads batches; our sender would carry them."""

import json

import pytest

from connectors.base.errors import BadReply
from connectors.base.services import Reply
from connectors.mail.gmail_api import Batch, Part, call_of, gmail_service, result_of

BASE = "http://gmail.test:8080"


def requests(*ids):
    users = gmail_service(BASE).users()
    return {id_: users.messages().get(userId="me", id=id_, format="raw") for id_ in ids}


def batch(*ids):
    return Batch(gmail_service(BASE), requests(*ids))


def part(id_, status, body):
    return (
        f"--cut\r\nContent-Type: application/http\r\nContent-ID: <response-tradepost + {id_}>\r\n\r\n"
        f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json; charset=UTF-8\r\nVary: Origin\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}\r\n"
    )


def answer(*parts, tail="--cut--\r\n"):
    content = "".join(part(*p) for p in parts) + tail
    return Reply(200, {"content-type": "multipart/mixed; boundary=cut"}, content.encode())


def test_requests_go_to_the_configured_root_with_repeated_parameters():
    users = gmail_service(BASE).users()
    moves = ["messageAdded", "labelAdded"]
    call = call_of(users.history().list(userId="me", startHistoryId="7", historyTypes=moves, maxResults=500))
    assert call.operation == "history.list"
    assert call.method == "GET"
    assert call.url == (
        f"{BASE}/gmail/v1/users/me/history?startHistoryId=7&historyTypes=messageAdded&historyTypes=labelAdded"
        "&maxResults=500&alt=json"
    )
    assert call.safe
    assert call.costs == {"user": 2, "project": 2, "day": 2}
    assert call_of(users.settings().sendAs().list(userId="me")).operation == "settings.sendAs.list"


def test_a_batch_goes_to_the_same_root_and_costs_what_its_parts_cost():
    call = batch("18a", "18b", "18c").call()
    assert call.url == f"{BASE}/batch"
    assert call.safe
    assert call.costs["user"] == 60
    assert call.content is not None
    text = call.content.decode()
    assert "GET /gmail/v1/users/me/messages/18b?format=raw&alt=json HTTP/1.1" in text
    assert "Content-ID: <tradepost + 18b>" in text
    assert "uthorization" not in text


def test_the_same_batch_is_the_same_text():
    assert batch("18a", "18b").call() == batch("18a", "18b").call()


def test_every_part_has_its_own_answer_in_any_order():
    gone = '{"error": {"code": 404}}'
    parts = batch("18a", "18b", "18c", "18d").parts(
        answer(
            ("18c", 429, "{}"),
            ("18a", 200, '{"id": "18a",\r\n\r\n "raw": "QQ"}'),
            ("18d", 200, '{"id": "18d", "r'),
            ("18b", 404, gone),
        )
    )
    assert parts["18a"] == Part(200, {"id": "18a", "raw": "QQ"})
    assert parts["18b"] == Part(404, None, gone.encode())
    assert parts["18c"].status == 429
    assert not isinstance(parts["18d"].body, dict)  # cut short is no mail


def test_a_refused_token_in_a_part_asks_nobody_and_is_told():
    parts = batch("18a", "18b").parts(answer(("18a", 401, "{}"), ("18b", 200, '{"id": "18b"}')))
    assert (parts["18a"].status, parts["18b"].status) == (401, 200)


@pytest.mark.parametrize("id_", ["a/b", "x y", "+", "<>", "äö"])
def test_ids_of_any_characters_find_their_part(id_):
    import urllib.parse

    parts = batch(id_).parts(answer((urllib.parse.quote(id_), 404, "{}")))
    assert parts[id_].status == 404


@pytest.mark.parametrize(
    "reply",
    [
        answer(("18a", 200, "{}")),  # a part is missing
        answer(("18a", 200, "{}"), ("18x", 200, "{}")),
        Reply(200, {"content-type": "text/html"}, b"<html>"),
        Reply(200, {}, b""),
        Reply(200, {"content-type": "multipart/mixed; boundary=cut"}, b"\xff\xfe"),
        Reply(200, {"content-type": "multipart/mixed; boundary=cut"}, part("18a", 200, "{}")[:90].encode()),
        Reply(200, {"content-type": "multipart/mixed; boundary=cut"}, b"--cut\r\n\r\nnothing\r\n--cut--"),
    ],
)
def test_a_batch_that_cannot_be_read_is_a_bad_reply(reply):
    with pytest.raises(BadReply):
        batch("18a", "18b").parts(reply)


def test_the_librarys_reading_of_an_answer():
    request = requests("18a")["18a"]
    assert result_of(request, Reply(200, {}, json.dumps({"id": "18a"}).encode())) == {"id": "18a"}
    for content in (b"<html>", b'{"id": "18', b"[]", b"", b"\xff", b"[" * 100_000):
        with pytest.raises(BadReply):
            result_of(request, Reply(200, {}, content))
