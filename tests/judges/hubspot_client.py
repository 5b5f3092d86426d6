"""hubspot-api-client, which speaks v3 and v4, judges the simulated account."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from hubspot.crm import contacts

from tests.judges import hubspot_tools, hubspot_writes
from tests.judges.hubspot_desk import CONTACTS, Desk, make, open_desk, refused, where
from tests.judges.judge import Bench, Judge

judge = Judge("hubspot-api-client", open_desk)
BENCH = Bench("hubspot", make, (judge, hubspot_writes.judge, hubspot_tools.judge))

# ------------------------------------------------------------------------------------------------------------ signing in


@judge("signs in with a refresh token and looks at both tokens")
def oauth(desk: Desk) -> None:
    hs = desk.client()
    made = hs.oauth.tokens_api.create(
        grant_type="refresh_token", refresh_token=desk.portal.refresh_token, **desk.account()
    )
    assert (made.expires_in, made.token_type, made.refresh_token) == (1800, "bearer", desk.portal.refresh_token)
    assert len(desk.client(made.access_token).crm.contacts.basic_api.get_page(limit=3).results) == 3
    found = hs.oauth.access_tokens_api.get(made.access_token)
    assert (found.hub_id, str(found.app_id)) == (desk.portal.state.settings.portal_id, desk.portal.app.id)
    assert "crm.objects.contacts.read" in found.scopes
    assert hs.oauth.refresh_tokens_api.get(made.refresh_token).client_id == desk.portal.app.client_id


@judge("exchanges a person's consent for tokens, once; gives a refresh token back")
def consent(desk: Desk) -> None:
    hs, app = desk.client(), desk.portal.app
    code = desk.act(desk.portal.auth.new_code, app.client_id)
    exchange = partial(hs.oauth.tokens_api.create, grant_type="authorization_code", redirect_uri=app.redirect_uri)
    made = exchange(code=code, **desk.account())
    refused(lambda: exchange(code=code, **desk.account()), 400, "BAD_AUTH_CODE")
    assert hs.oauth.refresh_tokens_api.archive(made.refresh_token) is None
    again = partial(hs.oauth.tokens_api.create, grant_type="refresh_token", refresh_token=made.refresh_token)
    refused(lambda: again(**desk.account()), 400, "BAD_REFRESH_TOKEN")


@judge("is refused without a token, with a wrong one, with an expired one, with a wrong secret")
def unauthorised(desk: Desk) -> None:
    refused(desk.client().crm.contacts.basic_api.get_page, 401, "INVALID_AUTHENTICATION")
    refused(desk.client("pat-na1-wrong").crm.owners.owners_api.get_page, 401, "INVALID_AUTHENTICATION")
    app = desk.account() | {"grant_type": "refresh_token", "refresh_token": desk.portal.refresh_token}
    made = desk.client().oauth.tokens_api.create(**app)
    desk.act(desk.portal.expire_tokens)
    refused(desk.client(made.access_token).crm.contacts.basic_api.get_page, 401, "EXPIRED_AUTHENTICATION")
    app["client_secret"] = "wrong"
    refused(lambda: desk.client().oauth.tokens_api.create(**app), 400, "BAD_CLIENT_SECRET")
    refused(lambda: desk.client().oauth.access_tokens_api.get("nonsense"), 404)


# --------------------------------------------------------------------------------------------------------------- reading


@judge("reads every contact, page by page to the end, by its own get_all")
def every(desk: Desk) -> None:
    rows = desk.hs.crm.contacts.get_all(properties=["email", "hubspot_owner_id"])
    assert len({row.id for row in rows}) == len(rows) == CONTACTS
    assert rows[0].properties["hubspot_owner_id"] == rows[-1].properties["hubspot_owner_id"] != ""
    page = desk.hs.crm.contacts.basic_api.get_page(limit=100)
    rest = desk.hs.crm.contacts.basic_api.get_page(limit=100, after=page.paging.next.after)
    assert not {row.id for row in page.results} & {row.id for row in rest.results}
    last = desk.hs.crm.contacts.basic_api.get_page(limit=100, after=rest.paging.next.after)
    assert (len(last.results), last.paging) == (CONTACTS - 200, None)
    refused(lambda: desk.hs.crm.contacts.basic_api.get_page(limit=101), 400, "100")


@judge("reads one contact by id and by address, with history and associations")
def one(desk: Desk) -> None:
    api = desk.hs.crm.contacts.basic_api
    found = api.get_by_id("buyer1@hanseatic.example", id_property="email", associations=["companies", "deals"])
    assert isinstance(found.created_at, datetime)
    assert {each.type for each in found.associations["companies"].results} == {
        "contact_to_company",
        "contact_to_company_unlabeled",
    }
    assert found.properties["email"] == "buyer1@hanseatic.example"
    assert found.archived is False
    assert "deals" in found.associations
    desk.act(desk.portal.update, found.id, {"firstname": "Renamed"})
    again = api.get_by_id(found.id, properties_with_history=["firstname"])
    versions = again.properties_with_history["firstname"]
    assert [each.value for each in versions] == ["Renamed", "Buyer 001"]
    assert versions[0].source_type == "CRM_UI"
    refused(lambda: api.get_by_id("999999999"), 404, "OBJECT_NOT_FOUND")
    refused(lambda: api.get_by_id("Renamed", id_property="firstname"), 400, "non-unique")


@judge("reads a batch by ids and by addresses; those that are not there are told beside")
def read_batch(desk: Desk) -> None:
    rows = desk.hs.crm.contacts.basic_api.get_page(limit=4).results
    api = desk.hs.crm.contacts.batch_api
    wanted = [contacts.SimplePublicObjectId(id=row.id) for row in rows]
    ask = partial(contacts.BatchReadInputSimplePublicObjectId, properties=["email"], properties_with_history=[])
    found = api.read(ask(inputs=wanted))
    assert (found.status, len(found.results)) == ("COMPLETE", 4)
    partly = api.read(ask(inputs=[*wanted, contacts.SimplePublicObjectId(id="1")]))
    assert (type(partly).__name__, partly.num_errors) == ("BatchResponseSimplePublicObjectWithErrors", 1)
    assert partly.errors[0].context == {"ids": ["1"]}
    assert len(partly.results) == 4
    by = ask(id_property="email", inputs=[contacts.SimplePublicObjectId(id=rows[0].properties["email"])])
    assert api.read(by).results[0].id == rows[0].id


@judge("reads owners, living and gone, by id, by user and by address; the key to users too")
def owners(desk: Desk) -> None:
    api = desk.hs.crm.owners.owners_api
    first = api.get_page(limit=1)
    rest = api.get_page(limit=1, after=first.paging.next.after)
    assert rest.paging is None
    emails = [each.email for each in [*first.results, *rest.results]]
    assert emails == ["admin@harbour-trading.example", "anna@ours.example"]
    (gone,) = api.get_page(archived=True).results
    assert (gone.email, gone.archived, gone.user_id) == ("left@ours.example", True, None)
    (anna,) = api.get_page(email="anna@ours.example").results
    assert api.get_by_id(anna.id).last_name == "王"
    assert api.get_by_id(anna.user_id, id_property="userId").id == anna.id
    refused(lambda: api.get_by_id(gone.id), 404, "OBJECT_NOT_FOUND")
    assert api.get_by_id(gone.id, archived=True).user_id_including_inactive > 0
    assert [each.email for each in desk.hs.settings.users.users_api.get_page().results] == emails


# ---------------------------------------------------------------------------------------------------------------- search


@judge("searches by address, with values in a list, by time, by words, sorted and paged to the end")
def searching(desk: Desk) -> None:
    one = desk.search(filter_groups=where("email", "EQ", "Buyer7@hanseatic.example"))
    assert (one.total, one.paging) == (1, None)
    many = desk.search(filter_groups=where("email", "IN", *[f"buyer{n}@hanseatic.example" for n in range(9)]))
    assert many.total == 9
    assert desk.search(filter_groups=where("email", "IN", "BUYER7@hanseatic.example")).total == 0
    assert desk.search(query="Hanseatic").total >= CONTACTS
    assert desk.search("companies", query="hanseatic").total == 1
    since = datetime(2026, 1, 1, tzinfo=UTC)
    millis = where("lastmodifieddate", "GTE", str(int(since.timestamp() * 1000)))
    seen: list[str] = []
    after: str | None = "0"
    while after is not None:
        page = desk.search(filter_groups=millis, sorts=["lastmodifieddate"], limit=100, after=after)
        seen += [row.id for row in page.results]
        after = page.paging.next.after if page.paging else None
    assert len(seen) == len(set(seen)) == page.total >= CONTACTS
    iso = where("hs_lastmodifieddate", "BETWEEN", "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    assert (
        desk.search("deals", filter_groups=iso, properties=["dealname"], sorts=["-dealname"])
        .results[0]
        .properties["dealname"]
        == "Order 2 订单"
    )
    assert desk.search(filter_groups=where("email", "EQ", "nobody@nowhere.example")).results == []


@judge("finds new records late, and never archived ones")
def lagging(desk: Desk) -> None:
    late = desk.contact(email="late@hanseatic.example")
    ask = contacts.PublicObjectSearchRequest(filter_groups=where("email", "EQ", "late@hanseatic.example"))
    assert desk.hs.crm.contacts.search_api.do_search(ask).total == 0
    assert desk.search(filter_groups=where("email", "EQ", "late@hanseatic.example")).results[0].id == late
    assert desk.hs.crm.contacts.basic_api.archive(late) is None
    assert desk.search(filter_groups=where("email", "EQ", "late@hanseatic.example")).total == 0
    (gone,) = [each for each in desk.hs.crm.contacts.get_all(archived=True) if each.id == late]
    assert (gone.archived, gone.archived_at > gone.created_at) == (True, True)
    refused(lambda: desk.hs.crm.contacts.basic_api.get_by_id(late), 404)
    assert desk.hs.crm.contacts.basic_api.get_by_id(late, archived=True).id == late


@judge(
    "is refused pages past 10,000, unknown properties and operators, too many filters, and a sixth search in a second"
)
def wrong_searches(desk: Desk) -> None:
    refused(lambda: desk.search(after="9950", limit=100), 400, "10000")
    refused(lambda: desk.search(limit=201), 400, "200")
    refused(lambda: desk.search(filter_groups=where("nonsense", "EQ", "x")), 400, "nonsense")
    refused(
        lambda: desk.search(filter_groups=[{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "x"}]}]),
        400,
        "LIKE",
    )
    refused(lambda: desk.search(filter_groups=where("email", "EQ", "x") * 6), 400, "filterGroups")
    refused(lambda: desk.search("nonsense"), 400, "Unable to infer object type")
    many = where("email", "IN", *[f"buyer{number}@a-rather-long-name.example" for number in range(90)])
    refused(lambda: desk.search(filter_groups=many), 400, "3000 are allowed")
    api = desk.bare.crm.contacts.search_api
    error = refused(lambda: [api.do_search(contacts.PublicObjectSearchRequest()) for _ in range(9)], 429, "SECONDLY")
    assert "X-HubSpot-RateLimit-Max" not in error.headers


# -------------------------------------------------------------------------------------------------------------- refusals


@judge("meets missing scopes, an administrator's rules, spent pools and a server that is away")
def limits(desk: Desk) -> None:
    portal, api = desk.portal, desk.bare.crm.contacts.basic_api
    desk.act(portal.revoke, "crm.objects.owners.read")
    refused(desk.bare.crm.owners.owners_api.get_page, 403, "requiredGranularScopes")
    desk.act(portal.grant, "crm.objects.owners.read")
    desk.act(portal.add_validation_rule, "contacts", "jobtitle")
    refused(lambda: desk.contact(email="rule@buyer.example"), 400, "MISSING_REQUIRED_PROPERTY")
    desk.act(portal.drop_validation_rules)
    desk.act(portal.set_limits, ten_seconds=1)
    error = refused(lambda: [api.get_page(limit=1) for _ in range(2)], 429, "TEN_SECONDLY_ROLLING")
    assert (error.headers["X-HubSpot-RateLimit-Max"], "Retry-After" in error.headers) == ("1", False)
    desk.act(portal.set_limits, ten_seconds=10_000, daily=1)
    assert '"policyName":"DAILY"' in refused(lambda: api.get_page(limit=1), 429).body.replace(" ", "")
    desk.act(portal.set_limits, ten_seconds=10_000)
    for status in (500, 502, 503):
        desk.place.fault("hubspot", "contacts.list", status, times=4)
        refused(lambda: api.get_page(limit=1), status)
        desk.act(desk.place.world.faults.clear)
    for status in (423, 477):
        desk.place.fault("hubspot", "contacts.list", status)
        refused(lambda: api.get_page(limit=1), status)
    assert len(api.get_page(limit=1).results) == 1
