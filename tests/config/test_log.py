"""The log is a second wall: ids pass, contents, addresses and secrets do not."""

import io
import json
import logging
import re
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.errors import RateLimited
from connectors.base.model import Address, Body
from tradepost.log import LibraryHandler, mask, open_log, route_libraries


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None: ...


def logged(event: str = "item.done", level: str = "info", **ids: object) -> dict[str, object]:
    stream = io.StringIO()
    getattr(open_log(stream, FixedClock(), "debug"), level)(event, **ids)
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_an_event_is_one_json_line_with_time_level_name_and_ids() -> None:
    line = logged(target="crm", item="v1:abc", count=3, done=True, nothing=None)
    assert line == {
        "at": "2026-03-02T08:00:00.000+00:00",
        "level": "info",
        "event": "item.done",
        "target": "crm",
        "item": "v1:abc",
        "count": 3,
        "done": True,
        "nothing": None,
    }


@pytest.mark.parametrize(
    "key",
    [
        "subject",
        "body",
        "text",
        "html",
        "address",
        "from",
        "to",
        "cc",
        "token",
        "access_token",
        "client_secret",
        "password",
        "authorization",
        "Authorization",
        "cookie",
        "email",
        "emails",
        "headers",
        "mail_subject",
        "snippet",
    ],
)
def test_refused_keys_lose_their_value(key: str) -> None:
    line = logged(**{key: "hush"})
    assert line[key] == "[refused]"
    assert "hush" not in json.dumps(logged(details={key: "hush"}))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("to alice.o'neil+x@acme.example now", "to [address] now"),
        ("王@例子.公司 wrote", "[address] wrote"),
        ("Bearer abcdefgh12345678", "[token]"),
        ("Zoho-oauthtoken 1000.aaaaaaaaaaaa", "[token]"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln", "[token]"),
        ("ya29.a0AfH6SMBx_x-x", "[token]"),
        ("QWxhZGRpbjpvcGVuIHNlc2FtZSBhbmQgbW9yZQ==xx", "[long]"),
    ],
)
def test_addresses_and_tokens_are_masked_in_any_value(text: str, seen: str) -> None:
    assert logged(why=text)["why"] == seen
    assert logged(why=[text])["why"] == [seen]


def test_ids_stay_readable() -> None:
    graph = "AAMkAGI2TG93AAA-" * 6
    sha = "0f" * 32
    line = logged(mail=graph, identity=sha, key=f"v1:{sha}", why=sha)
    assert (line["mail"], line["identity"], line["key"], line["why"]) == (graph, sha, f"v1:{sha}", sha)


def test_an_id_that_is_an_address_is_masked_all_the_same() -> None:
    assert logged(mail="alice@acme.example")["mail"] == "[address]"


def test_an_event_that_is_no_name_is_not_written() -> None:
    assert logged("Mail from alice about the price")["event"] == "log.unnamed"


def test_values_that_could_hold_a_mail_are_named_by_their_kind_only() -> None:
    line = logged(value=Body("Dear Alice"), address_like=Address("a@b.example"), raw=b"Dear Alice")
    assert "Alice" not in json.dumps(line)
    assert line["value"] == "[Body]"


def test_an_exception_tells_its_kind_and_place_and_not_its_words() -> None:
    stream = io.StringIO()
    try:
        int("Dear Alice")
    except ValueError:
        open_log(stream, FixedClock()).error("lane.failed", exc_info=True)
    line = json.loads(stream.getvalue())
    assert line["exception"] == "ValueError"
    assert re.fullmatch(r"test_log\.py:\d+ test_an_exception_tells.*", line["frames"][-1])
    assert "Alice" not in stream.getvalue()


def test_an_error_of_a_connector_tells_its_hint() -> None:
    error = RateLimited("Wait for the quota.", operation="messages.list", status=429)
    assert logged(error=error)["error"] == "RateLimited: messages.list 429: Wait for the quota."
    assert logged(error=KeyError("alice"))["error"] == "KeyError"


def test_texts_and_lists_are_bounded() -> None:
    line = logged(why="长 " * 1000, many=list(range(1000)))
    assert len(str(line["why"])) <= 400
    assert len(line["many"]) == 50  # type: ignore[arg-type]


def test_events_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    log = open_log(stream, FixedClock(), "warning")
    log.info("item.done")
    assert stream.getvalue() == ""
    log.warning("lane.paused")
    assert "lane.paused" in stream.getvalue()


def test_lines_for_people_have_no_colour_outside_a_terminal() -> None:
    stream = io.StringIO()
    open_log(stream, FixedClock(), form="console").info("item.done", subject="hush", target="crm")
    assert "item.done" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert "hush" not in stream.getvalue()


@pytest.fixture
def routed() -> object:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    with warnings.catch_warnings():
        route_libraries(open_log(stream, FixedClock()))
        yield stream
        logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before


def test_libraries_are_heard_from_warning_on_without_their_arguments(routed: io.StringIO) -> None:
    logger = logging.getLogger("somebody.else")
    logger.info("nothing of %s", "alice")
    logger.warning("retrying %s for %s", "https://x.example/?token=1", "alice")
    lines = [json.loads(line) for line in routed.getvalue().splitlines()]
    assert [(n["event"], n["logger"], n["template"]) for n in lines] == [
        ("library.log", "somebody.else", "retrying %s for %s")
    ]
    assert "alice" not in routed.getvalue()


def test_a_message_that_a_library_put_together_itself_is_told_by_its_place_only(routed: io.StringIO) -> None:
    who = "alice"
    logging.getLogger("somebody.else").error(f"lost the mail of {who}")  # noqa: G004
    assert "alice" not in routed.getvalue()
    assert json.loads(routed.getvalue())["place"].startswith("test_log:")


def test_a_librarys_exception_keeps_its_words_to_itself(routed: io.StringIO) -> None:
    try:
        int("Dear Alice")
    except ValueError:
        logging.getLogger("somebody.else").exception("failed")
    assert "Alice" not in routed.getvalue()
    assert json.loads(routed.getvalue())["exception"] == "ValueError"


def test_other_ways_out_are_closed(routed: io.StringIO) -> None:
    other = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(other))
    route_libraries(open_log(routed, FixedClock()))
    assert [type(h) for h in logging.getLogger().handlers] == [LibraryHandler]
    logging.getLogger("somebody.else").warning("for %s", "alice")
    assert other.getvalue() == ""


@given(st.emails())
def test_no_address_passes(address: str) -> None:
    assert address not in mask(f"x {address} y")


def test_the_module_reads_no_clock() -> None:
    import tradepost.log

    assert "datetime" not in Path(str(sys.modules[tradepost.log.__name__].__file__)).read_text(encoding="utf-8")
