"""Which call a method and a path make, what scope it needs, and whether it is heavy.

https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html (sub-concurrency) and each call's page for its scopes
"""

from __future__ import annotations

from dataclasses import dataclass

from tradepost.sandbox.kernel import Kind

_OPERATIONS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


@dataclass(frozen=True, slots=True)
class Route:
    """`scopes` are needed all; {module} in one stands for the path's module. `pattern` parts in braces are names."""

    method: str
    pattern: tuple[str, ...]
    name: str
    scopes: tuple[str, ...]
    heavy: bool = False

    @property
    def kind(self) -> Kind:
        return "read" if self.method == "GET" or self.name in READS else "write"

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """The values of the names in the pattern."""
        if len(path) != len(self.pattern):
            return None
        found: dict[str, str] = {}
        for part, value in zip(self.pattern, path, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = value
            elif part != value:
                return None
        return found


READS = frozenset({"coql", "count_records_by_criteria", "start_bulk_read"})
_MODULE = "modules.{module}"
_EMAILS = "modules.emails"


def _route(method: str, pattern: str, name: str, *groups: str, heavy: bool = False) -> Route:
    """Groups without an operation get the method's."""
    scopes = tuple(g if g.split(".")[-1].isupper() else f"{g}.{_OPERATIONS[method]}" for g in groups)
    return Route(method, tuple(pattern.split("/")), name, scopes, heavy)


def _settings() -> list[Route]:
    found = [
        _route("GET", "org", "get_org", "org"),
        _route("GET", "org/currencies", "get_currencies", "settings.currencies"),
        _route("GET", "users", "get_users", "users"),
        _route("GET", "users/actions/count", "count_users", "users"),
        _route("GET", "users/{id}", "get_user", "users"),
        _route("GET", "settings/modules", "get_modules", "settings.modules"),
        _route("GET", "settings/modules/{name}", "get_module", "settings.modules"),
        _route("GET", "settings/fields", "get_fields", "settings.fields"),
        _route("POST", "settings/fields", "create_fields", "settings.fields"),
        _route("PATCH", "settings/fields", "update_fields", "settings.fields"),
        _route("GET", "settings/fields/{name}", "get_field", "settings.fields"),
        _route("PATCH", "settings/fields/{name}", "update_fields", "settings.fields"),
        _route("DELETE", "settings/fields/{name}", "delete_field", "settings.fields"),
        _route("GET", "settings/layouts", "get_layouts", "settings.layouts"),
        _route("GET", "settings/layouts/{id}", "get_layouts", "settings.layouts"),
        _route("GET", "settings/pipeline", "get_pipelines", "settings.pipeline"),
        _route("GET", "settings/pipeline/{id}", "get_pipelines", "settings.pipeline"),
        _route("GET", "settings/related_lists", "get_related_lists", "settings.related_lists"),
        _route("GET", "settings/related_lists/{id}", "get_related_lists", "settings.related_lists"),
        _route("GET", "settings/custom_views", "get_custom_views", "settings.custom_views"),
        _route("GET", "settings/custom_views/{id}", "get_custom_views", "settings.custom_views"),
        _route("GET", "settings/profiles", "get_profiles", "settings.profiles"),
        _route("GET", "settings/profiles/{id}", "get_profiles", "settings.profiles"),
        _route("GET", "settings/roles", "get_roles", "settings.roles"),
        _route("GET", "settings/roles/{id}", "get_roles", "settings.roles"),
        _route("GET", "settings/tags", "get_tags", "settings.tags"),
        _route("POST", "settings/tags", "create_tags", "settings.tags"),
        _route("GET", "settings/recycle_bin", "get_recycle_bin", "settings.recycle_bin"),
        _route("GET", "settings/recycle_bin/{id}", "get_recycle_bin", "settings.recycle_bin"),
        _route("DELETE", "settings/recycle_bin", "empty_recycle_bin", "settings.recycle_bin"),
        _route("DELETE", "settings/recycle_bin/{id}", "empty_recycle_bin", "settings.recycle_bin"),
    ]
    preference = ("settings/duplicate_check_preference", "settings.duplicate_check_preference")
    found.append(_route("GET", preference[0], "get_duplicate_check_preference", preference[1]))
    found += [_route(m, preference[0], "set_duplicate_check_preference", preference[1]) for m in ("POST", "PUT")]
    found.append(_route("DELETE", preference[0], "remove_duplicate_check_preference", preference[1]))
    return found


def _special() -> list[Route]:
    found = [
        _route("POST", "coql", "coql", "coql.READ", heavy=True),
        _route("POST", "__composite_requests", "composite_requests", "composite_requests.CUSTOM", heavy=True),
        _route("GET", "actions/email_available", "email_available", _EMAILS),
        _route("POST", "files", "upload_files", "Files"),
        _route("GET", "files", "download_file", "Files"),
        _route("GET", "actions/watch", "get_channels", "notifications"),
        _route("DELETE", "actions/watch", "disable_notifications", "notifications"),
        _route("PATCH", "actions/watch", "disable_notifications", "notifications"),
    ]
    return found + [_route(m, "actions/watch", "enable_notifications", "notifications") for m in ("POST", "PUT")]


def _records() -> list[Route]:
    write = f"{_MODULE}.UPDATE"
    return [
        _route("GET", "{module}", "get_records", _MODULE),
        _route("POST", "{module}", "insert_records", _MODULE),
        _route("PUT", "{module}", "update_records", _MODULE),
        _route("DELETE", "{module}", "delete_records", _MODULE),
        _route("POST", "{module}/upsert", "upsert_records", _MODULE),
        _route("GET", "{module}/deleted", "deleted_records", _MODULE),
        _route("GET", "{module}/search", "search_records", _MODULE),
        _route("GET", "{module}/{id}", "get_record", _MODULE),
        _route("PUT", "{module}/{id}", "update_record", _MODULE),
        _route("DELETE", "{module}/{id}", "delete_record", _MODULE),
        _route("GET", "{module}/actions/count", "count_records", _MODULE),
        _route("GET", "{module}/actions/fetch_full_data", "fetch_full_data", _MODULE),
        _route("GET", "{module}/{id}/actions/fetch_full_data", "fetch_full_data", _MODULE),
        _route("POST", "{module}/actions/mass_update", "mass_update", "mass_update.{module}.UPDATE", heavy=True),
        _route("GET", "{module}/actions/mass_update", "mass_update_job", "mass_update.{module}"),
        _route("POST", "{module}/actions/change_owner", "change_owner", "change_owner.CREATE"),
        _route("POST", "{module}/{id}/actions/change_owner", "change_owner", "change_owner.CREATE"),
        _route("POST", "{module}/{id}/actions/clone", "clone_record", _MODULE),
        _route("POST", "Leads/{id}/actions/convert", "convert_lead", "modules.Leads", heavy=True),
        _route("POST", "{module}/{id}/actions/merge", "merge_records", _MODULE),
        _route("GET", "{module}/{id}/actions/blueprint", "get_blueprint", _MODULE),
        _route("PUT", "{module}/{id}/actions/blueprint", "update_blueprint", _MODULE),
        _route("POST", "{module}/{id}/actions/associate_email", "associate_email", _EMAILS, f"{_MODULE}.CREATE"),
        _route("POST", "{module}/actions/add_tags", "add_tags", write),
        _route("POST", "{module}/{id}/actions/add_tags", "add_tags", write),
        _route("POST", "{module}/actions/remove_tags", "remove_tags", write),
        _route("POST", "{module}/{id}/actions/remove_tags", "remove_tags", write),
    ]


def _below_records() -> list[Route]:
    email, lock = "{module}/{id}/Emails/{message}", "{module}/{id}/Locking_Information__s"
    files = "{module}/{id}/Attachments"
    links = ("{module}/{id}/Emails/actions/link_record", f"{email}/actions/link_record")
    return [
        *[_route("POST", each, "link_emails", _EMAILS, _MODULE) for each in links],
        *[_route("DELETE", each, "unlink_emails", _EMAILS, _MODULE) for each in links],
        _route("GET", "{module}/{id}/Emails", "get_emails", _EMAILS),
        _route("GET", email, "get_email", _EMAILS),
        _route("GET", "{module}/{id}/__timeline", "get_timeline", _MODULE),
        _route("GET", lock, "get_locks", _MODULE),
        _route("POST", lock, "lock_record", _MODULE),
        _route("GET", lock + "/{lock}", "get_locks", _MODULE),
        _route("DELETE", lock + "/{lock}", "unlock_record", _MODULE),
        _route("POST", files, "upload_attachment", "modules.attachments"),
        _route("GET", files, "get_attachments", "modules.attachments"),
        _route("DELETE", files, "delete_attachments", "modules.attachments"),
        _route("GET", files + "/{other}", "get_attachment", "modules.attachments"),
        _route("DELETE", files + "/{other}", "delete_attachments", "modules.attachments"),
        *[_route(m, "{module}/{id}/photo", "record_photo", _MODULE) for m in ("GET", "POST", "DELETE")],
        _route("POST", "{module}/{id}/Notes", "insert_related", "modules.notes"),
        _route("GET", "{module}/{id}/{list}", "get_related_records", _MODULE),
        _route("PUT", "{module}/{id}/{list}", "update_related", _MODULE),
        _route("DELETE", "{module}/{id}/{list}", "remove_related", _MODULE),
        _route("GET", "{module}/{id}/{list}/{other}", "get_related_record", _MODULE),
        _route("PUT", "{module}/{id}/{list}/{other}", "update_related", _MODULE),
        _route("DELETE", "{module}/{id}/{list}/{other}", "remove_related", _MODULE),
    ]


ROUTES = (*_settings(), *_special(), *_records(), *_below_records())
BULK = (
    _route("POST", "read", "start_bulk_read", "bulk.READ", heavy=True),
    _route("GET", "read/{id}", "get_bulk_read", "bulk.READ"),
    _route("GET", "read/{id}/result", "bulk_read_result", "bulk.READ"),
)
"""Below /crm/bulk/{version}."""

_BY_LENGTH: dict[tuple[bool, int], list[Route]] = {}
for _bulk, _routes in ((False, ROUTES), (True, BULK)):
    for _each in _routes:
        _BY_LENGTH.setdefault((_bulk, len(_each.pattern)), []).append(_each)

_RESERVED = frozenset({"settings", "org", "coql", "files", "actions", "__composite_requests", "users"})


def find(method: str, path: tuple[str, ...], *, bulk: bool = False) -> tuple[Route | None, dict[str, str]]:
    """The route, and the values in the path. The first that fits counts; without one, whether another method has it:
    then the values hold "allowed".
    """
    other = False
    for route in _BY_LENGTH.get((bulk, len(path)), []):
        found = route.match(path)
        if found is None or (path[0] in _RESERVED and route.pattern[0] == "{module}"):
            continue
        if route.method == method:
            return route, found
        other = True
    return None, {"allowed": "other"} if other else {}
