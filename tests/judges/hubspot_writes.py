"""hubspot-api-client writes, links and sets up."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hubspot.crm import associations, contacts, pipelines, properties, schemas
from hubspot.crm.associations import v4

from tests.judges.hubspot_desk import AT, Desk, ids_of, link_to, open_desk, refused, where
from tests.judges.judge import Judge

judge = Judge("hubspot-api-client", open_desk)

# --------------------------------------------------------------------------------------------------------------- writing


@judge("creates, changes, clears and archives a contact; values that are wrong or not its own are refused")
def one_contact(desk: Desk) -> None:
    api = desk.hs.crm.contacts.basic_api
    firm = desk.hs.crm.companies.basic_api.get_page().results[0].id
    made = api.create(
        contacts.SimplePublicObjectInputForCreate(
            properties={"email": "Li@Buyer.Example", "firstname": "李娜", "phone": "+86 10"},
            associations=[link_to(firm, 279)],
        )
    )
    assert (made.properties["email"], made.properties["firstname"]) == ("li@buyer.example", "李娜")
    assert made.properties["hs_object_source_id"] == desk.portal.key.id
    change = partial(contacts.SimplePublicObjectInput)
    assert api.update(made.id, change(properties={"phone": ""})).id == made.id
    assert api.get_by_id(made.id, properties=["phone"]).properties["phone"] in (None, "")
    assert api.update("li@buyer.example", change(properties={"jobtitle": "Buyer"}), id_property="email").id == made.id
    same = contacts.SimplePublicObjectInputForCreate(properties={"email": "li@buyer.example"})
    refused(lambda: api.create(same), 409, f"Existing ID: {made.id}")
    for values, word in (
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"email": "nonsense"}, "INVALID_EMAIL"),
        ({"lifecyclestage": "Nonsense"}, "INVALID_OPTION"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
    ):
        refused(partial(api.update, made.id, change(properties=values)), 400, word)
    refused(lambda: api.update("1", change(properties={"phone": "1"})), 404, "OBJECT_NOT_FOUND")
    assert api.archive(made.id) is None


@judge("creates a batch all or none; with trace ids one by one")
def create_batch(desk: Desk) -> None:
    api = desk.hs.crm.contacts.batch_api
    make = contacts.SimplePublicObjectBatchInputForCreate
    batch = contacts.BatchInputSimplePublicObjectBatchInputForCreate
    rows = [{"email": f"batch{n}@buyer.example"} for n in range(3)]
    done = api.create(batch(inputs=[make(properties=row, associations=[]) for row in rows]))
    assert sorted(each.properties["email"] for each in done.results) == [row["email"] for row in rows]
    mixed = [{"email": "batch9@buyer.example"}, rows[0]]
    refused(lambda: api.create(batch(inputs=[make(properties=row, associations=[]) for row in mixed])), 409, "CONFLICT")
    assert desk.search(filter_groups=where("email", "EQ", "batch9@buyer.example")).total == 0
    traced = [make(properties=row, associations=[], object_write_trace_id=f"t-{n}") for n, row in enumerate(mixed)]
    partly = api.create(batch(inputs=traced))
    assert [each.properties["email"] for each in partly.results] == ["batch9@buyer.example"]
    assert partly.num_errors == 1
    assert (partly.errors[0].category, partly.errors[0].context["objectWriteTraceId"]) == ("CONFLICT", ["t-1"])
    assert api.archive(ids_of(*[each.id for each in [*done.results, *partly.results]])) is None
    refused(lambda: api.create(batch(inputs=[make(properties={"firstname": "x"})] * 101)), 400, "100")


@judge("updates a batch with a failed part, upserts by a unique key, and is refused keys that are not unique")
def upserts(desk: Desk) -> None:
    api = desk.hs.crm.contacts.batch_api
    row = desk.hs.crm.contacts.basic_api.get_page(limit=1).results[0]
    change = contacts.SimplePublicObjectBatchInput
    partly = api.update(
        contacts.BatchInputSimplePublicObjectBatchInput(
            inputs=[change(id=row.id, properties={"jobtitle": "Chief"}), change(id="1", properties={"jobtitle": "x"})]
        )
    )
    assert [each.id for each in partly.results] == [row.id]
    assert partly.errors[0].category == "OBJECT_NOT_FOUND"
    put, batch = contacts.SimplePublicObjectBatchInputUpsert, contacts.BatchInputSimplePublicObjectBatchInputUpsert
    both = [
        put(id=f"k-{n}", id_property="judge_key", properties={"firstname": f"Key {n}"}, object_write_trace_id=f"t{n}")
        for n in range(2)
    ]
    first = api.upsert(batch(inputs=both[:1]))
    again = api.upsert(batch(inputs=both))
    assert [each.new for each in first.results] == [True]
    assert sorted((each.object_write_trace_id, each.new) for each in again.results) == [("t0", False), ("t1", True)]
    assert first.results[0].id in [each.id for each in again.results]
    bad = put(id="k-3", id_property="judge_key", properties={"nonsense": "1"}, object_write_trace_id="t3")
    partly = api.upsert(batch(inputs=[both[0], bad]))
    assert (len(partly.results), partly.errors[0].context["objectWriteTraceId"]) == (1, ["t3"])
    wrong = batch(inputs=[put(id="x", id_property="firstname", properties={})])
    refused(lambda: api.upsert(wrong), 400, "non-unique")
    tied = {"id": "k-4", "idProperty": "judge_key", "properties": {}, "associations": []}
    refused(lambda: api.upsert({"inputs": [tied]}), 400, "associations")


@judge("merges two contacts into a third id that both old ones lead to; forgets a person for good")
def merging(desk: Desk) -> None:
    api = desk.hs.crm.contacts.basic_api
    keep, lose = desk.contact(email="keep@buyer.example", firstname="Keep"), desk.contact(email="lose@buyer.example")
    merged = api.merge(contacts.PublicMergeInput(primary_object_id=keep, object_id_to_merge=lose))
    assert merged.id not in (keep, lose)
    assert {api.get_by_id(each).id for each in (keep, lose)} == {merged.id}
    assert api.get_by_id(merged.id, properties=["hs_merged_object_ids", "firstname"]).properties["firstname"] == "Keep"
    assert api.purge(contacts.PublicGdprDeleteInput(object_id=merged.id)) is None
    refused(lambda: api.get_by_id(merged.id, archived=True), 404)


@judge("logs a mail, a task and a note with their associations, and reads them back")
def activities(desk: Desk) -> None:
    person = desk.contact(email="mails@buyer.example")
    deal = desk.hs.crm.deals.basic_api.get_page(limit=1).results[0].id
    headers = '{"from": {"email": "mails@buyer.example"}, "to": [{"email": "anna@ours.example"}]}'
    values = {
        "hs_timestamp": AT,
        "hs_email_direction": "INCOMING_EMAIL",
        "hs_email_subject": "报价 Offer",
        "hs_email_headers": headers,
    }
    make = contacts.SimplePublicObjectInputForCreate
    mails = desk.hs.crm.objects.emails.basic_api
    mail = mails.create(make(properties=values, associations=[link_to(person, 198), link_to(deal, 210)]))
    found = mails.get_by_id(
        mail.id, properties=["hs_email_subject", "hs_email_from_email"], associations=["contact", "deal"]
    )
    assert (found.properties["hs_email_subject"], found.properties["hs_email_from_email"]) == (
        "报价 Offer",
        "mails@buyer.example",
    )
    assert [each.id for each in found.associations["contacts"].results] == [person]
    task = {"hs_timestamp": AT, "hs_task_subject": "Answer 李娜", "hs_task_status": "NOT_STARTED"}
    tasks = desk.hs.crm.objects.tasks.basic_api
    made = tasks.create(make(properties=task, associations=[link_to(person, 204)]))
    assert (
        tasks.update(made.id, contacts.SimplePublicObjectInput(properties={"hs_task_status": "COMPLETED"})).id
        == made.id
    )
    note = desk.hs.crm.objects.notes.basic_api.create(make(properties={"hs_timestamp": AT, "hs_note_body": "x"}))
    refused(
        lambda: desk.hs.crm.objects.notes.basic_api.create(make(properties={"hs_note_body": "x"})), 400, "hs_timestamp"
    )
    desk.act(desk.portal.set_lag, 0)
    assert desk.search("tasks", filter_groups=where("associations.contact", "EQ", person)).results[0].id == made.id
    desk.act(desk.portal.set_lag, 10)
    late = {"hs_timestamp": "yesterday", "hs_task_subject": "x"}
    refused(lambda: tasks.create(make(properties=late)), 400, "INVALID_DATE")
    desk.act(desk.portal.revoke, "sales-email-read")
    hidden = mails.get_by_id(mail.id, properties=["hs_email_headers", "hs_email_subject"]).properties
    assert (hidden["hs_email_headers"], hidden["hs_email_subject"]) == (None, "报价 Offer")
    desk.act(desk.portal.grant, "sales-email-read")
    for api, record in ((mails, mail), (tasks, made), (desk.hs.crm.objects.notes.basic_api, note)):
        api.archive(record.id)


# ---------------------------------------------------------------------------------------------------------- associations


@judge("links and unlinks records by v4: default, labelled, listed to the end, one by one")
def links(desk: Desk) -> None:
    api, person = desk.hs.crm.associations.v4.basic_api, desk.contact(email="links@buyer.example")
    deal = desk.hs.crm.deals.basic_api.get_page(limit=1).results[0].id
    plain = api.create_default("contacts", person, "deals", deal)
    assert sorted(each.association_spec.association_type_id for each in plain.results) == [3, 4]
    spec = v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=4)
    made = api.create("contacts", person, "deals", deal, [spec])
    assert (str(made.from_object_id), str(made.to_object_id), made.from_object_type_id) == (person, deal, "0-1")
    (row,) = api.get_page("contacts", person, "deals").results
    assert str(row.to_object_id) == deal
    assert [(each.category, each.type_id) for each in row.association_types] == [("HUBSPOT_DEFINED", 4)]
    first = api.get_page("deals", deal, "contacts", limit=1)
    assert len(first.results) == 1
    rest = api.get_page("deals", deal, "contacts", limit=1, after=first.paging.next.after)
    assert first.results[0].to_object_id != rest.results[0].to_object_id
    assert api.archive("contacts", person, "deals", deal) is None
    assert api.get_page("contacts", person, "deals").results == []
    for wrong in (99_999, 198):
        spec.association_type_id = wrong
        refused(lambda: api.create("contacts", person, "deals", deal, [spec]), 400)
    refused(lambda: api.get_page("contacts", "1", "deals"), 404)


@judge("links in batches by v4 and reads them; ids without links are told beside")
def link_batches(desk: Desk) -> None:
    api, person = desk.hs.crm.associations.v4.batch_api, desk.contact(email="linked@buyer.example")
    deals = [row.id for row in desk.hs.crm.deals.basic_api.get_page().results]
    oid, spec = v4.PublicObjectId, v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=4)
    post = [
        v4.PublicAssociationMultiPost(_from=oid(id=person), to=oid(id=each), types=[spec]) for each in [*deals, "1"]
    ]
    partly = api.create("contacts", "deals", v4.BatchInputPublicAssociationMultiPost(inputs=post))
    assert len(partly.results) == len(deals)
    assert partly.errors[0].sub_category == "crm.associations.INVALID_OBJECT_IDS"
    done = api.create("contacts", "deals", v4.BatchInputPublicAssociationMultiPost(inputs=post[:1]))
    assert [str(each.to_object_id) for each in done.results] == deals[:1]
    lone = desk.contact(email="lone@buyer.example")
    ask = v4.PublicFetchAssociationsBatchRequest
    read = partial(v4.BatchInputPublicFetchAssociationsBatchRequest)
    found = api.get_page("contacts", "deals", read(inputs=[ask(id=person), ask(id=lone)]))
    assert [sorted(str(end.to_object_id) for end in row.to) for row in found.results] == [sorted(deals)]
    assert found.errors[0].context["fromObjectId"] == [lone]
    both = v4.BatchInputPublicDefaultAssociationMultiPost(
        inputs=[v4.PublicDefaultAssociationMultiPost(_from=oid(id=lone), to=oid(id=deals[0]))]
    )
    assert len(api.create_default("contacts", "deals", both).results) == 2
    gone = v4.PublicAssociationMultiArchive(_from=oid(id=person), to=[oid(id=each) for each in deals])
    assert api.archive("contacts", "deals", v4.BatchInputPublicAssociationMultiArchive(inputs=[gone])) is None
    assert api.archive_labels("contacts", "deals", v4.BatchInputPublicAssociationMultiPost(inputs=[post[0]])) is None
    still = api.get_page("contacts", "deals", read(inputs=[ask(id=lone)]))
    assert [str(end.to_object_id) for end in still.results[0].to] == deals[:1]


@judge("links by v3, whose types have names; reads the names and makes labels of its own")
def links_v3(desk: Desk) -> None:
    person, api = desk.contact(email="v3@buyer.example"), desk.hs.crm.associations.batch_api
    firm = desk.hs.crm.companies.basic_api.get_page().results[0].id
    oid = associations.PublicObjectId
    row = associations.PublicAssociation(_from=oid(id=person), to=oid(id=firm), type="contact_to_company")
    made = api.create("contacts", "companies", associations.BatchInputPublicAssociation(inputs=[row]))
    assert (made.results[0]._from.id, made.results[0].to.id) == (person, firm)
    found = api.read("contacts", "companies", associations.BatchInputPublicObjectId(inputs=[oid(id=person)]))
    assert {end.id for end in found.results[0].to} == {firm}
    assert api.archive("contacts", "companies", associations.BatchInputPublicAssociation(inputs=[row])) is None
    types = desk.hs.crm.associations.schema.types_api.get_all("contacts", "companies").results
    assert {(each.id, each.name) for each in types} >= {
        ("1", "contact_to_company"),
        ("279", "contact_to_company_unlabeled"),
    }
    labels = desk.hs.crm.associations.v4.schema.definitions_api
    new = labels.create("contacts", "deals", {"label": "Referee", "name": "referee"}).results[0]
    assert (new.category, new.label) == ("USER_DEFINED", "Referee")
    assert new.type_id in [each.type_id for each in labels.get_all("contacts", "deals").results]
    assert labels.update("contacts", "deals", {"associationTypeId": new.type_id, "label": "Witness"}) is None
    assert "Witness" in [each.label for each in labels.get_all("contacts", "deals").results]
    assert labels.remove("contacts", "deals", new.type_id) is None
    assert desk.hs.crm.associations.v4.schema.definition_configurations_api.get_all().results == []


# ---------------------------------------------------------------------------------------------------------------- set-up


@judge("reads, makes, changes and archives properties and groups; doubles are refused")
def fields(desk: Desk) -> None:
    api = desk.hs.crm.properties.core_api
    email = api.get_by_name("contacts", "email")
    assert (email.type, email.field_type, email.hubspot_defined) == ("string", "text", True)
    assert email.modification_metadata.read_only_value is False
    assert {"email", "judge_key", "lastmodifieddate"} <= {each.name for each in api.get_all("contact").results}
    group = desk.hs.crm.properties.groups_api
    assert group.create("contacts", properties.PropertyGroupCreate(name="judges", label="Judges")).name == "judges"
    assert group.update("contacts", "judges", properties.PropertyGroupUpdate(label="Judging")).label == "Judging"
    assert group.get_by_name("contacts", "judges").label == "Judging"
    assert "judges" in [each.name for each in group.get_all("contacts").results]
    new = properties.PropertyCreate(
        name="grade",
        label="Grade",
        type="enumeration",
        field_type="select",
        group_name="judges",
        options=[{"label": "一级", "value": "a", "displayOrder": 0, "hidden": False}],
    )
    assert api.create("contacts", new).options[0].label == "一级"
    refused(lambda: api.create("contacts", new), 409, "PROPERTY_WITH_NAME_EXISTS")
    assert api.update("contacts", "grade", properties.PropertyUpdate(label="Mark")).label == "Mark"
    refused(lambda: api.get_by_name("contacts", "nonsense"), 404)
    batch = desk.hs.crm.properties.batch_api
    names = [properties.PropertyName(name=each) for each in ("grade", "email", "nonsense")]
    ask = partial(properties.BatchReadInputPropertyName, archived=False)
    assert len(batch.read("contacts", ask(inputs=names[:2])).results) == 2
    assert batch.read("contacts", ask(inputs=names)).num_errors == 1
    two = properties.PropertyCreate(
        name="grade2", label="Grade 2", type="string", field_type="text", group_name="judges"
    )
    assert batch.create("contacts", properties.BatchInputPropertyCreate(inputs=[two])).results[0].name == "grade2"
    assert (
        batch.archive("contacts", properties.BatchInputPropertyName(inputs=[properties.PropertyName(name="grade2")]))
        is None
    )
    assert api.archive("contacts", "grade") is None
    assert group.archive("contacts", "judges") is None


@judge("reads pipelines and stages, makes and removes its own; moves a deal by the stage's id, never by its label")
def stages(desk: Desk) -> None:
    api, steps = desk.hs.crm.pipelines.pipelines_api, desk.hs.crm.pipelines.pipeline_stages_api
    (first,) = [each for each in api.get_all("deals").results if each.id == "default"]
    won = [
        each.id
        for each in first.stages
        if each.metadata["isClosed"] == "true" and each.metadata["probability"] == "1.0"
    ]
    assert won == ["closedwon"]
    assert api.get_by_id("deals", "default").label == first.label
    assert [each.id for each in steps.get_all("deals", "default").results] == [each.id for each in first.stages]
    made = api.create(
        "deals",
        pipelines.PipelineInput(
            label="Judged",
            display_order=1,
            stages=[pipelines.PipelineStageInput(label="Seen", display_order=0, metadata={"probability": "0.2"})],
        ),
    )
    step = steps.create(
        "deals", made.id, pipelines.PipelineStageInput(label="Done", display_order=1, metadata={"probability": "1.0"})
    )
    assert steps.get_by_id("deals", made.id, step.id).label == "Done"
    assert (
        steps.update("deals", made.id, step.id, pipelines.PipelineStagePatchInput(label="Over", metadata={})).label
        == "Over"
    )
    assert steps.archive("deals", made.id, step.id) is None
    assert api.update("deals", made.id, pipelines.PipelinePatchInput(label="Judged twice")).label == "Judged twice"
    assert api.archive("deals", made.id) is None
    refused(lambda: api.get_by_id("deals", made.id), 404)
    deals = desk.hs.crm.deals.basic_api
    deal = deals.get_page(limit=1).results[0].id
    deals.update(deal, contacts.SimplePublicObjectInput(properties={"dealstage": won[0]}))
    assert deals.get_by_id(deal, properties=["hs_is_closed_won"]).properties["hs_is_closed_won"] == "true"
    label = contacts.SimplePublicObjectInput(properties={"dealstage": "Closed Won"})
    refused(lambda: deals.update(deal, label), 400, "INVALID_OPTION")


@judge("makes a kind of object of its own, uses it by every name, and removes it")
def own_kind(desk: Desk) -> None:
    api = desk.hs.crm.schemas.core_api
    egg = schemas.ObjectSchemaEgg(
        name="shipment", labels={"singular": "Shipment", "plural": "Shipments"}, required_properties=["code"], primary_display_property="code",
        properties=[{"name": "code", "label": "Code", "type": "string", "fieldType": "text", "hasUniqueValue": True}], associated_objects=["CONTACT"],
    )  # fmt: skip
    made = api.create(egg)
    portal = desk.portal.state.settings.portal_id
    assert made.fully_qualified_name == f"p{portal}_shipment"
    assert made.object_type_id.startswith("2-")
    assert [each.name for each in api.get_all().results] == ["shipment"]
    assert api.get_by_id("shipment").primary_display_property == "code"
    assert api.update(made.object_type_id, schemas.ObjectTypeDefinitionPatch(description="Goods")).name == "shipment"
    rows = desk.hs.crm.objects
    new = rows.basic_api.create(
        made.object_type_id, contacts.SimplePublicObjectInputForCreate(properties={"code": "S-1"})
    )
    assert rows.basic_api.get_by_id(made.fully_qualified_name, "S-1", id_property="code").id == new.id
    assert [row.id for row in rows.get_all("p_shipment")] == [new.id]
    refused(lambda: api.archive(made.object_type_id), 400)
    rows.basic_api.archive(made.object_type_id, new.id)
    assert api.archive(made.object_type_id) is None
    assert api.get_all().results == []


@judge("uploads a file, finds it again, signs for it and deletes it; asks for opt-outs")
def uploads(desk: Desk) -> None:
    path = Path(desk.place.folder) / "offer.pdf"
    path.write_bytes(b"%PDF-1.7 offer")
    api = desk.hs.files.files_api
    options = '{"access": "PRIVATE", "duplicateValidationStrategy": "RETURN_EXISTING", "duplicateValidationScope": "EXACT_FOLDER"}'
    send = partial(api.upload, file=str(path), folder_path="/tradepost", file_name="offer.pdf", options=options)
    made = send()
    assert (made.size, made.access, made.extension, made.name) == (14, "PRIVATE", "pdf", "offer")
    assert send().id == made.id
    assert api.get_by_id(made.id).path == "/tradepost/offer.pdf"
    assert api.do_search(name="offer").results[0].id == made.id
    assert api.get_signed_url(made.id).size == 14
    assert api.archive(made.id) is None
    refused(lambda: api.get_by_id(made.id), 404)
    desk.act(desk.portal.opt_out, "buyer3@hanseatic.example")
    status = desk.hs.communication_preferences.status_api.get_email_status
    assert [each.status for each in status("buyer3@hanseatic.example").subscription_statuses] == ["NOT_SUBSCRIBED"]
    assert [each.status for each in status("buyer4@hanseatic.example").subscription_statuses] == ["SUBSCRIBED"]
