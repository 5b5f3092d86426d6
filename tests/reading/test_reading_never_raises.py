"""Reading takes any mail that parsing yields, and the same mail always reads the same."""

import pickle
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_cases import AT, OURS, mail, reading

from connectors.base.model import Address, MailMessage, Place
from connectors.mail.mime import parse
from mappings.reading import load_words

SOME = settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
LINES = st.sampled_from(
    ["From: a <a@b.c>", "To: x@y.z, ", "cc:", "Subject: 报价", "Sent: 1/2/2026", "> quoted", ">", "", "Joe@ACME", "\t",
     "03/02/2026 08:00 AM", "On Mon, 2 Mar 2026, Joe <j@x> wrote:", "-----Original Message-----", "发件人：王", "主题:", "--",
     "Sent by: me", "we order 500", "________________", ">>> a 1 >>>", "<div>", "<blockquote>", "</div>", "<table><td>", "价格"]
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=25).map("\n".join) | st.text(max_size=80)
ADDRESSES = st.builds(
    Address, st.sampled_from(["", "a@b.c", "alice@ours.com", "noreply@x.y", "@", "a@"]), st.text(max_size=9)
)
HEADERS = st.dictionaries(
    st.sampled_from(["list-id", "list-post", "auto-submitted", "delivery-status", "content-type", "x-failed-recipients",
                     "return-path", "x-original-from", "precedence"]),
    st.text(alphabet="<>@abc.:;=/ \nfailed5", max_size=40), max_size=4,
)  # fmt: skip


@SOME
@given(
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(ADDRESSES, max_size=3),
    st.lists(ADDRESSES, max_size=3),
    HEADERS,
    st.sampled_from(Place),
)
def test_no_mail_raises_and_each_reads_the_same_twice(text, html, subject, from_, others, headers, place):
    message = mail(text=text, html=html, subject=subject, to=others, headers=headers, place=place)
    message = MailMessage(**{f: getattr(message, f) for f in message.__dataclass_fields__} | {"from_": tuple(from_)})
    first = reading(message)
    assert reading(message) == first
    assert first.facts.sent_at == AT
    assert all(e.address.email and e.address.email not in OURS.addresses for e in first.facts.externals)


@SOME
@given(st.binary(max_size=600))
def test_no_parsed_bytes_raise(raw):
    head = b"From: mailer-daemon@x.com\nSubject: failure notice\nContent-Type: text/html\n\n"
    parsed = parse(head + raw, id="1", thread_id="1", received_at=datetime(2026, 3, 2, tzinfo=UTC), place=Place.JUNK)
    if isinstance(parsed, MailMessage):
        assert len(reading(parsed).facts.identity) == 64


def test_what_reading_needs_and_gives_can_cross_to_another_process():
    words = load_words()
    assert pickle.loads(pickle.dumps(words)) == words  # noqa: S301
    result = reading(mail(text="please quote"))
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301
