"""What an organisation tells of itself: org, modules, fields, layouts, pipelines, related lists, views.

https://www.zoho.com/crm/developer/docs/api/v8/modules-api.html
https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import param_missing, wrong_module, wrong_param
from tradepost.sandbox.zoho.related import lists_of
from tradepost.sandbox.zoho.schema import JSON_NAMES, Choice, Field, Module
from tradepost.sandbox.zoho.state import State, minified

EDITIONS = {
    "free": "free",
    "standard": "standard",
    "professional": "professional",
    "enterprise": "enterprise",
    "ultimate": "ultimate",
}
FORECASTS = {"Open": "Pipeline", "Closed Won": "Closed", "Closed Lost": "Omitted"}


def asked_module(state: State, call: Call) -> Module:
    """The module in the query. Raises REQUIRED_PARAM_MISSING and INVALID_MODULE."""
    name = call.query.get("module", "")
    if not name:
        raise param_missing("module")
    found = state.schema.get("users" if name.lower() == "users" else name)
    if found is None:
        raise wrong_module(param_name="module", param="module")
    return found


def items(state: State, name: str, items: list[Any]) -> Answer:
    if not items and state.rules.empty_is_204:
        return Answer(status=204)
    return Answer(body={name: items})


# ------------------------------------------------------------------------------------------------------------------ org


def get_currencies(state: State, _: Call) -> Answer:
    """This organisation has its own currency only.

    https://www.zoho.com/crm/developer/docs/api/v8/get-currencies.html
    """
    return items(state, "currencies", [])


def get_org(state: State, _: Call) -> Answer:
    settings = state.settings
    admin = next((user for user in state.store.rows("users")), None)
    return Answer(
        body={
            "org": [
                {
                    "id": state.ids.known(77),
                    "company_name": settings.company,
                    "country": "China",
                    "country_code": "CN",
                    "city": "Shenzhen",
                    "state": "Guangdong",
                    "street": None,
                    "zip": None,
                    "phone": "",
                    "mobile": "",
                    "fax": None,
                    "website": "",
                    "description": None,
                    "employee_count": "40",
                    "alias": None,
                    "photo_id": None,
                    "domain_name": f"org{state.ids.known(0)[:7]}",
                    "zgid": state.ids.known(0)[:7],
                    "ezgid": state.ids.known(3),
                    "zia_zgid": int(state.ids.known(0)[:7]),
                    "zia_portal_id": None,
                    "primary_zuid": state.ids.known(7),
                    "primary_email": admin["email"] if admin else "",
                    "currency": "US Dollar",
                    "currency_symbol": "$",
                    "currency_locale": "en_US",
                    "iso_code": settings.currency,
                    "time_zone": settings.time_zone,
                    "mc_status": False,
                    "gapps_enabled": False,
                    "translation_enabled": True,
                    "privacy_settings": False,
                    "hipaa_compliance_enabled": False,
                    "lite_users_enabled": False,
                    "max_per_page": 200,
                    "oauth_presence": True,
                    "deletable_org_account": False,
                    "call_icon": "default",
                    "type": "Production",
                    "created_time": state.stamp(),
                    "checkin_preferences": {"restricted_event_types": None},
                    "hierarchy_preferences": {"type": "Role_Hierarchy", "strictly_reporting": False},
                    "license_details": {
                        "paid_expiry": None,
                        "users_license_purchased": settings.users_bought,
                        "trial_type": None,
                        "trial_expiry": None,
                        "paid": settings.edition != "free",
                        "paid_type": EDITIONS[settings.edition],
                        "trial_action": None,
                    },
                }
            ]
        }
    )


# -------------------------------------------------------------------------------------------------------------- modules


def get_modules(state: State, _: Call) -> Answer:
    return Answer(body={"modules": [module_meta(m) for m in state.schema if m.name != "users"]})


def get_module(state: State, call: Call) -> Answer:
    name = call.found["name"]
    found = state.schema.get(name) or next((m for m in state.schema if m.id == name), None)
    if found is None or found.name == "users":
        raise wrong_module(resource_path_index=2)
    fields = [field_meta(state, found, each) for each in found.fields.values()]
    lists = [related_meta(state, found, n) for n in range(len(lists_of(found)))]
    layouts = [{"id": found.layout, "name": "Standard", "api_name": "Standard", "display_label": "Standard"}]
    more = {"fields": fields, "related_lists": lists, "layouts": layouts, "custom_view": None}
    return Answer(body={"modules": [{**module_meta(found), **more}]})


def module_meta(module: Module) -> dict[str, Any]:
    yes = dict.fromkeys(
        (
            "api_supported",
            "creatable",
            "deletable",
            "editable",
            "viewable",
            "visible",
            "show_as_tab",
            "quick_create",
            "filter_supported",
            "triggers_supported",
            "recycle_bin_on_delete",
            "webform_supported",
            "emailTemplate_support",
            "email_parser_supported",
            "common.search_supported",
            "isBlueprintSupported",
            "feeds_required",
            "filter_status",
            "kanban_view_supported",
            "presence_sub_menu",
            "sub_menu_available",
            "chart_view_supported",
            "scoring_supported",
        ),
        module.editable or module.name == "Attachments",
    )
    return {
        **yes,
        "global_search_supported": True,
        "inventory_template_supported": False,
        "convertable": module.name == "Leads",
        "has_more_profiles": False,
        "chart_view": False,
        "kanban_view": False,
        "track_current_data": False,
        "access_type": "org_based",
        "id": module.id,
        "api_name": module.name,
        "module_name": module.plural,
        "singular_label": module.singular,
        "plural_label": module.plural,
        "generated_type": "custom" if module.custom else "default",
        "visibility": 1,
        "sequence_number": module.sequence,
        "business_card_field_limit": 5,
        "business_card_fields": [],
        "profile_count": 2,
        "per_page": 10,
        "description": None,
        "modified_time": None,
        "modified_by": None,
        "web_link": None,
        "parent_module": {},
        "arguments": [],
        "profiles": [],
        "activity_badge": None,
        "$field_states": [],
        "$properties": [],
        "$on_demand_properties": [],
        "search_layout_fields": [module.display],
        "display_field": {"api_name": module.display, "id": module.fields[module.display].id},
        "lookup_field_properties": None,
        "related_list_properties": None,
        "private_profile": None,
        "static_subform_properties": None,
        "zia_view": False,
        "default_mapping_fields": [],
        "layout_associations": [],
        "status": "visible",
    }


# --------------------------------------------------------------------------------------------------------------- fields


def get_fields(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    kind = call.query.get("type", "all")
    if kind not in {"all", "unused", "used"}:
        raise wrong_param("type", supported_values=["all", "unused", "used"])
    shown = [] if kind == "unused" else [field_meta(state, module, each) for each in module.fields.values()]
    return items(state, "fields", shown)


def get_field(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    name = call.found["name"]
    found = next((each for each in module.fields.values() if name in {each.id, each.name}), None)
    if found is None:
        return Answer(status=204)
    return Answer(body={"fields": [field_meta(state, module, found)]})


def field_meta(state: State, module: Module, each: Field) -> dict[str, Any]:
    writable = not each.read_only
    return {
        "id": each.id,
        "api_name": each.name,
        "field_label": each.label,
        "display_label": each.label,
        "data_type": "text" if each.type == "tags" else each.type,
        "json_type": JSON_NAMES.get(each.type, each.json_type),
        "length": each.length,
        "decimal_place": 2 if each.type in {"currency", "double"} else None,
        "system_mandatory": each.mandatory,
        "read_only": each.read_only,
        "field_read_only": each.read_only,
        "custom_field": each.custom,
        "visible": True,
        "available_in_user_layout": True,
        "display_field": each.name == module.display,
        "operation_type": dict.fromkeys(("web_update", "api_create", "web_create", "api_update"), writable),
        "view_type": {"view": True, "edit": writable, "quick_create": each.mandatory, "create": writable},
        "unique": {"casesensitive": str(each.case_sensitive).lower()} if each.unique else {},
        "external": {"show": False, "type": each.external, "allow_multiple_config": False} if each.external else None,
        "lookup": _lookup_meta(state, module, each),
        "pick_list_values": [choice_meta(choice, n) for n, choice in enumerate(each.choices, 1)],
        "pick_list_values_sorted_lexically": False,
        "filterable": True,
        "sortable": each.indexed,
        "searchable": each.type != "boolean",
        "mass_update": writable,
        "webhook": True,
        "virtual_field": False,
        "separator": each.type in {"currency", "integer", "double"},
        "blueprint_supported": writable,
        "businesscard_supported": True,
        "enable_colour_code": False,
        "colour_code_enabled_by_system": False,
        "customizable_properties": ["pick_list_values"] if each.choices else [],
        "created_source": "custom" if each.custom else "default",
        "type": "used",
        "column_name": each.name.upper(),
        "ui_type": 1,
        "display_type": -1,
        "show_type": 7,
        "category": 1,
        "quick_sequence_number": "1",
        "default_value": None,
        "created_time": None,
        "modified_time": None,
        "tooltip": None,
        "crypt": None,
        "profiles": [],
        "layout_associations": [{"api_name": "Standard", "name": "Standard", "id": module.layout}],
        "associated_module": None,
        "association_details": None,
        "refer_from_field": None,
        "sub_module": None,
        "subform": None,
        "formula": {},
        "currency": {"rounding_option": "normal", "precision": 2} if each.type == "currency" else {},
        "auto_number": {},
        "autonumber": {},
        "rollup_summary": {},
        "multi_module_lookup": _multi_lookup(state, each),
        "multiselectlookup": {},
        "multiuserlookup": {},
        "convert_mapping": None,
        "history_tracking": None,
        "history_tracking_enabled": False,
        "hipaa_compliance": None,
        "hipaa_compliance_enabled": False,
        "email_parser": {"fields_update_supported": True, "record_operations_supported": True},
        "sharing_properties": None,
        "allowed_modules": [],
        "textarea": {"type": "large"} if each.type == "textarea" else None,
        "private": None,
        "static_field": False,
        "number_separator": each.type in {"currency", "integer", "double"},
        "additional_column": None,
        "file_upolad_optionlist": [],
        "_update_existing_records": False,
    }


def _lookup_meta(state: State, module: Module, each: Field) -> dict[str, Any]:
    target = state.schema.get(each.lookup)
    if each.type not in {"lookup", "ownerlookup"} or target is None or target.name == "users":
        return {}
    return {
        "display_label": target.plural,
        "api_name": f"{module.name}_{each.name}"[:50],
        "id": each.id,
        "module": {"api_name": target.name, "id": target.id, "module_name": target.plural},
        "query_details": {},
        "revalidate_filter_during_edit": False,
    }


def _multi_lookup(state: State, each: Field) -> dict[str, Any]:
    if each.lookup != "*":
        return {}
    modules = [
        minified(m) | {"module_name": m.plural} for m in state.schema if m.name in {"Leads", "Accounts", "Deals"}
    ]
    return {"display_label": each.label, "api_name": each.name, "modules": modules}


def choice_meta(choice: Choice, sequence: int) -> dict[str, Any]:
    """A picklist's value; a stage has more."""
    meta: dict[str, Any] = {
        "id": choice.id,
        "actual_value": choice.actual,
        "display_value": choice.shown,
        "reference_value": choice.actual,
        "sequence_number": sequence,
        "colour_code": None,
        "type": "used",
    }
    if choice.probability is not None:
        meta |= {
            "probability": choice.probability,
            "forecast_type": choice.forecast,
            "forecast_category": {"name": FORECASTS[choice.forecast], "id": choice.id},
            "deal_category": choice.forecast,
        }
    return meta


def related_meta(state: State, module: Module, n: int) -> dict[str, Any]:
    each = lists_of(module)[n]
    target = minified(state.schema.modules[each.module])
    meta = special_list(module, n + 1, each.name, each.name.replace("_", " "))
    return {**meta, "module": target, "action": "create", "type": "default"}


def special_list(module: Module, sequence: int, name: str, label: str) -> dict[str, Any]:
    return {
        "id": f"{module.id[:-6]}{int(module.id[-6:]) * 50 + sequence:06d}"[-19:],
        "sequence_number": str(sequence),
        "display_label": label,
        "api_name": name,
        "name": label,
        "module": None,
        "action": None,
        "href": f"{module.name}/{{ENTITYID}}/{name}",
        "type": "default",
        "connectedmodule": None,
        "linkingmodule": None,
        "customize_sort": False,
        "customize_fields": False,
        "customize_display_label": False,
        "sort_by": None,
        "sort_order": None,
        "fields": [],
        "visible": True,
        "status": "visible",
    }
