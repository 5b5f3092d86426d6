"""Which mails are one thread, and the keys of writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base.model import RecordKind, RecordRef, WriteKind
from sync.keys import key, record_word
from sync.threads import FIRST_REFERENCES, LAST_REFERENCES, keys_of, merge
from tests.deciding.kit import facts


def shares(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return bool(set(one) & set(other))


def test_an_answer_shares_a_key_with_what_it_answers_in_any_mailbox():
    first = keys_of(facts("a", sender="b@acme.com"), "ann@ours.example", "t1")
    answer = keys_of(facts("b", sender="b@acme.com", answers=["a"]), "ben@ours.example", "t9")
    assert shares(first, answer)


def test_one_subject_alone_never_joins_two_mails():
    one = keys_of(facts("a", sender="b@acme.com", subject="Order"), "ann@ours.example", "t1")
    other = keys_of(facts("b", sender="c@globex.com", subject="Order"), "ann@ours.example", "t2")
    assert not shares(one, other)


def test_a_providers_thread_id_holds_in_its_own_mailbox_only():
    mine = keys_of(facts("a", sender="b@acme.com"), "ann@ours.example", "t1")
    theirs = keys_of(facts("b", sender="b@acme.com"), "ben@ours.example", "t1")
    assert not shares(mine, theirs)
    assert "p:ann@ours.example:t1" in mine


def test_a_colon_in_a_mailbox_name_cannot_make_two_mailboxes_one():
    assert not shares(
        keys_of(facts("a", sender="b@acme.com"), "x:y", "z"), keys_of(facts("b", sender="b@acme.com"), "x", "y:z")
    )


@pytest.mark.parametrize("broken", ["", "none", "@", "a@", "@b", "a b@c", "x" * 1000 + "@c"])
def test_an_id_that_is_nobodys_alone_joins_nothing(broken):

    mail = replace(facts("a", sender="b@acme.com"), message_id=broken, references=(broken,))
    assert keys_of(mail, "ann@ours.example", "t") == ("p:ann@ours.example:t",)
    assert keys_of(mail, "ann@ours.example", "") == ("i:a",)


def test_a_chain_without_end_gives_a_bounded_number_of_keys_first_and_last_among_them():
    mail = facts("a", sender="b@acme.com", answers=[f"r{n}" for n in range(5000)])
    keys = keys_of(mail, "ann@ours.example", "t")
    assert len(keys) == 2 + FIRST_REFERENCES + LAST_REFERENCES
    assert "m:r0@mail" in keys
    assert "m:r4999@mail" in keys


def test_a_long_id_is_kept_by_its_hash_and_still_joins():
    long = "x" * 500
    first = keys_of(facts(long, sender="b@acme.com"), "ann@ours.example", "t1")
    answer = keys_of(facts("b", sender="b@acme.com", answers=[long]), "ben@ours.example", "t2")
    assert shares(first, answer)
    assert max(map(len, answer)) < 200


def test_the_oldest_thread_survives_a_merge_whatever_the_order():
    assert merge([9, 3, 5, 3]) == (3, (5, 9))
    assert merge([4]) == (4, ())
    with pytest.raises(ValueError):
        merge([])


GOLDEN = {
    (WriteKind.LOG_EMAIL, "mail-1", "", ""): "v1:37d379b89c4220b1d393aca652131ceaa400ed34c34f82dcb8412a43028ff20d",
    (
        WriteKind.LOG_EMAIL,
        "mail-1",
        "contact:003",
        "",
    ): "v1:0075c0a616620cdebd9007c448f8ecc2b8791b2490e64807b4d5ff4d3de6af76",
    (
        WriteKind.CREATE_TASK,
        "mail-1",
        "",
        "first_response",
    ): "v1:4d1d194a293020a0ce828da21882b35ec5c5f861c0b806489db563fa9f4a8376",
    (
        WriteKind.MOVE_DEAL,
        "mail-1",
        "006",
        "stage:Closed Won",
    ): "v1:1048d3e2a6b3b01d9f4cd10e0db93bd5e470b94389674aae76f2b7f9a3073ff8",
    (
        WriteKind.CREATE_CUSTOMER,
        "张@例子.中国",
        "",
        "",
    ): "v1:62770eade74cdedb65734fca11fdff1bf1bc77f201044bdbc5172632c23088d9",
}


@pytest.mark.parametrize("parts", list(GOLDEN), ids=lambda p: p[0].value)
def test_keys_never_change(parts):
    assert key("00Dxx", *parts) == GOLDEN[parts]


def test_no_two_intents_share_a_key_by_moving_a_sign_from_one_part_to_the_next():
    kind = WriteKind.CREATE_TASK
    assert key("a", kind, "bc") != key("ab", kind, "c")
    assert key("a", kind, "b", "c", "") != key("a", kind, "b", "", "c")
    assert key("a", kind, 'b","c') != key("a", kind, "b", "c")
    assert key("a", kind, "b") != key("a", WriteKind.COMPLETE_TASK, "b")


def test_a_record_is_one_word_of_a_key():
    assert record_word(RecordRef(RecordKind.CONTACT, "003")) == "contact:003"
