"""What an account looks like to our user: who we are, modules, fields, stages. Asked once, kept until `forget`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base.errors import Gone, NotPermitted, Rejected, Transient
from connectors.base.model import Pipeline
from connectors.crm.zoho_api import ZohoApi
from connectors.crm.zoho_map import ModuleShape, module_shape, pipelines_of, stages_of_picklist
from connectors.crm.zoho_parse import Row, id_in, text_in

HISTORY_LIST = "Stage_History"

# Credits of a day: base, for each user, and the cap (0: none).
# https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html
_GRANTS = {
    "free": (5_000, 0, 5_000),
    "standard": (50_000, 250, 100_000),
    "professional": (50_000, 500, 3_000_000),
    "enterprise": (50_000, 1_000, 5_000_000),
    "zohoone": (50_000, 1_000, 5_000_000),
    "ultimate": (50_000, 2_000, 0),
    "crmplus": (50_000, 2_000, 0),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The organisation and the user we are signed in as. `grant` are credits of a day, 0 where not known."""

    org: str
    name: str
    user: str
    profile: str = ""
    grant: float = 0.0


class ZohoOrg:
    """Caches metadata of one account."""

    def __init__(self, api: ZohoApi, site: str) -> None:
        self._api = api
        self._base = site
        self._me: Identity | None = None
        self._modules: Mapping[str, Row] | None = None
        self._shapes: dict[str, ModuleShape | None] = {}
        self._pipelines: tuple[Pipeline, ...] | None = None
        self._history: str | None = None

    def forget(self) -> None:
        """Ask everything anew the next time."""
        self._me = self._modules = self._pipelines = self._history = None
        self._shapes.clear()

    # --------------------------------------------------------------------------------------------------------- people

    async def me(self) -> Identity:
        if self._me is None:
            org = await self._first("get_org", "org", {}, "org")
            user = await self._first("get_users", "users", {"type": "CurrentUser"}, "users")
            self._me = Identity(
                org=id_in(org.get("zgid")) or id_in(org.get("id")),
                name=text_in(org.get("company_name")),
                user=id_in(user.get("id")),
                profile=text_in(user.get("profile")),
                grant=granted(org),
            )
            self._api.credits.granted = self._me.grant or self._api.credits.granted
        return self._me

    async def _first(self, operation: str, path: str, params: Mapping[str, str], name: str) -> Row:
        page = await self._api.page(operation, path, params, name=name)
        if not page.rows or not id_in(page.rows[0].get("id")):
            raise Transient("The answer does not say who we are.", operation=operation)
        return page.rows[0]

    async def site(self) -> str:
        """Where people open records of this organisation."""
        return f"{self._base}/crm/org{(await self.me()).org}"

    # -------------------------------------------------------------------------------------------------------- modules

    async def shape(self, name: str) -> ModuleShape | None:
        """The module as our user sees it, or None where it is hidden."""
        if name not in self._shapes:
            module = (await self._listed_modules()).get(name)
            self._shapes[name] = None if module is None else await self._described(name, module)
        return self._shapes[name]

    async def need(self, name: str) -> ModuleShape:
        shape = await self.shape(name)
        if shape is None:
            hint = f"Tradepost's user cannot see the module {name}; give its profile access to it."
            raise NotPermitted(hint, operation="get_modules", code="INVALID_MODULE")
        return shape

    async def _listed_modules(self) -> Mapping[str, Row]:
        if self._modules is None:
            page = await self._api.page("get_modules", "settings/modules", {}, name="modules")
            usable = [m for m in page.rows if m.get("api_supported") is not False and m.get("viewable") is not False]
            self._modules = {str(m.get("api_name")): m for m in usable}
        return self._modules

    async def _described(self, name: str, module: Row) -> ModuleShape | None:
        try:
            return module_shape(module, (await self.fields(name)))
        except NotPermitted as error:
            if error.code == "INVALID_MODULE":
                return None
            raise

    async def fields(self, module: str) -> tuple[Row, ...]:
        page = await self._api.page("get_fields", "settings/fields", {"module": module}, name="fields")
        return page.rows

    async def visible(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `names` that our user may read. The first is needed: an account may do without leads."""
        await self.need(names[0])
        return tuple([n for n in names if await self.shape(n) is not None])

    # ---------------------------------------------------------------------------------------------------------- deals

    async def pipelines(self) -> tuple[Pipeline, ...]:
        """Pipelines with stages; one with the picklist's stages where the edition has no pipelines."""
        if self._pipelines is None:
            found = pipelines_of(await self._pipeline_rows())
            self._pipelines = found or await self._picklist()
        return self._pipelines

    async def _pipeline_rows(self) -> list[Row]:
        rows: list[Row] = []
        try:
            layouts = await self._api.page("get_layouts", "settings/layouts", {"module": "Deals"}, name="layouts")
            for layout in layouts.rows:
                params = {"layout_id": id_in(layout.get("id"))}
                page = await self._api.page("get_pipelines", "settings/pipeline", params, name="pipeline")
                rows += page.rows
        except (Rejected, Gone):
            return []
        return rows

    async def _picklist(self) -> tuple[Pipeline, ...]:
        rows = await self.fields("Deals") if await self.shape("Deals") else ()
        values: Any = next((r.get("pick_list_values") for r in rows if r.get("api_name") == "Stage"), None)
        listed = [v for v in values if isinstance(v, Mapping)] if isinstance(values, list) else []
        return (stages_of_picklist(listed),) if listed else ()

    async def history_list(self) -> str:
        """The related list of deals that tells their stages; empty where there is none."""
        if self._history is None:
            try:
                page = await self._api.page(
                    "get_related_lists", "settings/related_lists", {"module": "Deals"}, name="related_lists"
                )
            except (Rejected, Gone, NotPermitted):
                self._history = HISTORY_LIST
            else:
                names = [str(r.get("api_name") or "") for r in page.rows]
                self._history = next((n for n in names if n.replace("_", "").lower().startswith("stagehistory")), "")
        return self._history


def granted(org: Row) -> float:
    """Credits of a day by edition and licences, 0 where the edition is not known."""
    raw = org.get("license_details")
    licence: Row = raw if isinstance(raw, Mapping) else {}
    edition = str(licence.get("paid_type") or licence.get("trial_type") or "").lower().replace(" ", "").replace("_", "")
    if edition not in _GRANTS:
        return 0.0
    base, each, cap = _GRANTS[edition]
    users = licence.get("users_license_purchased")
    total = base + each * (users if isinstance(users, int) and users > 0 else 0)
    return float(min(total, cap) if cap else total)
