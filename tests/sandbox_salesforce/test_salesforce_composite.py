"""Collections, Composite, Composite Graph, Composite Batch.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/using_composite_resources.htm
"""

import pytest

from tests.sandbox_salesforce.salesforce_site import mail_graph, part, plain_graph, task_record

# --------------------------------------------------------------------------------------------------------- collections


def test_a_collection_saves_each_record_by_itself_in_order(on_site):
    async def scenario(site):
        records = [task_record(1), task_record(2, Subject="x" * 256), task_record(3)]
        answer = await site.call("POST", "composite/sobjects", {"allOrNone": False, "records": records})
        assert answer.status_code == 200
        one, two, three = answer.json()
        assert (one["success"], two["success"], three["success"]) == (True, False, True)
        assert two["errors"][0]["statusCode"] == "STRING_TOO_LONG"
        assert two["errors"][0]["fields"] == ["Subject"]
        assert "id" not in two
        assert [r["Subject"] for r in await site.rows("SELECT Subject FROM Task")] == ["t1", "t3"]

    on_site(scenario)


def test_a_record_refused_half_way_leaves_nothing_beside_its_neighbours(on_site):
    async def scenario(site):
        mail = {"attributes": {"type": "EmailMessage"}, "Subject": "x"}
        records = [mail, {**mail, "Subject": "y", "ToIds": [site.user, "003000000000001"]}]
        found = (await site.call("POST", "composite/sobjects", {"records": records})).json()
        assert [r["success"] for r in found] == [True, False]
        records = site.org.statistics()["records"]
        assert (records["EmailMessage"], records["EmailMessageRelation"], records["Task"]) == (1, 0, 1)

    on_site(scenario)


def test_collections_update_delete_and_read(on_site):
    async def scenario(site):
        a, b = await site.create("Task", Subject="a"), await site.create("Task", Subject="b")
        records = [
            task_record("A", id=a),
            task_record("B", id=b, Nope=1),
            {"attributes": {"type": "Task"}, "Subject": "c"},
        ]
        found = (await site.call("PATCH", "composite/sobjects", {"records": records})).json()
        assert [r.get("id") for r in found] == [a, None, None]
        assert [r["errors"][0]["statusCode"] for r in found[1:]] == ["INVALID_FIELD", "MISSING_ARGUMENT"]
        absent = "00T000000000001"
        rows = (await site.call("GET", f"composite/sobjects/Task?ids={b},{absent},{a}&fields=Subject")).json()
        assert [r and r["Subject"] for r in rows] == ["b", None, "tA"]
        posted = (await site.call("POST", "composite/sobjects/Task", {"ids": [a], "fields": ["Subject"]})).json()
        assert posted[0]["Subject"] == "tA"
        gone = (await site.call("DELETE", f"composite/sobjects?ids={a},bad&allOrNone=true")).json()
        assert [r["errors"][0]["statusCode"] for r in gone] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
        gone = (await site.call("DELETE", f"composite/sobjects?ids={a},bad")).json()
        assert [r["success"] for r in gone] == [True, False]
        assert await site.rows("SELECT Id FROM Task") == [{"Id": b}]

    on_site(scenario)


def test_the_same_unique_value_twice_in_one_insert_is_saved_once(on_site):
    async def scenario(site):
        body = {"records": [task_record(n, Tradepost_Key__c="k") for n in range(2)]}
        found = (await site.call("POST", "composite/sobjects", body)).json()
        assert found[0]["success"]
        assert found[1]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
        assert found[0]["id"][:15] in found[1]["errors"][0]["message"]

    on_site(scenario)


# ----------------------------------------------------------------------------------------------------------- composite


def test_parts_of_a_composite_use_what_earlier_ones_answered(on_site):
    async def scenario(site):
        parts = [
            part("POST", "sobjects/Account", "acme", {"Name": "Acme"}),
            part("GET", "sobjects/Account/@{acme.id}?fields=Name", "read"),
            part("POST", "sobjects/Contact", "li", {"LastName": "of @{read.Name}", "AccountId": "@{acme.id}"}),
            part("GET", "query?q=SELECT+Id,Email+FROM+Contact", "all"),
            part(
                "PATCH",
                "sobjects/Contact/@{all.records[0].Id}",
                "set",
                {"Email": "@{all.records[0].Email}", "Title": "T"},
            ),
        ]
        answer = await site.call("POST", "composite", {"allOrNone": True, "compositeRequest": parts})
        rows = answer.json()["compositeResponse"]
        assert [r["httpStatusCode"] for r in rows] == [201, 200, 201, 200, 204]
        assert [r["referenceId"] for r in rows] == ["acme", "read", "li", "all", "set"]
        assert rows[0]["httpHeaders"]["Location"].endswith(rows[0]["body"]["id"])
        contact = site.org.record(rows[2]["body"]["id"])
        assert (contact["LastName"], contact["AccountId"], contact["Title"]) == ("of Acme", rows[0]["body"]["id"], "T")

    on_site(scenario)


@pytest.mark.parametrize("everything", [True, False])
def test_a_failing_part_takes_all_back_or_only_what_depends_on_it(on_site, everything):
    async def scenario(site):
        parts = [
            part("POST", "sobjects/Account", "ok", {"Name": "Acme"}),
            part("POST", "sobjects/Account", "bad", {"Name": "x" * 256}),
            part("POST", "sobjects/Contact", "child", {"LastName": "@{bad[0].errorCode}"}),
            part("POST", "sobjects/Contact", "free", {"LastName": "y"}),
        ]
        answer = await site.call("POST", "composite", {"allOrNone": everything, "compositeRequest": parts})
        assert answer.status_code == 200
        rows = {r["referenceId"]: r for r in answer.json()["compositeResponse"]}
        codes = [
            rows[n]["body"][0]["errorCode"] if rows[n]["httpStatusCode"] >= 400 else ""
            for n in ("ok", "bad", "child", "free")
        ]
        halted = "PROCESSING_HALTED"
        assert codes == (
            [halted, "STRING_TOO_LONG", halted, halted] if everything else ["", "STRING_TOO_LONG", halted, ""]
        )
        records = site.org.statistics()["records"]
        assert (records["Account"], records["Contact"]) == ((0, 0) if everything else (1, 1))

    on_site(scenario)


def test_an_outer_all_or_none_takes_back_what_an_inner_collection_calls_saved(on_site):
    async def scenario(site):
        inner = {"allOrNone": False, "records": [task_record(1), task_record(2, Subject="x" * 256)]}
        parts = [
            part("POST", "composite/sobjects", "many", inner),
            part("POST", "sobjects/Contact", "one", {"LastName": "x"}),
        ]
        answer = await site.call("POST", "composite", {"allOrNone": True, "compositeRequest": parts})
        many, one = answer.json()["compositeResponse"]
        assert [r["success"] for r in many["body"]] == [True, False], "the inner answer stands as it was"
        assert one["body"][0]["errorCode"] == "PROCESSING_HALTED"
        records = site.org.statistics()["records"]
        assert (records["Task"], records["Contact"]) == (0, 0)

    on_site(scenario)


def test_a_ledger_row_makes_a_composite_happen_once(on_site):
    async def scenario(site):
        site.org.settings.email_message_custom_fields_allowed = False
        site.org.add_custom_object("Tradepost_Ledger__c", grant_to=[site.user])
        site.org.add_custom_field(
            "Tradepost_Ledger__c", "Key__c", required=True, unique=True, externalId=True, length=64
        )
        parts = [
            part("POST", "sobjects/Tradepost_Ledger__c", "ledger", {"Key__c": "k"}),
            part("POST", "sobjects/EmailMessage", "mail", {"Subject": "s"}),
        ]
        body = {"allOrNone": True, "compositeRequest": parts}
        for _ in range(3):
            rows = (await site.call("POST", "composite", body)).json()["compositeResponse"]
        assert [r["body"][0]["errorCode"] for r in rows] == ["DUPLICATE_VALUE", "PROCESSING_HALTED"]
        records = site.org.statistics()["records"]
        assert (records["Tradepost_Ledger__c"], records["EmailMessage"], records["Task"]) == (1, 1, 1)
        assert (await site.rows("SELECT Key__c FROM Tradepost_Ledger__c")) == [{"Key__c": "k"}]

    on_site(scenario, keys=False)


def test_headers_of_a_part_make_it_conditional(on_site):
    async def scenario(site):
        deal = site.org.add_opportunity("Deal")
        await site.world.clock.sleep(10)
        site.org.update(deal, {"NextStep": "person"})
        header = {"httpHeaders": {"If-Unmodified-Since": "Mon, 02 Mar 2026 08:00:05 GMT"}}
        change = part("PATCH", f"sobjects/Opportunity/{deal}", "p", {"StageName": "Closed Won"}, **header)
        rows = (await site.call("POST", "composite", {"compositeRequest": [change]})).json()["compositeResponse"]
        assert rows[0]["httpStatusCode"] == 412
        assert site.org.record(deal)["StageName"] == "Prospecting"

    on_site(scenario)


@pytest.mark.parametrize(
    "parts",
    [
        [part("POST", "sobjects/Contact", "a-b", {"LastName": "x"})],
        [
            part("POST", "sobjects/Contact", "a", {"LastName": "x"}),
            part("POST", "sobjects/Contact", "a", {"LastName": "y"}),
        ],
        [part("POST", "sobjects/Contact", "a", {"LastName": "x"}, httpHeaders={"Authorization": "x"})],
        [],
    ],
)
def test_a_malformed_composite_is_refused_as_a_whole(on_site, parts):
    async def scenario(site):
        assert (await site.refusal("POST", "composite", {"compositeRequest": parts}))[0] == 400
        assert site.org.statistics()["records"]["Contact"] == 0

    on_site(scenario)


# --------------------------------------------------------------------------------------------------------------- graphs


def test_each_graph_is_kept_or_taken_back_as_a_whole(on_site):
    async def scenario(site):
        li = site.org.add_contact("Li")
        graphs = [
            mail_graph(1, "a", li),
            mail_graph(2, "a", li),
            mail_graph(3, "b", li, "x" * 3001),
            mail_graph(4, "c", li),
        ]
        before = site.org.requests.used(site.world.clock.now())
        answer = await site.call("POST", "composite/graph", {"graphs": graphs})
        found = answer.json()["graphs"]
        assert answer.status_code == 200
        assert [(g["graphId"], g["isSuccessful"]) for g in found] == [
            ("g1", True),
            ("g2", False),
            ("g3", False),
            ("g4", True),
        ]
        good, clash, long, _ = [g["graphResponse"]["compositeResponse"] for g in found]
        assert [r["httpStatusCode"] for r in good] == [201, 201]
        assert [r["body"][0]["errorCode"] for r in clash] == ["DUPLICATE_VALUE", "PROCESSING_HALTED"]
        assert good[0]["body"]["id"][:15] in clash[0]["body"][0]["message"]
        assert [r["body"][0]["errorCode"] for r in long] == ["STRING_TOO_LONG", "PROCESSING_HALTED"]
        records = site.org.statistics()["records"]
        assert (records["EmailMessage"], records["EmailMessageRelation"], records["Task"]) == (2, 4, 2)
        assert site.org.requests.used(site.world.clock.now()) - before == 1

    on_site(scenario)


@pytest.mark.parametrize(
    ("graphs", "good"),
    [
        ([plain_graph(), plain_graph()], False),
        ([plain_graph("has.dot")], False),
        ([plain_graph("-x")], False),
        ([plain_graph("x" * 39)], True),
        ([plain_graph("x" * 40)], False),
        ([plain_graph(path="query?q=SELECT+Id+FROM+Account", method="GET")], False),
        ([plain_graph(path="composite/sobjects")], False),
        (
            [
                {
                    "graphId": "g",
                    "compositeRequest": [
                        {**part("POST", "x", "r", {"Name": "x"}), "url": "/services/data/v49.0/sobjects/Account"}
                    ],
                }
            ],
            False,
        ),
    ],
)
def test_graphs_have_names_and_take_records_only(on_site, graphs, good):
    async def scenario(site):
        answer = await site.call("POST", "composite/graph", {"graphs": graphs})
        assert answer.status_code == (200 if good else 400)
        if good:
            assert all(g["isSuccessful"] for g in answer.json()["graphs"])
        assert (site.org.statistics()["records"]["Account"] > 0) == good

    on_site(scenario)
