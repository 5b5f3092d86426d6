"""Collections, Composite, Composite Graph, Composite Batch.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/using_composite_resources.htm
"""

import pytest

V = "/services/data/v66.0"


def _task(n, **fields):
    return {"attributes": {"type": "Task"}, "Subject": f"t{n}", **fields}


def _part(method, path, reference, body=None, **more):
    return {"method": method, "url": f"{V}/{path}", "referenceId": reference, "body": body, **more}


def _mail_graph(n, key, to, subject="s"):
    return {
        "graphId": f"g{n}",
        "compositeRequest": [
            _part(
                "POST", "sobjects/EmailMessage", "mail", {"Subject": subject, "Tradepost_Key__c": key, "ToIds": [to]}
            ),
            _part(
                "POST",
                "sobjects/EmailMessageRelation",
                "sender",
                {"EmailMessageId": "@{mail.id}", "RelationType": "FromAddress", "RelationId": to},
            ),
        ],
    }


# --------------------------------------------------------------------------------------------------------- collections


def test_a_collection_saves_each_record_by_itself_in_order(on_site):
    async def scenario(site):
        records = [_task(1), _task(2, Subject="x" * 256), _task(3)]
        answer = await site.call("POST", "composite/sobjects", {"allOrNone": False, "records": records})
        assert answer.status_code == 200
        one, two, three = answer.json()
        assert (one["success"], two["success"], three["success"]) == (True, False, True)
        assert two["errors"][0]["statusCode"] == "STRING_TOO_LONG"
        assert two["errors"][0]["fields"] == ["Subject"]
        assert "id" not in two
        assert [r["Subject"] for r in await site.rows("SELECT Subject FROM Task")] == ["t1", "t3"]

    on_site(scenario)


def test_a_collection_of_all_or_none_keeps_nothing_when_one_fails(on_site):
    async def scenario(site):
        body = {"allOrNone": True, "records": [_task(1), _task(2, Subject="x" * 256)]}
        codes = [r["errors"][0]["statusCode"] for r in (await site.call("POST", "composite/sobjects", body)).json()]
        assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "STRING_TOO_LONG"]
        assert await site.rows("SELECT Id FROM Task") == []

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
        records = [_task("A", id=a), _task("B", id=b, Nope=1), {"attributes": {"type": "Task"}, "Subject": "c"}]
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


def test_a_collection_upserts_by_key_and_a_key_given_twice_fails_twice(on_site):
    async def scenario(site):
        path = "composite/sobjects/Task/Tradepost_Key__c"
        first = {"records": [_task(1, Tradepost_Key__c="a"), _task(2, Tradepost_Key__c="b")]}
        assert [r["created"] for r in (await site.call("PATCH", path, first)).json()] == [True, True]
        keys = ("a", "c", "d", "d", None)
        again = {"records": [_task(n, Tradepost_Key__c=key) for n, key in enumerate(keys)]}
        found = (await site.call("PATCH", path, again)).json()
        assert [r.get("created") for r in found] == [False, True, None, None, None]
        assert [r["errors"][0]["statusCode"] for r in found[2:]] == [
            "DUPLICATE_VALUE",
            "DUPLICATE_VALUE",
            "MISSING_ARGUMENT",
        ]
        assert site.org.statistics()["records"]["Task"] == 3

    on_site(scenario)


def test_the_same_unique_value_twice_in_one_insert_is_saved_once(on_site):
    async def scenario(site):
        body = {"records": [_task(n, Tradepost_Key__c="k") for n in range(2)]}
        found = (await site.call("POST", "composite/sobjects", body)).json()
        assert found[0]["success"]
        assert found[1]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
        assert found[0]["id"][:15] in found[1]["errors"][0]["message"]

    on_site(scenario)


def test_collections_have_bounds(on_site):
    async def scenario(site):
        many = {"records": [_task(n) for n in range(201)]}
        assert (await site.refusal("POST", "composite/sobjects", many))[0] == 400
        mixed = [{"attributes": {"type": "Contact"}, "LastName": "x"}, _task(1)]
        assert (await site.call("POST", "composite/sobjects", {"records": mixed * 5})).status_code == 200
        assert (await site.refusal("POST", "composite/sobjects", {"records": mixed * 6}))[0] == 400
        assert (
            await site.call("POST", "composite/sobjects", {"records": [_task(n) for n in range(200)]})
        ).status_code == 200
        assert site.org.statistics()["records"]["Contact"] == 5

    on_site(scenario)


# ----------------------------------------------------------------------------------------------------------- composite


def test_parts_of_a_composite_use_what_earlier_ones_answered(on_site):
    async def scenario(site):
        parts = [
            _part("POST", "sobjects/Account", "acme", {"Name": "Acme"}),
            _part("GET", "sobjects/Account/@{acme.id}?fields=Name", "read"),
            _part("POST", "sobjects/Contact", "li", {"LastName": "of @{read.Name}", "AccountId": "@{acme.id}"}),
            _part("GET", "query?q=SELECT+Id,Email+FROM+Contact", "all"),
            _part(
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
            _part("POST", "sobjects/Account", "ok", {"Name": "Acme"}),
            _part("POST", "sobjects/Account", "bad", {"Name": "x" * 256}),
            _part("POST", "sobjects/Contact", "child", {"LastName": "@{bad[0].errorCode}"}),
            _part("POST", "sobjects/Contact", "free", {"LastName": "y"}),
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
        inner = {"allOrNone": False, "records": [_task(1), _task(2, Subject="x" * 256)]}
        parts = [
            _part("POST", "composite/sobjects", "many", inner),
            _part("POST", "sobjects/Contact", "one", {"LastName": "x"}),
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
            _part("POST", "sobjects/Tradepost_Ledger__c", "ledger", {"Key__c": "k"}),
            _part("POST", "sobjects/EmailMessage", "mail", {"Subject": "s"}),
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
        part = _part("PATCH", f"sobjects/Opportunity/{deal}", "p", {"StageName": "Closed Won"}, **header)
        rows = (await site.call("POST", "composite", {"compositeRequest": [part]})).json()["compositeResponse"]
        assert rows[0]["httpStatusCode"] == 412
        assert site.org.record(deal)["StageName"] == "Prospecting"

    on_site(scenario)


@pytest.mark.parametrize(
    "parts",
    [
        [_part("GET", "limits", f"r{n}") for n in range(26)],
        [_part("GET", "query?q=SELECT+Id+FROM+Contact", f"r{n}") for n in range(6)],
        [_part("POST", "sobjects/Contact", "a-b", {"LastName": "x"})],
        [
            _part("POST", "sobjects/Contact", "a", {"LastName": "x"}),
            _part("POST", "sobjects/Contact", "a", {"LastName": "y"}),
        ],
        [_part("POST", "sobjects/Contact", "a", {"LastName": "x"}, httpHeaders={"Authorization": "x"})],
        [],
    ],
)
def test_a_malformed_composite_is_refused_as_a_whole(on_site, parts):
    async def scenario(site):
        assert (await site.refusal("POST", "composite", {"compositeRequest": parts}))[0] == 400
        assert site.org.statistics()["records"]["Contact"] == 0

    on_site(scenario)


def test_a_batch_runs_independent_parts_and_counts_each(on_site):
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


# --------------------------------------------------------------------------------------------------------------- graphs


def test_each_graph_is_kept_or_taken_back_as_a_whole(on_site):
    async def scenario(site):
        li = site.org.add_contact("Li")
        graphs = [
            _mail_graph(1, "a", li),
            _mail_graph(2, "a", li),
            _mail_graph(3, "b", li, "x" * 3001),
            _mail_graph(4, "c", li),
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


def test_a_failure_late_in_a_graph_takes_back_the_mail_and_its_task(on_site):
    async def scenario(site):
        graph = _mail_graph(1, "a", site.org.add_contact("Li"))
        graph["compositeRequest"][1]["body"]["RelationType"] = "Nonsense"
        found = (await site.call("POST", "composite/graph", {"graphs": [graph]})).json()["graphs"][0]
        codes = [r["body"][0]["errorCode"] for r in found["graphResponse"]["compositeResponse"]]
        assert codes == ["PROCESSING_HALTED", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
        records = site.org.statistics()["records"]
        assert (records["EmailMessage"], records["EmailMessageRelation"], records["Task"]) == (0, 0, 0)
        assert await site.rows("SELECT Id FROM EmailMessage WHERE Tradepost_Key__c = 'a'") == []

    on_site(scenario)


def test_after_too_many_failed_graphs_the_rest_is_not_tried(on_site):
    async def scenario(site):
        li = site.org.add_contact("Li")
        graphs = [_mail_graph(n, f"k{n}", li, "x" * 3001) for n in range(15)] + [
            _mail_graph(n, f"k{n}", li) for n in range(15, 20)
        ]
        found = (await site.call("POST", "composite/graph", {"graphs": graphs})).json()["graphs"]
        codes = [g["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] for g in found]
        assert codes == ["STRING_TOO_LONG"] * 15 + ["PROCESSING_HALTED"] * 5
        assert site.org.statistics()["records"]["EmailMessage"] == 0
        fewer = (await site.call("POST", "composite/graph", {"graphs": graphs[1:]})).json()["graphs"]
        assert [g["isSuccessful"] for g in fewer] == [False] * 14 + [True] * 5

    on_site(scenario)


def _deep(levels):
    first = [_part("POST", "sobjects/Account", "a0", {"Name": "x"})]
    rest = [
        _part("POST", "sobjects/Account", f"a{n}", {"Name": "x", "ParentId": f"@{{a{n - 1}.id}}"})
        for n in range(1, levels)
    ]
    return [{"graphId": "g", "compositeRequest": first + rest}]


def _plain(graph_id="g", nodes=1, path="sobjects/Account", method="POST"):
    return {
        "graphId": graph_id,
        "compositeRequest": [_part(method, path, f"r{n}", {"Name": "x"}) for n in range(nodes)],
    }


def _kinds(number):
    return [
        {
            "graphId": f"g{n}",
            "compositeRequest": [
                {**_part("POST", "x", "r", {"Name": "x"}), "url": f"/services/data/v{50 + n}.0/sobjects/Account"}
            ],
        }
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("graphs", "good"),
    [
        ([_plain(f"g{n}") for n in range(75)], True),
        ([_plain(f"g{n}") for n in range(76)], False),
        ([_plain(nodes=500)], True),
        ([_plain("a", 250), _plain("b", 251)], False),
        (_deep(15), True),
        (_deep(16), False),
        (_kinds(15), True),
        (_kinds(16), False),
        ([_plain(), _plain()], False),
        ([_plain("has.dot")], False),
        ([_plain("-x")], False),
        ([_plain("x" * 39)], True),
        ([_plain("x" * 40)], False),
        ([_plain(path="query?q=SELECT+Id+FROM+Account", method="GET")], False),
        ([_plain(path="composite/sobjects")], False),
        (
            [
                {
                    "graphId": "g",
                    "compositeRequest": [
                        {**_part("POST", "x", "r", {"Name": "x"}), "url": "/services/data/v49.0/sobjects/Account"}
                    ],
                }
            ],
            False,
        ),
    ],
)
def test_graphs_have_bounds(on_site, graphs, good):
    async def scenario(site):
        answer = await site.call("POST", "composite/graph", {"graphs": graphs})
        assert answer.status_code == (200 if good else 400)
        if good:
            assert all(g["isSuccessful"] for g in answer.json()["graphs"])
        assert (site.org.statistics()["records"]["Account"] > 0) == good

    on_site(scenario)
