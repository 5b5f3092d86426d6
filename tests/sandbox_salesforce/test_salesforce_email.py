"""EmailMessage outside cases.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_emailmessage.htm
"""
# ruff: noqa: S608 - SOQL for a simulated org, made of its own ids

import pytest

from tests.sandbox_salesforce.salesforce_site import cast, tasks


def test_without_enhanced_email_there_is_no_task(on_site):
    async def scenario(site):
        site.org.settings.enhanced_email = False
        await site.create("EmailMessage", Subject="x")
        assert await tasks(site) == []

    on_site(scenario)


def test_lists_of_people_become_relations_with_their_address(on_site):
    async def scenario(site):
        _, li, _, lead = await cast(site)
        mail = await site.create("EmailMessage", Subject="x", ToIds=[li, lead], CcIds=[site.user], BccIds=[])
        rows = await site.rows(
            "SELECT RelationId, RelationType, RelationAddress, RelationObjectType FROM EmailMessageRelation"
            f" WHERE EmailMessageId = '{mail}' ORDER BY RelationAddress"
        )
        assert [tuple(r.values()) for r in rows] == [
            (site.user, "CcAddress", site.org.integration_username, "User"),
            (lead, "ToAddress", "lee@lee.example", "Lead"),
            (li, "ToAddress", "li@acme.example", "Contact"),
        ]
        assert (await site.rows("SELECT ToIds, CcIds FROM EmailMessage")) == [
            {"ToIds": [li, lead], "CcIds": [site.user]}
        ]

    on_site(scenario)


def test_a_wrong_person_in_a_list_refuses_the_whole_mail(on_site):
    async def scenario(site):
        acme, li, _, _ = await cast(site)
        for wrong, code in (
            (acme, "MALFORMED_ID"),
            ("x", "MALFORMED_ID"),
            ("003000000000001", "INVALID_CROSS_REFERENCE_KEY"),
        ):
            refused = await site.refusal("POST", "sobjects/EmailMessage", {"Subject": "x", "ToIds": [li, wrong]})
            assert refused[1] == code
        records = site.org.statistics()["records"]
        assert (records["EmailMessage"], records["EmailMessageRelation"], records["Task"]) == (0, 0, 0)

    on_site(scenario)


def test_the_sender_added_as_a_relation_becomes_the_person_of_the_task(on_site):
    async def scenario(site):
        _, li, _, _ = await cast(site)
        mail = await site.create("EmailMessage", Subject="x", Incoming=True, FromAddress="li@acme.example")
        assert [t["WhoId"] for t in await tasks(site)] == [None]
        await site.create("EmailMessageRelation", EmailMessageId=mail, RelationType="FromAddress", RelationId=li)
        assert [t["WhoId"] for t in await tasks(site)] == [li]

    on_site(scenario)


def test_a_lead_is_the_person_only_where_no_record_is_related(on_site):
    async def scenario(site):
        _, li, deal, lead = await cast(site)
        await site.create("EmailMessage", Subject="a", ToIds=[lead])
        await site.create("EmailMessage", Subject="b", ToIds=[lead], RelatedToId=deal)
        await site.create("EmailMessage", Subject="c", ToIds=[lead, li])
        assert [(t["WhoId"], t["WhatId"]) for t in await tasks(site)] == [(lead, None), (None, deal), (li, None)]

    on_site(scenario)


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"Status": "9"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Status"),
        ({"ActivityId": "TASK"}, "INSUFFICIENT_ACCESS_OR_READONLY", "ActivityId"),
        ({"RelatedToId": "CONTACT"}, "MALFORMED_ID", "RelatedToId"),
        ({"RelatedToId": "LEAD"}, "MALFORMED_ID", "RelatedToId"),
        ({"Subject": "x" * 3001}, "STRING_TOO_LONG", "Subject"),
        ({"TextBody": "x" * 131073}, "STRING_TOO_LONG", "TextBody"),
        ({"ToAddress": "x" * 4001}, "STRING_TOO_LONG", "ToAddress"),
        ({"Headers": "x" * 32001}, "STRING_TOO_LONG", "Headers"),
        ({"HasAttachment": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", "HasAttachment"),
    ],
)
def test_a_mail_that_breaks_a_rule_is_refused(on_site, fields, code, named):
    async def scenario(site):
        _, li, _, lead = await cast(site)
        stands_for = {"CONTACT": li, "LEAD": lead, "TASK": site.org.create("Task", {"Subject": "t"})}
        body = {k: stands_for.get(v, v) if isinstance(v, str) else v for k, v in fields.items()}
        answer = await site.call("POST", "sobjects/EmailMessage", {"Subject": "x", **body})
        error = answer.json()[0]
        assert (answer.status_code, error["errorCode"], error["fields"]) == (400, code, [named])

    on_site(scenario)


def test_a_repeated_upsert_with_standard_fields_fails_and_with_the_key_alone_passes(on_site):
    async def scenario(site):
        path = "sobjects/EmailMessage/Tradepost_Key__c/k"
        assert (await site.call("PATCH", path, {"Subject": "x"})).status_code == 201
        assert (await site.refusal("PATCH", path, {"Subject": "x"}))[0] == 400
        assert (await site.call("PATCH", path, {})).status_code == 200
        assert site.org.statistics()["records"]["EmailMessage"] == 1

    on_site(scenario)


def test_where_the_org_keeps_the_task_of_a_moved_mail_it_goes_along(on_site):
    async def scenario(site):
        site.org.settings.recreate_email_tasks = False
        _, li, deal, _ = await cast(site)
        mail = await site.create("EmailMessage", Subject="x", IsClientManaged=True, ToIds=[li])
        (before,) = await tasks(site)
        assert (await site.call("PATCH", f"sobjects/EmailMessage/{mail}", {"RelatedToId": deal})).status_code == 204
        (after,) = await tasks(site)
        assert (after["WhoId"], after["WhatId"]) == (li, deal)
        assert after["Id"] == before["Id"]
        assert site.org.record(mail)["ActivityId"] == after["Id"]

    on_site(scenario)


def test_a_mail_without_text_gets_the_words_of_its_html(on_site):
    async def scenario(site):
        mail = await site.create("EmailMessage", HtmlBody="<style>p{}</style><p>Hello <b>there</b></p>")
        row = site.org.record(mail)
        assert row["TextBody"] == "Hello there"
        assert row["Name"] == "[No Subject]"
        assert row["Status"] == "3"

    on_site(scenario)


def test_mails_are_found_by_message_id_in_queries_and_addresses(on_site):
    async def scenario(site):
        mail = await site.create("EmailMessage", Subject="x", MessageIdentifier="<A1@x.example>")
        soql = "SELECT Id FROM EmailMessage WHERE MessageIdentifier IN ('<A1@x.example>')"
        assert await site.rows(soql) == [{"Id": mail}]
        found = await site.call("GET", "sobjects/EmailMessage/MessageIdentifier/%3CA1%40x.example%3E")
        assert found.json()["Id"] == mail

    on_site(scenario)
