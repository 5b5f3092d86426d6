"""The ear that `make secrets-suite` puts on other tests hears, knows and finds."""

from __future__ import annotations

import sqlite3

from tests.secrets.overhear import LOG, OUTPUT, SCREEN, Ear, columns

MAIL = (
    b"From: klaus@nordlicht.example\r\nTo: lily@minghui.example\r\nSubject: Quotation for 500 panels\r\n\r\n"
    b"Please quote the 500 panels that we spoke of.\r\n"
)


def listening():
    ear = Ear()
    ear.know_mail(MAIL)
    ear.know_secrets(['{"client_secret": "a-very-long-secret"}'])
    ear.own.add("lily@minghui.example")
    return ear


def found(ear):
    ear.search("test")
    return [(one.where, one.kind) for one in ear.found]


def test_every_kind_is_found_in_a_log():
    ear = listening()
    ear.hear(LOG, "Quotation for 500 panels, KLAUS@nordlicht.example: Please quote the 500 panels that we spoke of.")
    ear.hear(LOG, "Bearer a-very-long-secret, to lily@minghui.example")
    assert sorted({kind for _, kind in found(ear)}) == ["address", "body", "secret", "subject"]
    assert len(ear.found) == 5


def test_a_screen_may_name_our_mailbox_and_output_what_was_asked_for():
    ear = listening()
    ear.hear_program('{"at": "now", "lane": "lily@minghui.example"}\nmail:lily@minghui.example is paused')
    ear.hear(OUTPUT, "Quotation for 500 panels")
    ear.hear(SCREEN, "klaus@nordlicht.example")
    assert sorted(found(ear)) == [("log", "address"), ("screen", "address")]


def test_a_column_holds_what_the_page_names_for_it(tmp_path):
    state = tmp_path / "state.db"
    with sqlite3.connect(state) as db:
        db.execute("CREATE TABLE lanes (name, hint)")
        db.execute("INSERT INTO lanes VALUES ('mail:lily@minghui.example', 'ask klaus@nordlicht.example')")
        db.execute("INSERT INTO lanes VALUES ('mail:klaus@nordlicht.example', '')")
    ear = listening()
    ear.states[state] = None
    assert sorted(found(ear)) == [("state lanes.hint", "address"), ("state lanes.name", "address")]
    assert columns()["subject"] == {"mails.facts", "items.write"}


def test_words_of_another_world_are_forgotten():
    ear = listening()
    ear.forget()
    ear.hear(LOG, "klaus@nordlicht.example")
    assert found(ear) == []
