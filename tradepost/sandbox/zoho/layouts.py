"""Layouts, pipelines, related lists and views of modules.

https://www.zoho.com/crm/developer/docs/api/v8/layouts-meta.html
https://www.zoho.com/crm/developer/docs/api/v8/get-pipelines.html
https://www.zoho.com/crm/developer/docs/api/v8/related-list-meta.html
"""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.zoho import listing
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import param_missing, wrong_param
from tradepost.sandbox.zoho.ids import is_id
from tradepost.sandbox.zoho.metadata import FORECASTS, asked_module, field_meta, items, related_meta, special_list
from tradepost.sandbox.zoho.related import lists_of
from tradepost.sandbox.zoho.schema import Module
from tradepost.sandbox.zoho.state import Pipeline, State, minified

_NO_TRANSLATION = dict.fromkeys(("public_views", "other_users_views", "shared_with_me", "created_by_me"))


def get_layouts(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    wanted = call.found.get("id")
    if wanted is not None and wanted != module.layout:
        return Answer(status=204)
    return Answer(body={"layouts": [layout_meta(state, module)]})


def layout_meta(state: State, module: Module) -> dict[str, Any]:
    fields = [
        {**field_meta(state, module, each), "required": each.mandatory, "sequence_number": n, "validation_rule": None}
        for n, each in enumerate(module.fields.values(), 1)
    ]
    section = {
        "id": module.layout[:-3] + "999",
        "name": f"{module.singular} Information",
        "api_name": f"{module.singular} Information".replace(" ", "_"),
        "display_label": f"{module.singular} Information",
        "sequence_number": 1,
        "column_count": 2,
        "isSubformSection": False,
        "tab_traversal": "leftToRight",
        "generated_type": "default",
        "type": "used",
        "properties": None,
        "_delete": {"permanent": False},
        "fields": fields,
    }
    return {
        "id": module.layout,
        "name": "Standard",
        "api_name": "Standard",
        "display_label": "Standard",
        "visible": True,
        "status": "active",
        "source": "default",
        "mode": None,
        "generated_type": "default",
        "has_more_profiles": False,
        "show_business_card": True,
        "display_type": -1,
        "subform_properties": None,
        "created_time": None,
        "modified_time": None,
        "created_by": None,
        "modified_by": None,
        "created_for": None,
        "convert_mapping": None,
        "profiles": [],
        "actions_allowed": dict.fromkeys(
            ("edit", "rename", "clone", "downgrade", "delete", "deactivate", "set_layout_permissions"), True
        ),
        "sections": [section],
    }


def get_pipelines(state: State, call: Call) -> Answer:
    """The parameter layout_id is needed. Raises REQUIRED_PARAM_MISSING and INVALID_DATA."""
    layout = call.query.get("layout_id", "")
    if not layout:
        raise param_missing("layout_id")
    if layout != state.schema.modules["Deals"].layout:
        raise wrong_param("layout_id")
    wanted = call.found.get("id")
    shown = [_pipeline_meta(state, each) for each in state.pipelines if wanted in {None, each.id}]
    return items(state, "pipeline", shown)


def _pipeline_meta(state: State, pipeline: Pipeline) -> dict[str, Any]:
    maps = []
    for sequence, name in enumerate(pipeline.stages, 1):
        choice = state.stage(name)
        if choice is None:
            continue
        category = {"name": FORECASTS[choice.forecast], "id": choice.id}
        maps.append(
            {
                "id": choice.id,
                "actual_value": choice.actual,
                "display_value": choice.shown,
                "sequence_number": sequence,
                "forecast_category": category,
                "forecast_type": choice.forecast,
                "colour_code": None,
            }
        )
    return {
        "id": pipeline.id,
        "actual_value": pipeline.name,
        "display_value": pipeline.name,
        "default": pipeline.default,
        "child_available": False,
        "parent": None,
        "maps": maps,
    }


def get_related_lists(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    shown = [related_meta(state, module, n) for n in range(len(lists_of(module)))]
    if module.name == "Deals":
        shown.append(special_list(module, 30, "Stage_History", "Stage History"))
    shown.append(special_list(module, 40, "Emails", "Emails"))
    wanted = call.found.get("id")
    return items(state, "related_lists", [each for each in shown if wanted in {None, each["id"]}])


def get_custom_views(state: State, call: Call) -> Answer:
    module = asked_module(state, call)
    view = {
        "id": f"{module.layout[:-6]}1{int(module.layout[-5:]):05d}",
        "name": f"All {module.plural}",
        "system_name": f"ALLVIEWS_{module.name.upper()}",
        "display_value": f"All {module.plural}",
        "category": "public_views",
        "default": True,
        "system_defined": True,
        "access_type": "public",
        "locked": False,
        "favorite": None,
        "offline": True,
        "criteria": None,
        "shared_to": None,
        "sort_by": None,
        "sort_order": None,
        "fields": [],
        "module": {**minified(module), "name": module.plural},
        "created_time": None,
        "modified_time": None,
        "last_accessed_time": None,
        "created_by": None,
        "modified_by": None,
    }
    if "id" in call.found:
        if not is_id(call.found["id"]):
            raise wrong_param("id")
        return items(state, "custom_views", [view] if call.found["id"] == view["id"] else [])
    found, info = listing.paged(call, [view])
    return listing.listed(state, "custom_views", found, {**info, "default": view["id"], "translation": _NO_TRANSLATION})
