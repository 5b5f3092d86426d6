"""Permissions, custom fields, descriptions.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_fieldpermissions.htm
https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm
"""

import pytest

KEY = {
    "type": "Text",
    "label": "Tradepost Key",
    "length": 64,
    "externalId": True,
    "unique": True,
    "caseSensitive": True,
}


async def _field(site, sobject, name="New_Key__c"):
    answer = (await site.call("GET", f"sobjects/{sobject}/describe")).json()
    return next((f for f in answer["fields"] if f["name"] == name), None)


def test_a_new_field_is_invisible_until_a_permission_set_grants_it(on_site):
    async def scenario(site):
        made = await site.call(
            "POST", "tooling/sobjects/CustomField", {"FullName": "Contact.New_Key__c", "Metadata": KEY}
        )
        assert (made.status_code, made.json()["success"]) == (201, True)
        assert await _field(site, "Contact") is None
        assert (await site.refusal("POST", "sobjects/Contact", {"LastName": "x", "New_Key__c": "k"}))[
            1
        ] == "INVALID_FIELD"
        assert (await site.query("SELECT New_Key__c FROM Contact"))[0]["errorCode"] == "INVALID_FIELD"
        assert (await site.refusal("PATCH", "sobjects/Contact/New_Key__c/k", {"LastName": "x"}))[1] == "NOT_FOUND"
        held = await site.create("PermissionSet", Name="Tradepost", Label="Tradepost")
        grant = {"ParentId": held, "SobjectType": "Contact", "Field": "Contact.New_Key__c", "PermissionsRead": True}
        granted = await site.create("FieldPermissions", **grant, PermissionsEdit=False)
        assert await _field(site, "Contact") is None, "nobody has the permission set yet"
        await site.create("PermissionSetAssignment", PermissionSetId=held, AssigneeId=site.user)
        seen = await _field(site, "Contact")
        assert (seen["createable"], seen["updateable"]) == (False, False)
        refused = await site.refusal("POST", "sobjects/Contact", {"LastName": "x", "New_Key__c": "k"})
        assert refused[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        await site.call("PATCH", f"sobjects/FieldPermissions/{granted}", {"PermissionsEdit": True})
        seen = await _field(site, "Contact")
        facts = (
            "externalId",
            "unique",
            "caseSensitive",
            "idLookup",
            "createable",
            "updateable",
            "custom",
            "length",
            "type",
        )
        assert [seen[name] for name in facts] == [True, True, True, True, True, True, True, 64, "string"]
        assert (await site.call("PATCH", "sobjects/Contact/New_Key__c/k", {"LastName": "x"})).status_code == 201

    on_site(scenario, keys=False)


def test_an_activity_field_serves_tasks_and_events_under_one_grant(on_site):
    async def scenario(site):
        await site.call("POST", "tooling/sobjects/CustomField", {"FullName": "Activity.New_Key__c", "Metadata": KEY})
        held = await site.create("PermissionSet", Name="T", Label="T")
        await site.create("PermissionSetAssignment", PermissionSetId=held, AssigneeId=site.user)
        grant = {"SobjectType": "Event", "Field": "Event.New_Key__c", "PermissionsRead": True, "PermissionsEdit": True}
        await site.create("FieldPermissions", ParentId=held, **grant)
        assert (await _field(site, "Task"))["unique"] is True
        assert (await _field(site, "Event"))["unique"] is True
        only_task = {"FullName": "Task.Other__c", "Metadata": KEY}
        assert (await site.refusal("POST", "tooling/sobjects/CustomField", only_task))[0] == 400

    on_site(scenario, keys=False)


def test_creating_a_field_is_refused_where_it_must_be(on_site):
    async def scenario(site):
        async def refused(full_name, **metadata):
            body = {"FullName": full_name, "Metadata": {**KEY, **metadata}}
            return (await site.refusal("POST", "tooling/sobjects/CustomField", body))[1]

        body = {"FullName": "Contact.New_Key__c", "Metadata": KEY}
        assert (await site.call("POST", "tooling/sobjects/CustomField", body)).status_code == 201
        assert await refused("Contact.New_Key__c") == "DUPLICATE_DEVELOPER_NAME"
        assert await refused("Contact.New_Key") == "INVALID_FULL_NAME"
        assert await refused("Contact.Long__c", length=256) == "FIELD_INTEGRITY_EXCEPTION"
        assert await refused("Contact.Typed__c", type="Nonsense") == "REQUIRED_FIELD_MISSING"
        assert await refused("Nope.New_Key__c") == "INVALID_TYPE"
        site.org.settings.email_message_custom_fields_allowed = False
        assert await refused("EmailMessage.New_Key__c") == "FIELD_INTEGRITY_EXCEPTION"
        for n in range(24):
            site.org.add_custom_field("Contact", f"K{n}__c", externalId=True)
        assert await refused("Contact.One_Too_Many__c") == "FIELD_INTEGRITY_EXCEPTION"
        assert (await site.refusal("POST", "tooling/sobjects/CustomObject", {"FullName": "X__c"}))[0] == 405
        site.org.revoke(site.user, "CustomizeApplication")
        assert await refused("Lead.New_Key__c") == "INSUFFICIENT_ACCESS"

    on_site(scenario, keys=False)


def test_custom_fields_can_be_looked_up_through_the_tooling_api(on_site):
    async def scenario(site):
        await site.call("POST", "tooling/sobjects/CustomField", {"FullName": "Contact.New_Key__c", "Metadata": KEY})
        soql = "SELECT DeveloperName, TableEnumOrId FROM CustomField WHERE DeveloperName = 'New_Key'"
        assert await site.rows(soql, "tooling/query") == [{"DeveloperName": "New_Key", "TableEnumOrId": "Contact"}]
        assert (await site.query(soql))[0]["errorCode"] == "INVALID_TYPE"

    on_site(scenario, keys=False)


def test_permission_records_follow_their_rules(on_site):
    async def scenario(site):
        held = await site.create("PermissionSet", Name="T", Label="T")
        assert (await site.refusal("POST", "sobjects/PermissionSet", {"Name": "T", "Label": "T"}))[
            1
        ] == "DUPLICATE_DEVELOPER_NAME"
        grant = {"ParentId": held, "SobjectType": "Contact", "PermissionsRead": True, "PermissionsEdit": True}

        async def refused(**fields):
            return (await site.refusal("POST", "sobjects/FieldPermissions", {**grant, **fields}))[1]

        assert await refused(Field="Contact.Nope__c") == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert await refused(Field="Contact.OwnerId") == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert await refused(Field="Contact.Title", PermissionsRead=False) == "FIELD_INTEGRITY_EXCEPTION"
        await site.create("FieldPermissions", **grant, Field="Contact.Title")
        assert await refused(Field="Contact.Title") == "DUPLICATE_VALUE"
        assign = {"PermissionSetId": held, "AssigneeId": site.user}
        made = await site.create("PermissionSetAssignment", **assign)
        assert (await site.refusal("POST", "sobjects/PermissionSetAssignment", assign))[1] == "DUPLICATE_VALUE"
        assert (await site.call("DELETE", f"sobjects/PermissionSetAssignment/{made}")).status_code == 204
        site.org.revoke(site.user, "AssignPermissionSets")
        assert (await site.refusal("POST", "sobjects/PermissionSetAssignment", assign))[0] == 400
        site.org.revoke(site.user, "ViewSetup")
        assert (await site.refusal("GET", "sobjects/PermissionSet/describe"))[0] == 404

    on_site(scenario)


def test_a_permission_set_can_carry_user_permissions(on_site):
    async def scenario(site):
        site.org.revoke(site.user, "CustomizeApplication")
        held = await site.create("PermissionSet", Name="T", Label="T", PermissionsCustomizeApplication=True)
        body = {"FullName": "Contact.New_Key__c", "Metadata": KEY}
        assert (await site.call("POST", "tooling/sobjects/CustomField", body)).status_code == 403
        await site.create("PermissionSetAssignment", PermissionSetId=held, AssigneeId=site.user)
        assert (await site.call("POST", "tooling/sobjects/CustomField", body)).status_code == 201

    on_site(scenario)


def test_a_package_brings_objects_fields_and_the_permission_set_that_opens_them(on_site):
    async def scenario(site):
        required = {**KEY, "required": True}
        fields = [("Tradepost_Ledger__c", "Key__c", required), ("Activity", "New_Key__c", KEY)]
        held = site.org.install_package(fields, ["Tradepost_Ledger__c"], permission_set="Tradepost")
        assert (await site.refusal("GET", "sobjects/Tradepost_Ledger__c/describe"))[0] == 404
        assert await _field(site, "Task") is None
        await site.create("PermissionSetAssignment", PermissionSetId=held, AssigneeId=site.user)
        assert (await _field(site, "Task"))["externalId"] is True
        key = await _field(site, "Tradepost_Ledger__c", "Key__c")
        assert (key["nillable"], key["permissionable"], key["unique"]) == (False, False, True)
        assert (await site.create("Tradepost_Ledger__c", Key__c="k")).startswith("a00")
        refused = await site.refusal("POST", "sobjects/Tradepost_Ledger__c", {})
        assert refused[2] == "Required fields are missing: [Key__c]"

    on_site(scenario, keys=False)


@pytest.mark.parametrize("calls", ["c", "u", "d", "crud"])
def test_a_closed_object_refuses_what_was_taken_away(on_site, calls):
    async def scenario(site):
        made = site.org.add_contact("X")
        site.org.close_object(site.user, "Contact", calls)
        path = f"sobjects/Contact/{made}"
        statuses = {
            "c": (await site.call("POST", "sobjects/Contact", {"LastName": "x"})).status_code,
            "r": (await site.call("GET", path)).status_code,
            "u": (await site.call("PATCH", path, {"Title": "x"})).status_code,
            "d": (await site.call("DELETE", path)).status_code,
        }
        assert "".join(call for call, status in statuses.items() if status >= 400) == "".join(
            c for c in "crud" if c in calls
        )
        if "r" in calls:
            assert (await site.query("SELECT Id FROM Contact"))[0]["errorCode"] == "INVALID_TYPE"
        else:
            found = (await site.call("GET", "sobjects/Contact/describe")).json()
            assert (found["createable"], found["updateable"], found["deletable"]) == tuple(
                c not in calls for c in "cud"
            )

    on_site(scenario)


def test_descriptions_state_types_flags_and_values(on_site):
    async def scenario(site):
        everything = (await site.call("GET", "sobjects")).json()
        names = {o["name"]: o for o in everything["sobjects"]}
        assert {"Contact", "Lead", "Task", "EmailMessage", "Organization"} <= set(names)
        assert "CustomField" not in names
        assert (names["Contact"]["queryable"], names["Contact"]["keyPrefix"]) == (True, "003")
        assert names["OpportunityStage"]["createable"] is False
        basic = (await site.call("GET", "sobjects/Contact")).json()
        assert basic["objectDescribe"]["name"] == "Contact"
        last_name = await _field(site, "Contact", "LastName")
        assert (last_name["nillable"], last_name["length"], last_name["type"]) == (False, 80, "string")
        account = await _field(site, "Contact", "AccountId")
        assert (account["type"], account["referenceTo"], account["relationshipName"]) == (
            "reference",
            ["Account"],
            "Account",
        )
        status = await _field(site, "Task", "Status")
        assert [v["value"] for v in status["picklistValues"] if v["defaultValue"]] == ["Not Started"]
        subject = await _field(site, "EmailMessage", "Subject")
        assert subject["length"] == 3000
        children = (await site.call("GET", "sobjects/Account/describe")).json()["childRelationships"]
        assert {"childSObject": "Contact", "field": "AccountId", "relationshipName": "Contacts"}.items() <= next(
            c for c in children if c["relationshipName"] == "Contacts"
        ).items()

    on_site(scenario)


def test_the_organization_and_users_can_be_asked(on_site):
    async def scenario(site):
        (found,) = await site.rows("SELECT Id, InstanceName, IsSandbox, OrganizationType FROM Organization")
        assert (found["Id"], found["IsSandbox"]) == (site.org.org_id, False)
        left = site.org.add_user("mei@harbour.example", email="mei@harbour.example", first_name="Mei", last_name="Lin")
        site.org.deactivate_user(left)
        users = await site.rows("SELECT Id, Name, Email, IsActive, UserType FROM User WHERE IsActive = false")
        assert users == [
            {"Id": left, "Name": "Mei Lin", "Email": "mei@harbour.example", "IsActive": False, "UserType": "Standard"}
        ]

    on_site(scenario)
