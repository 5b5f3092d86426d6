"""Gmail's answers as values."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.model import MailMessage, Place, Removed, Seen, Unreadable
from connectors.mail import gmail_parse as parse
from connectors.mail.gmail_parse import Position, Scope

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
READONLY = "https://www.googleapis.com/auth/gmail.readonly"


def error_body(reason="", message="", status="", **more):
    errors = [{"domain": "global", "reason": reason, "message": message}] if reason else []
    return json.dumps({"error": {"errors": errors, "message": message, "status": status, **more}}).encode()


def classified(status, content, operation="messages.list"):
    return parse.classify(operation, status, content, now=NOW, scopes=[READONLY])


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_told_by_its_reason_whatever_its_status(reason, status):
    error = classified(status, error_body(reason, "Rate Limit Exceeded"))
    assert type(error) is RateLimited
    assert error.retry_at is None


@pytest.mark.parametrize("status", [403, 429])
def test_a_used_up_minute_waits_a_minute(status):
    text = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'x'."
    for content in (error_body("rateLimitExceeded", text), error_body("", text, "RESOURCE_EXHAUSTED")):
        error = classified(status, content)
        assert type(error) is RateLimited
        assert error.retry_at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        (datetime(2026, 3, 2, 8, 0, tzinfo=UTC), datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),  # just begun
        (datetime(2026, 3, 2, 7, 59, tzinfo=UTC), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        (datetime(2026, 3, 8, 9, 0, tzinfo=UTC), datetime(2026, 3, 9, 7, 0, tzinfo=UTC)),  # summer time begins
        (datetime(2026, 11, 1, 8, 0, tzinfo=UTC), datetime(2026, 11, 2, 8, 0, tzinfo=UTC)),  # and ends
    ],
)
def test_a_used_up_day_waits_for_midnight_in_california(now, reset):
    error = parse.classify("batch", 403, error_body("dailyLimitExceeded", "Daily Limit Exceeded"), now=now)
    assert isinstance(error, RateLimited)
    assert error.retry_at == reset


def test_a_permission_is_no_limit_and_names_the_scope():
    error = classified(403, error_body("insufficientPermissions", "Insufficient Permission"))
    assert type(error) is NotPermitted
    assert READONLY in error.hint
    metadata = classified(403, error_body("forbidden", "Metadata scope does not support 'q' parameter"))
    assert type(metadata) is NotPermitted
    assert READONLY in metadata.hint
    assert type(classified(403, error_body("forbidden", "Delegation denied for x"))) is NotPermitted
    assert type(classified(403, b"<html>")) is NotPermitted


def test_a_missing_mail_service_is_not_permitted():
    for content in (
        error_body("failedPrecondition", "Precondition check failed."),
        error_body("", "Precondition check failed.", "FAILED_PRECONDITION"),
    ):
        error = classified(400, content)
        assert type(error) is NotPermitted
        assert error.code == "failedPrecondition"


def test_missing_history_expires_the_cursor_and_a_missing_mail_does_not():
    content = error_body("notFound", "Requested entity was not found.")
    assert type(classified(404, content, "history.list")) is CursorExpired
    assert classified(404, content, "messages.get") is None


def test_other_refusals():
    assert type(classified(400, error_body("invalidArgument", "Invalid pageToken"))) is Rejected
    assert type(classified(401, error_body("authError", "Invalid Credentials"))) is AuthFailed
    assert classified(503, error_body("backendError")) is None
    part = parse.part_error(503, b"", now=NOW, scopes=[])
    assert type(part) is Transient
    assert type(parse.part_error(302, b"", now=NOW, scopes=[])) is BadReply


def test_an_error_never_repeats_what_google_says_of_people():
    error = classified(403, error_body("forbidden", "Delegation denied for alice@acme.example"))
    assert "alice" not in str(error)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_error_body_is_read(content):
    assert isinstance(parse.complaint_of(content), parse.Complaint)
    parse.complaint_of(b'{"error": ' + content + b"}")


@pytest.mark.parametrize(
    "error",
    [{"errors": {"reason": "x"}}, {"errors": ["x"]}, {"details": ["x"]}, {"details": {"reason": 1}}, [], "x", None],
)
def test_odd_shapes_of_an_error_are_no_crash(error):
    assert parse.complaint_of(json.dumps({"error": error}).encode()).text == ""


# ------------------------------------------------------------------------------------------------- places and labels


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        (("INBOX", "UNREAD"), Place.INBOX),
        (("SENT", "INBOX"), Place.SENT),  # a mail to oneself
        (("SPAM", "SENT"), Place.JUNK),
        (("TRASH", "SENT"), Place.TRASH),
        (("DRAFT", "TRASH"), Place.DRAFT),
        (("Label_1", "CATEGORY_UPDATES"), Place.ARCHIVE),
        ((), Place.ARCHIVE),
    ],
)
def test_the_strongest_label_is_the_place(labels, place):
    assert parse.place_of(labels) is place


def test_labels_are_shown_by_name_and_unread_is_none():
    names = {"Label_1": "客户/询盘"}
    assert parse.label_names(("INBOX", "UNREAD", "Label_1", "Label_9"), names) == ("INBOX", "客户/询盘", "Label_9")


# -------------------------------------------------------------------------------------------------------------- cursor


@given(st.integers(0, 2**64), st.text(max_size=8).filter(lambda t: "\x00" not in t), st.integers(0, 3))
def test_a_cursor_survives_being_stored(start, token, restarts):
    position = Position(str(start), "7" if token or restarts else "", restarts, token)
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("cursor", ["", "abc", "12x", "-1", "1:2:x:t", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_cursor_of_another_make_is_expired(cursor):
    with pytest.raises(CursorExpired):
        Position.parse(cursor)


def test_the_first_pages_history_id_is_where_the_next_listing_starts():
    first = Position("5").after(parse.HistoryReply(historyId="50", nextPageToken="a"))
    last = first.after(parse.HistoryReply(historyId="60"))
    assert str(first) == "5:50:0:a"
    assert str(last) == "50"


def test_a_page_without_history_id_keeps_the_position():
    assert str(Position("5").after(parse.HistoryReply())) == "5"


def test_a_listing_is_begun_anew_a_bounded_number_of_times():
    position = Position("5", "50", 0, "a")
    for n in range(3):
        position = position.restarted(3)
        assert (position.start, position.token, position.restarts) == ("5", "", n + 1)
    with pytest.raises(CursorExpired):
        position.restarted(3)


# -------------------------------------------------------------------------------------------------------------- events


def record(kind, id_, labels=("INBOX",), moved=()):
    message = {"id": id_} | ({} if labels is None else {"labelIds": labels})
    return parse.Record.model_validate({"messages": [{"id": "noise"}], kind: [{"message": message, "labelIds": moved}]})


def told(*records, include_junk=False, excluded=()):
    return parse.events_of(records, Scope.of(include_junk=include_junk, excluded=excluded))


def test_added_moved_and_deleted_mail_is_told():
    assert told(record("messagesAdded", "a"), record("labelsAdded", "b", moved=("Label_1",))) == (Seen("a"), Seen("b"))
    assert told(record("labelsRemoved", "b", ("Label_1",), ("INBOX",))) == (Seen("b"),)
    assert told(record("messagesDeleted", "a")) == (Removed("a"),)


def test_drafts_are_never_told():
    kinds = ("messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved")
    assert told(*(record(kind, "d", ("DRAFT",), ("Label_1",)) for kind in kinds)) == ()


def test_a_mail_whose_labels_gmail_leaves_out_is_told():
    assert told(record("messagesAdded", "a", None)) == (Seen("a"),)


def test_junk_is_told_only_when_asked_for():
    assert told(record("messagesAdded", "a", ("SPAM",))) == ()
    assert told(record("messagesAdded", "a", ("SPAM",)), include_junk=True) == (Seen("a"),)
    assert told(record("messagesAdded", "a", ("TRASH",)), include_junk=True) == ()


@pytest.mark.parametrize("label", ["SPAM", "TRASH", "Label_7"])
def test_leaving_and_coming_back_is_told(label):
    moves = record("labelsAdded", "a", (label,), (label,)), record("labelsRemoved", "b", ("INBOX",), (label,))
    assert told(*moves, excluded=("Label_7",)) == (Seen("a"), Seen("b"))


def test_what_happens_inside_a_place_left_out_is_not_told():
    assert told(record("labelsAdded", "a", ("SPAM", "Label_1"), ("Label_1",))) == ()
    assert told(record("messagesAdded", "a", ("INBOX", "Label_7")), excluded=("Label_7",)) == ()


def test_being_read_is_no_news():
    assert told(record("labelsRemoved", "a", ("INBOX",), ("UNREAD",))) == ()
    assert told(record("labelsRemoved", "a", (), ("INBOX", "UNREAD"))) == (Seen("a"),)


def test_a_mail_has_one_event_and_the_last_one_wins():
    events = told(record("messagesAdded", "a"), record("messagesAdded", "b"), record("messagesDeleted", "a"))
    assert events == (Seen("b"), Removed("a"))


# ------------------------------------------------------------------------------------------------------------- reading


def read(raw):
    return parse.read_raw(raw, "18a", "18t", NOW, Place.INBOX, ("INBOX",))


@pytest.mark.parametrize("padded", [True, False])
def test_raw_mail_is_read_with_and_without_padding(padded):
    subject = "报价单".encode("gbk")
    mail = (
        b"From: a@b.example\r\nSubject: =?gb2312?B?" + base64.b64encode(subject) + b"?=\r\n\r\n\xb1\xa8\xbc\xdb??>>\r\n"
    )
    raw = base64.urlsafe_b64encode(mail).decode()
    found = read(raw if padded else raw.rstrip("="))
    assert isinstance(found, MailMessage)
    assert (found.subject, found.thread_id, found.received_at) == ("报价单", "18t", NOW)


@pytest.mark.parametrize("raw", ["", "!!!", "A", "AAAA A", "é"])
def test_raw_that_is_none_is_unreadable(raw):
    assert read(raw) == Unreadable("18a", "mail_unreadable", NOW)


def test_size_is_bounded():
    size = parse.MAX_RAW_BYTES * 4 // 3
    assert parse.too_large("A" * (size + 8))
    assert not parse.too_large("A" * (size - 8))


def test_times():
    assert parse.received_at(1772438400123) == datetime(2026, 3, 2, 8, 0, 0, 123000, tzinfo=UTC)
    assert parse.received_at(None) is None
    assert parse.received_at(10**18) is None


def test_another_mails_answer_is_not_taken():
    assert parse.message_of({"id": "b", "raw": "QQ"}, "a") is None
    assert parse.message_of("cut", "a") is None
    found = parse.message_of({"id": "a", "raw": "QQ", "new": 1}, "a")
    assert found is not None
    assert found.raw == "QQ"


def test_a_reply_of_another_shape_is_a_bad_reply_without_contents():
    with pytest.raises(BadReply) as caught:
        parse.checked(parse.Profile, {"emailAddress": ["alice@acme.example"]}, "getProfile")
    assert "alice" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_aliases_are_ours_once_they_are_verified():
    profile = parse.Profile(emailAddress="Alice@Acme.example", historyId="1")
    listed = parse.SendAsList.model_validate(
        {
            "sendAs": [
                {"sendAsEmail": "alice@acme.example", "isPrimary": True},
                {"sendAsEmail": "Sales@acme.example", "verificationStatus": "accepted"},
                {"sendAsEmail": "boss@other.example", "verificationStatus": "pending"},
                {"sendAsEmail": "info@acme.example"},
            ]
        }
    )
    own = parse.own_addresses(profile, listed)
    assert own == ("alice@acme.example", "info@acme.example", "sales@acme.example")
