"""Every call by name, what it costs, and the scopes it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tradepost.sandbox.zoho import (
    actions,
    blueprint,
    composite,
    coql,
    emails,
    files,
    joining,
    layouts,
    metadata,
    people,
    records,
    related,
    routes,
    scopes,
    search,
    setup,
    watching,
    writing,
)
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import Refused, wrong_method, wrong_url
from tradepost.sandbox.zoho.routes import Route
from tradepost.sandbox.zoho.state import State

Handler = Callable[[State, Call], Answer]

HANDLERS: dict[str, Handler] = {
    "get_org": metadata.get_org,
    "get_currencies": metadata.get_currencies,
    "get_users": people.get_users,
    "get_user": people.get_user,
    "count_users": people.count_users,
    "get_modules": metadata.get_modules,
    "get_module": metadata.get_module,
    "get_fields": metadata.get_fields,
    "get_field": metadata.get_field,
    "create_fields": setup.create_fields,
    "update_fields": setup.update_fields,
    "delete_field": setup.delete_field,
    "get_layouts": layouts.get_layouts,
    "get_pipelines": layouts.get_pipelines,
    "get_related_lists": layouts.get_related_lists,
    "get_custom_views": layouts.get_custom_views,
    "get_profiles": people.get_profiles,
    "get_roles": people.get_roles,
    "get_tags": actions.get_tags,
    "create_tags": actions.create_tags,
    "get_recycle_bin": actions.get_recycle_bin,
    "empty_recycle_bin": actions.empty_recycle_bin,
    "get_duplicate_check_preference": setup.get_preference,
    "set_duplicate_check_preference": setup.set_preference,
    "remove_duplicate_check_preference": setup.remove_preference,
    "coql": coql.query_records,
    "email_available": emails.email_available,
    "upload_files": files.upload_files,
    "download_file": files.download_file,
    "get_channels": watching.get_channels,
    "enable_notifications": watching.enable,
    "disable_notifications": watching.disable,
    "get_records": records.get_records,
    "insert_records": writing.insert_records,
    "update_records": writing.update_records,
    "delete_records": writing.delete_records,
    "upsert_records": writing.upsert_records,
    "deleted_records": records.deleted_records,
    "search_records": search.search_records,
    "get_record": records.get_record,
    "update_record": writing.update_record,
    "delete_record": writing.delete_record,
    "count_records": search.count_records,
    "fetch_full_data": records.rich_text,
    "mass_update": actions.mass_update,
    "mass_update_job": actions.mass_update_job,
    "change_owner": actions.change_owner,
    "clone_record": writing.clone_record,
    "convert_lead": joining.convert_lead,
    "merge_records": joining.merge_records,
    "get_blueprint": blueprint.get_blueprint,
    "update_blueprint": blueprint.update_blueprint,
    "associate_email": emails.associate_email,
    "add_tags": actions.add_tags,
    "remove_tags": actions.remove_tags,
    "link_emails": emails.link_emails,
    "unlink_emails": emails.unlink_emails,
    "get_emails": emails.get_emails,
    "get_email": emails.get_email,
    "get_timeline": actions.get_timeline,
    "get_locks": actions.get_locks,
    "lock_record": actions.lock_record,
    "unlock_record": actions.unlock_record,
    "upload_attachment": files.attach,
    "get_attachments": files.get_attachments,
    "delete_attachments": files.delete_attachments,
    "get_attachment": files.get_attachment,
    "record_photo": files.photo,
    "insert_related": related.insert_related,
    "get_related_records": related.get_related_records,
    "get_related_record": related.get_related_record,
    "update_related": related.update_related,
    "remove_related": related.remove_related,
    "start_bulk_read": watching.start_bulk_read,
    "get_bulk_read": watching.get_bulk_read,
    "bulk_read_result": watching.bulk_read_result,
}
_WRITES = frozenset({"insert_records", "update_records", "upsert_records"})
_CREDITS = {"convert_lead": 5, "start_bulk_read": 50, "mass_update": 2}


def route_of(call: Call, *, bulk: bool = False) -> tuple[Route, Call]:
    """The route of a call, and the call with the values of its path. Raises INVALID_URL_PATTERN."""
    route, found = routes.find(call.method, call.path, bulk=bulk)
    if route is None:
        raise wrong_method() if found else wrong_url()
    return route, replace(call, found=found)


def credits_of(route: Route, call: Call) -> int:
    """What a call costs: https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html."""
    if route.name in _WRITES:
        return max(1, -(-_records(call) // 10))
    if route.name == "coql":
        limit = coql.limit_of(call.body)
        return 1 if limit <= 200 else 2 if limit <= 1_000 else 3
    if route.name == "composite_requests":
        items = call.body.get(composite.NAME) if isinstance(call.body, dict) else None
        return max(1, len(items) if isinstance(items, list) else 0)
    return _CREDITS.get(route.name, 1)


def heavy(route: Route, call: Call) -> bool:
    """Whether it counts for sub-concurrency: writes of more than ten records do."""
    return route.heavy or (route.name in _WRITES and _records(call) > 10)


def _records(call: Call) -> int:
    data: Any = call.body.get("data") if isinstance(call.body, dict) else None
    return len(data) if isinstance(data, list) else 0


def missing_scope(route: Route, call: Call, granted: tuple[str, ...]) -> str:
    """The first scope that the call needs and the token has not; empty when all is well."""
    module = scopes.module_scope(call.found.get("module", ""))
    needed = [scope.replace("{module}", module) for scope in route.scopes]
    return next((scope for scope in needed if not scopes.has(granted, scope)), "")


class Api:
    """Carries calls out on one organisation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def handle(self, route: Route, call: Call, granted: tuple[str, ...]) -> Answer:
        """The answer. Raises `Refused`."""
        missing = missing_scope(route, call, granted)
        if missing and self.state.rules.scopes_checked:
            raise Refused("OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL", http=401)
        if route.name == "composite_requests":
            return composite.composite(self.state, call, lambda sub: self._sub(sub, granted))
        return HANDLERS[route.name](self.state, call)

    def _sub(self, call: Call, granted: tuple[str, ...]) -> Answer:
        route, found = route_of(call)
        if route.name == "composite_requests":
            raise wrong_url()
        return self.handle(route, found, granted)
