"""E-mails of records: what nobody could confirm is a switch, the rest is as documented."""

from collections.abc import Callable

import pytest

from tests.sandbox_zoho.zoho_site import Site, code, mail
from tradepost.sandbox.zoho import Unknowns

OnSite = Callable[..., None]


def test_an_entry_shows_neither_content_nor_message_id_in_lists(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        made = (await site.associate("Contacts", contact)).json()["Emails"][0]["details"]["message_id"]
        item = (await site.get(f"Contacts/{contact}/Emails")).json()["Emails"][0]
        assert "inquiry-1@adria.example" not in str(item)
        assert "content" not in item
        assert (item["message_id"], item["time"], item["sent"]) == (made, "2026-02-27T09:30:00+08:00", False)
        assert item["from"] == {"user_name": "Ana Kovač", "email": "ana@adria.example"}
        assert item["linked_record"] is None
        whole = (await site.get(f"Contacts/{contact}/Emails/{made}")).json()["Emails"][0]
        assert whole["content"] == "<p>How much for 500?</p>"

    on_site(scenario)


@pytest.mark.parametrize(("habit", "status", "entries"), [("second", 201, 2), ("same", 201, 1), ("refused", 400, 1)])
def test_a_repeated_message_id_does_what_the_switch_says(
    on_site: OnSite, habit: str, status: int, entries: int
) -> None:
    async def scenario(site: Site) -> None:
        site.org.set_unknown("repeated_message_id", habit)
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        first = await site.associate("Contacts", contact)
        again = await site.associate("Contacts", contact)
        assert again.status_code == status
        assert len(site.org.mails(contact)) == entries
        assert (again.json() == first.json()) == (habit == "same")

    on_site(scenario)


def test_email_available_answers_where_it_still_lives(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        await site.associate("Contacts", contact)
        path = "actions/email_available"
        name = mail()["original_message_id"]
        gone = await site.get(path, orginal_message_id=name)
        assert (gone.status_code, code(gone)) == (404, "INVALID_URL_PATTERN")
        site.org.set_unknown("email_available", True)
        found = (await site.get(path, orginal_message_id=name)).json()
        assert (found["available"], found["record"]["id"]) == (True, contact)
        assert (await site.get(path, orginal_message_id="<other>")).json()["available"] is False
        assert code(await site.get(path)) == "REQUIRED_PARAM_MISSING"

    on_site(scenario)


def test_a_mail_on_a_deal_may_be_mapped_to_a_contact(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        deal = site.org.add_deal("Lanterns", contact=contact)
        linked = {"module": {"api_name": "Contacts"}, "id": contact}
        assert (await site.associate("Deals", deal, mail(linked_record=linked))).status_code == 201
        for path in (f"Deals/{deal}", f"Contacts/{contact}"):
            assert len((await site.get(f"{path}/Emails")).json()["Emails"]) == 1

    on_site(scenario)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"from": {"email": "nobody"}}, "email"),
        ({"to": []}, "to"),
        ({"to": "li@lantern.example"}, "to"),
        ({"sent": "no"}, "sent"),
        ({"mail_format": "rtf"}, "mail_format"),
        ({"date_time": "yesterday"}, "date_time"),
        ({"linked_record": {"module": {"api_name": "Deals"}, "id": "999"}}, "linked_record"),
        ({"attachments": [{"id": "nothing"}]}, "id"),
    ],
)
def test_wrong_values_are_named(on_site: OnSite, changes: dict[str, object], key: str) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        answer = await site.associate("Contacts", contact, mail(**changes))
        assert (answer.status_code, code(answer)) == (400, "INVALID_DATA")
        assert answer.json()["Emails"][0]["details"]["api_name"] == key
        assert site.org.mails(contact) == []

    on_site(scenario)


def test_records_that_take_no_mail(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        task = await site.made("Tasks", Subject="A")
        assert code(await site.associate("Tasks", task)) == "INVALID_MODULE"
        missing = await site.associate("Contacts", "999")
        assert (missing.status_code, missing.json()["message"]) == (400, "the related id given seems to be invalid")

    on_site(scenario)


def test_links_are_refused_one_by_one(on_site: OnSite) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        deal = site.org.add_deal("Lanterns", contact=contact)
        made = (await site.associate("Contacts", contact)).json()["Emails"][0]["details"]["message_id"]
        tie = {
            "message_id": made,
            "owner": {"id": site.org.api_user},
            "linked_record": {"module": {"api_name": "Deals"}, "id": deal},
        }
        path = f"Contacts/{contact}/Emails/actions/link_record"
        mixed = await site.call("POST", path, {"Emails": [tie, {**tie, "message_id": "nothing"}]})
        assert (mixed.status_code, [i["code"] for i in mixed.json()["Emails"]]) == (207, ["SUCCESS", "INVALID_DATA"])
        assert code(await site.call("POST", path, {"Emails": [tie] * 21})) == "LIMIT_EXCEEDED"
        site.org.set_edition("free")
        assert code(await site.call("POST", path, {"Emails": [tie]})) == "FEATURE_NOT_SUPPORTED"

    on_site(scenario)


RAW = (
    b"From: Ana =?utf-8?q?Kova=C4=8D?= <Ana@Adria.example>\r\nTo: li@lantern.example\r\n"
    b"Subject: =?utf-8?b?54Gv56y8?=\r\nDate: Fri, 27 Feb 2026 02:30:00 +0100\r\nMessage-ID: <n1@adria.example>\r\n\r\nHi"
)


@pytest.mark.parametrize("predicts", [True, False])
def test_native_mail_is_there_like_any_other(on_site: OnSite, predicts: bool) -> None:
    async def scenario(site: Site) -> None:
        contact = site.org.add_contact("Ana Kovač", "ana@adria.example")
        deal = site.org.add_deal("Lanterns", contact=contact)
        site.org.native_mail(contact, RAW)
        item = (await site.get(f"Contacts/{contact}/Emails")).json()["Emails"][0]
        assert (item["subject"], item["time"], item["source"]) == ("灯笼", "2026-02-27T09:30:00+08:00", "imap")
        linked = item["linked_record"]
        assert (linked["id"] if linked else None) == (deal if predicts else None)

    on_site(scenario, unknowns=Unknowns(deal_prediction=predicts))
