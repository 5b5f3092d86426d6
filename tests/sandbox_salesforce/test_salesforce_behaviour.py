"""What Salesforce does with mail, keys, requests and queries, and a kinder sandbox would not. Each test is named for the
rule that it needs (`Strictness`); test_salesforce_lax.py proves that it fails where the sandbox is lax in that rule.
"""

import pytest

from tests.sandbox_salesforce.salesforce_site import cast, mail_graph, part, plain_graph, task_record, tasks


def test_sent_mail_immutable_but_for_custom_fields_and_visibility(on_site):
    async def scenario(site):
        mail = await site.create("EmailMessage", Subject="x", Tradepost_Key__c="k")
        path = f"sobjects/EmailMessage/{mail}"
        for fields in ({"Subject": "y"}, {"Subject": "x"}, {"TextBody": "b"}, {"Status": "3"}, {"RelatedToId": None}):
            assert (await site.refusal("PATCH", path, fields))[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        assert (await site.call("PATCH", path, {"Tradepost_Key__c": "k2"})).status_code == 204
        assert (await site.call("PATCH", path, {"IsExternallyVisible": False})).status_code == 204
        row = site.org.record(mail)
        assert (row["Subject"], row["Tradepost_Key__c"], row["IsExternallyVisible"]) == ("x", "k2", False)

    on_site(scenario)


def test_automatic_task_is_one_for_a_mail_and_linked(on_site):
    async def scenario(site):
        acme, li, deal, _ = await cast(site)
        mail = await site.create(
            "EmailMessage",
            Subject="Quote",
            TextBody="Hi",
            MessageDate="2026-02-01T10:00:00Z",
            ToIds=[li],
            RelatedToId=deal,
        )
        made = await tasks(site)
        assert len(made) == 1
        task = made[0]
        assert (task["WhoId"], task["WhatId"], task["AccountId"]) == (li, deal, acme)
        assert (task["Subject"], task["TaskSubtype"], task["IsClosed"]) == ("Quote", "Email", True)
        assert task["ActivityDate"] == "2026-02-01"
        assert site.org.record(mail)["ActivityId"] == task["Id"]
        assert str(site.org.record(li)["LastActivityDate"]) == "2026-02-01"

    on_site(scenario)


def test_last_activity_is_of_what_is_left(on_site):
    async def scenario(site):
        acme, li, _, _ = await cast(site)
        mails = [
            await site.create("EmailMessage", Subject="a", ToIds=[li], MessageDate=f"2026-02-0{day}T10:00:00Z")
            for day in (1, 2)
        ]

        def last():
            days = (site.org.record(one)["LastActivityDate"] for one in (li, acme))
            return [day and str(day) for day in days]

        assert last() == ["2026-02-02"] * 2
        await site.call("DELETE", f"sobjects/EmailMessage/{mails[1]}")
        assert last() == ["2026-02-01"] * 2
        await site.call("DELETE", f"sobjects/Task/{site.org.record(mails[0])['ActivityId']}")
        assert last() == [None] * 2

    on_site(scenario)


def test_task_dies_with_mail_and_not_the_mail_with_its_task(on_site):
    async def scenario(site):
        _, li, _, _ = await cast(site)
        gone = await site.create("EmailMessage", Subject="a", ToIds=[li])
        kept = await site.create("EmailMessage", Subject="b", ToIds=[li])
        await site.call("DELETE", f"sobjects/EmailMessage/{gone}")
        await site.call("DELETE", f"sobjects/Task/{site.org.record(kept)['ActivityId']}")
        records = site.org.statistics()["records"]
        assert (records["EmailMessage"], records["EmailMessageRelation"], records["Task"]) == (1, 1, 0)
        assert site.org.record(kept)["ActivityId"] is None

    on_site(scenario)


def test_task_of_lead_stands_alone(on_site):
    async def scenario(site):
        lead, deal = site.org.add_lead("Lee", "Lee Ltd"), site.org.add_opportunity("Deal")
        body = {"Subject": "x", "WhoId": lead, "WhatId": deal}
        assert (await site.refusal("POST", "sobjects/Task", body))[1] == "FIELD_INTEGRITY_EXCEPTION"
        made = await site.create("Task", Subject="x", WhoId=lead)
        assert (await site.refusal("PATCH", f"sobjects/Task/{made}", {"WhatId": deal}))[
            1
        ] == "FIELD_INTEGRITY_EXCEPTION"

    on_site(scenario)


def test_duplicate_value_is_refused_and_its_bearer_named(on_site):
    async def scenario(site):
        made = await site.create("EmailMessage", Subject="a", Tradepost_Key__c="k")
        status, code, words = await site.refusal("POST", "sobjects/EmailMessage", {"Tradepost_Key__c": "k"})
        assert (status, code) == (400, "DUPLICATE_VALUE")
        assert words == f"duplicate value found: Tradepost_Key__c duplicates value on record with id: {made[:15]}"
        await site.create("EmailMessage", Subject="a", Tradepost_Key__c="K")  # case-sensitive: another value
        site.org.delete(made)
        await site.create("EmailMessage", Subject="b", Tradepost_Key__c="k")
        with pytest.raises(Exception, match="duplicate value"):
            site.org.undelete(made)

    on_site(scenario)


def test_duplicate_key_in_request_fails_twice(on_site):
    async def scenario(site):
        path = "composite/sobjects/Task/Tradepost_Key__c"
        first = {"records": [task_record(1, Tradepost_Key__c="a"), task_record(2, Tradepost_Key__c="b")]}
        assert [r["created"] for r in (await site.call("PATCH", path, first)).json()] == [True, True]
        keys = ("a", "c", "d", "d", None)
        again = {"records": [task_record(n, Tradepost_Key__c=key) for n, key in enumerate(keys)]}
        found = (await site.call("PATCH", path, again)).json()
        assert [r.get("created") for r in found] == [False, True, None, None, None]
        assert [r["errors"][0]["statusCode"] for r in found[2:]] == [
            "DUPLICATE_VALUE",
            "DUPLICATE_VALUE",
            "MISSING_ARGUMENT",
        ]
        assert site.org.statistics()["records"]["Task"] == 3

    on_site(scenario)


def test_multiple_choices_are_300_with_their_addresses(on_site):
    async def scenario(site):
        ids = [site.org.add_contact(name, "same@x.example") for name in ("A", "B")]
        answer = await site.call("GET", "sobjects/Contact/Email/same@x.example")
        assert answer.status_code == 300
        assert answer.json() == [f"/services/data/v66.0/sobjects/Contact/{i}" for i in ids]
        changed = await site.call("PATCH", "sobjects/Contact/Email/same@x.example", {"Title": "T"})
        assert changed.status_code == 300
        assert [site.org.record(i)["Title"] for i in ids] == [None, None]

    on_site(scenario)


def test_key_not_in_body_of_an_upsert(on_site):
    async def scenario(site):
        path = "sobjects/Contact/Tradepost_Key__c/k1"
        body = {"LastName": "X", "Tradepost_Key__c": "k1"}
        assert (await site.refusal("PATCH", path, body))[:2] == (400, "INVALID_FIELD")
        assert (await site.refusal("PATCH", "sobjects/Contact/Nope__c/k1", {"LastName": "X"}))[:2] == (404, "NOT_FOUND")
        assert (await site.refusal("PATCH", "sobjects/Contact/Title/k1", {"LastName": "X"}))[:2] == (404, "NOT_FOUND")
        only = await site.refusal("PATCH", f"{path}?updateOnly=true", {"LastName": "X"})
        assert only[:2] == (404, "NOT_FOUND")
        assert site.org.statistics()["records"]["Contact"] == 0

    on_site(scenario)


def test_graph_all_or_none_takes_back_the_mail_and_its_task(on_site):
    async def scenario(site):
        graph = mail_graph(1, "a", site.org.add_contact("Li"))
        graph["compositeRequest"][1]["body"]["RelationType"] = "Nonsense"
        found = (await site.call("POST", "composite/graph", {"graphs": [graph]})).json()["graphs"][0]
        assert site.org.statistics()["records"]["EmailMessage"] == 0
        codes = [r["body"][0]["errorCode"] for r in found["graphResponse"]["compositeResponse"]]
        assert codes == ["PROCESSING_HALTED", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
        records = site.org.statistics()["records"]
        assert (records["EmailMessage"], records["EmailMessageRelation"], records["Task"]) == (0, 0, 0)
        assert await site.rows("SELECT Id FROM EmailMessage WHERE Tradepost_Key__c = 'a'") == []

    on_site(scenario)


def test_graphs_halt_after_too_many_failures(on_site):
    async def scenario(site):
        li = site.org.add_contact("Li")
        graphs = [mail_graph(n, f"k{n}", li, "x" * 3001) for n in range(15)] + [
            mail_graph(n, f"k{n}", li) for n in range(15, 20)
        ]
        found = (await site.call("POST", "composite/graph", {"graphs": graphs})).json()["graphs"]
        assert not any(g["isSuccessful"] for g in found)
        codes = [g["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] for g in found]
        assert codes == ["STRING_TOO_LONG"] * 15 + ["PROCESSING_HALTED"] * 5
        assert site.org.statistics()["records"]["EmailMessage"] == 0
        fewer = (await site.call("POST", "composite/graph", {"graphs": graphs[1:]})).json()["graphs"]
        assert [g["isSuccessful"] for g in fewer] == [False] * 14 + [True] * 5

    on_site(scenario)


def test_collection_all_or_none_keeps_nothing_when_one_fails(on_site):
    async def scenario(site):
        body = {"allOrNone": True, "records": [task_record(1), task_record(2, Subject="x" * 256)]}
        found = (await site.call("POST", "composite/sobjects", body)).json()
        assert not any(r["success"] for r in found)
        codes = [r["errors"][0]["statusCode"] for r in found]
        assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "STRING_TOO_LONG"]
        assert await site.rows("SELECT Id FROM Task") == []

    on_site(scenario)


def test_collection_limit_is_two_hundred(on_site):
    async def scenario(site):
        many = {"records": [task_record(n) for n in range(201)]}
        assert (await site.refusal("POST", "composite/sobjects", many))[0] == 400
        mixed = [{"attributes": {"type": "Contact"}, "LastName": "x"}, task_record(1)]
        assert (await site.call("POST", "composite/sobjects", {"records": mixed * 5})).status_code == 200
        assert (await site.refusal("POST", "composite/sobjects", {"records": mixed * 6}))[0] == 400
        assert (
            await site.call("POST", "composite/sobjects", {"records": [task_record(n) for n in range(200)]})
        ).status_code == 200
        assert site.org.statistics()["records"]["Contact"] == 5

    on_site(scenario)


def test_batch_parts_counted_each(on_site):
    async def scenario(site):
        before = site.org.requests.used(site.world.clock.now())
        requests = [
            {"method": "POST", "url": "v66.0/sobjects/Contact", "richInput": {"LastName": "x"}},
            {"method": "GET", "url": "v66.0/sobjects/Nope"},
            {"method": "GET", "url": "v66.0/query?q=SELECT+COUNT()+FROM+Contact"},
        ]
        found = (await site.call("POST", "composite/batch", {"batchRequests": requests})).json()
        assert found["hasErrors"] is True
        assert [r["statusCode"] for r in found["results"]] == [201, 404, 200]
        assert found["results"][2]["result"]["totalSize"] == 1
        assert site.org.requests.used(site.world.clock.now()) - before == 3
        halted = (await site.call("POST", "composite/batch", {"haltOnError": True, "batchRequests": requests})).json()
        assert [r["statusCode"] for r in halted["results"]] == [201, 404, 412]

    on_site(scenario)


def test_archived_hidden_from_queries_overnight(on_site):
    async def scenario(site):
        await site.call("GET", "limits")
        old = await site.create("Task", Subject="a", Status="Completed", ActivityDate="2025-01-01")
        await site.create("Task", Subject="b", Status="Completed", ActivityDate="2025-06-01")
        still_open = await site.create("Task", Subject="c", ActivityDate="2025-01-01")
        soql = "SELECT Id FROM Task WHERE ActivityDate < 2025-02-01 ORDER BY Id"
        assert len(await site.rows(soql)) == 2
        await site.world.clock.sleep(86400)
        await site.sign_in()
        assert await site.rows(soql) == [{"Id": still_open}]
        assert await site.rows(soql, "queryAll") == [{"Id": old}, {"Id": still_open}]
        assert await site.rows("SELECT Id FROM Task WHERE IsArchived = true", "queryAll") == [{"Id": old}]

    on_site(scenario)


def test_deleted_hidden_from_queries(on_site):
    async def scenario(site):
        gone = site.org.add_contact("Gone")
        site.org.delete(gone)
        soql = "SELECT Id FROM Contact WHERE IsDeleted = true"
        assert await site.rows(soql) == []
        assert await site.rows(soql, "queryAll") == [{"Id": gone}]
        site.org.undelete(gone)
        assert await site.rows(soql, "queryAll") == []

    on_site(scenario)


def test_batch_size_bounds_are_kept(on_site):
    async def scenario(site):
        for n in range(450):
            site.org.add_contact(str(n))

        async def size(header):
            answer = await site.query(
                "SELECT Id FROM Contact", headers={"Sforce-Query-Options": header} if header else {}
            )
            return len(answer["records"])

        assert await size("batchSize=250") == 250
        assert await size("batchSize=10") == 200
        assert await size("batchSize=9999") == 450
        assert await size("") == 450

    on_site(scenario)


def test_daily_pool_refuses_everything_until_the_day_has_rolled_on(on_site):
    async def scenario(site):
        site.org.set_daily_limit(used=4, maximum=5)
        assert (await site.call("GET", "limits")).status_code == 200
        answer = await site.call("POST", "sobjects/Contact", {"LastName": "x"})
        assert answer.status_code == 403
        assert answer.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
        assert site.org.statistics()["records"]["Contact"] == 0
        assert (await site.sign_in())["status"] == 200, "sign-in is no API request"
        await site.world.clock.sleep(24 * 3600)
        await site.sign_in()
        assert (await site.call("POST", "sobjects/Contact", {"LastName": "x"})).status_code == 201

    on_site(scenario)


def test_only_sent_mail_outside_cases(on_site):
    async def scenario(site):
        refused = await site.refusal("POST", "sobjects/EmailMessage", {"Subject": "x", "Status": "0"})
        assert refused[:2] == (400, "FIELD_INTEGRITY_EXCEPTION")
        await site.create("EmailMessage", Subject="x", Status="3")

    on_site(scenario)


def test_moved_mail_gets_new_task(on_site):
    async def scenario(site):
        _, li, deal, _ = await cast(site)
        mail = await site.create("EmailMessage", Subject="x", IsClientManaged=True, ToIds=[li])
        (before,) = await tasks(site)
        assert (await site.call("PATCH", f"sobjects/EmailMessage/{mail}", {"RelatedToId": deal})).status_code == 204
        (after,) = await tasks(site)
        assert (after["WhoId"], after["WhatId"]) == (li, deal)
        assert after["Id"] != before["Id"]
        assert site.org.record(mail)["ActivityId"] == after["Id"]

    on_site(scenario)


def _deep(levels):
    first = [part("POST", "sobjects/Account", "a0", {"Name": "x"})]
    rest = [
        part("POST", "sobjects/Account", f"a{n}", {"Name": "x", "ParentId": f"@{{a{n - 1}.id}}"})
        for n in range(1, levels)
    ]
    return [{"graphId": "g", "compositeRequest": first + rest}]


def _kinds(number):
    return [
        {
            "graphId": f"g{n}",
            "compositeRequest": [
                {**part("POST", "x", "r", {"Name": "x"}), "url": f"/services/data/v{50 + n}.0/sobjects/Account"}
            ],
        }
        for n in range(number)
    ]


def test_graph_limits(on_site):
    async def scenario(site):
        async def status(graphs):
            return (await site.call("POST", "composite/graph", {"graphs": graphs})).status_code

        assert await status([plain_graph(f"g{n}") for n in range(76)]) == 400
        assert await status([plain_graph("a", 250), plain_graph("b", 251)]) == 400
        assert await status(_deep(16)) == 400
        assert await status(_kinds(16)) == 400
        assert site.org.statistics()["records"]["Account"] == 0
        for most in ([plain_graph(f"g{n}") for n in range(75)], [plain_graph(nodes=500)], _deep(15), _kinds(15)):
            answer = await site.call("POST", "composite/graph", {"graphs": most})
            assert answer.status_code == 200
            assert all(g["isSuccessful"] for g in answer.json()["graphs"])

    on_site(scenario)


@pytest.mark.parametrize(("path", "most"), [("limits", 25), ("query?q=SELECT+Id+FROM+Contact", 5)])
def test_composite_limits(on_site, path, most):
    async def scenario(site):
        parts = [part("GET", path, f"r{n}") for n in range(most + 1)]
        assert (await site.refusal("POST", "composite", {"compositeRequest": parts}))[:2] == (400, "LIMIT_EXCEEDED")
        assert (await site.call("POST", "composite", {"compositeRequest": parts[:most]})).status_code == 200

    on_site(scenario)


async def _locator(site):
    return (await site.query("SELECT Id FROM Contact"))["nextRecordsUrl"]


async def _invalid(site, url):
    answer = await site.http.get(url)
    return answer.status_code == 400 and answer.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def _two_contacts(site):
    site.org.settings.page_size = 1
    for name in ("A", "B"):
        site.org.add_contact(name)


def test_locators_expire_after_two_days(on_site):
    async def scenario(site):
        _two_contacts(site)
        url = await _locator(site)
        await site.world.clock.sleep(2 * 86400)
        await site.sign_in()
        assert (await site.http.get(url)).status_code == 200
        await site.world.clock.sleep(1)
        assert await _invalid(site, url)

    on_site(scenario)


def test_locators_capped_at_ten(on_site):
    async def scenario(site):
        _two_contacts(site)
        urls = [await _locator(site) for _ in range(11)]
        assert await _invalid(site, urls[0])
        assert (await site.http.get(urls[1])).status_code == 200

    on_site(scenario)


def test_locators_of_their_user(on_site):
    async def scenario(site):
        _two_contacts(site)
        url = await _locator(site)
        site.org.add_user("other@harbour.example", permissions=["ApiEnabled"])
        site.org.client.run_as = "other@harbour.example"
        await site.sign_in()
        assert await _invalid(site, url)
        site.org.client.run_as = site.org.integration_username
        await site.sign_in()
        assert (await site.http.get(url)).status_code == 200

    on_site(scenario)


def test_uri_length(on_site):
    async def scenario(site):
        assert (await site.call("GET", "query?q=" + "x" * 16_384)).status_code == 414
        assert (await site.call("GET", "query?q=" + "x" * 15_000)).status_code == 400

    on_site(scenario)


def test_header_length(on_site):
    async def scenario(site):
        assert (await site.call("GET", "query?q=" + "x" * 16_300, headers={"X-Long": "y" * 100})).status_code == 431
        assert (await site.call("GET", "query?q=" + "x" * 15_000)).status_code == 400

    on_site(scenario)


def test_long_text_not_filtered(on_site):
    async def scenario(site):
        answer = await site.call("GET", "query?q=SELECT+Id+FROM+Contact+WHERE+Description+=+'x'")
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
        assert "can not be filtered" in answer.json()[0]["message"]

    on_site(scenario)


def test_replication_span(on_site):
    async def scenario(site):
        early = "start=2026-02-10T08:00:00Z&end=2026-03-02T08:10:00Z"
        assert (await site.refusal("GET", f"sobjects/Contact/deleted?{early}"))[1] == "INVALID_REPLICATION_DATE"
        assert (await site.call("GET", f"sobjects/Contact/updated?{early}")).status_code == 200

    on_site(scenario)
