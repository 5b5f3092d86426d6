"""One admitted call and its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from urllib.parse import quote

from starlette.datastructures import Headers, QueryParams

from tradepost.sandbox.graph.auth import Token
from tradepost.sandbox.graph.errors import ApiError, bad_request, mailbox_not_enabled, not_found
from tradepost.sandbox.graph.mailbox import Item, Mailbox
from tradepost.sandbox.graph.odata import Expand, parse_expand, parse_select
from tradepost.sandbox.graph.people import User
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.graph.tenant import Tenant
from tradepost.sandbox.graph.view import Json, Prefer, View

_UNREADABLE = (
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
)
OPTIONS = frozenset(
    ["select", "filter", "orderby", "top", "skip", "count", "search", "expand", "skiptoken", "deltatoken", "format"]
)


class Need(Enum):
    """What a call needs a permission for."""

    BASIC = "mail without its contents"
    READ = "mail"
    WRITE = "changing mail"
    SEND = "sending mail"
    USERS = "the directory"
    SETTINGS = "mailbox settings"
    CALENDAR = "calendars"
    CONTACTS = "contacts"
    GROUPS = "groups"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One HTTP request, on its own or as part of a batch. `path` starts with the version."""

    method: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    root: str  # scheme and host as asked
    host: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `body` is JSON when it is a dict, else as it is."""

    status: int = 200
    body: Json | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """`args` are the keys in the path; `options` OData's query options without their `$`; `user` whose path it is."""

    tenant: Tenant
    inquiry: Inquiry
    operation: str
    args: Mapping[str, str]
    options: Mapping[str, str]
    token: Token
    user: User | None
    prefer: Prefer
    now: datetime
    basic: bool = False

    @property
    def strict(self) -> Strictness:
        return self.tenant.strict

    @property
    def version(self) -> str:
        return self.inquiry.path.split("/")[1]

    @property
    def base(self) -> str:
        """Scheme, host and version as they were asked."""
        return f"{self.inquiry.root}/{self.version}"

    @property
    def owner(self) -> User:
        if self.user is None:
            raise mailbox_not_enabled()
        return self.user

    @property
    def box(self) -> Mailbox:
        if self.user is None or self.user.box is None:
            raise mailbox_not_enabled()
        return self.user.box

    @property
    def view(self) -> View:
        return View(self.box, self.prefer, self.basic, self.version == "beta")

    @property
    def item(self) -> Item:
        """The message that the path names, which must lie in the folder that it names."""
        item = self.box.find(self.args["message"])
        if "folder" in self.args and item.folder is not self.box.folder(self.args["folder"]):
            raise not_found()
        return item

    def link(self, **options: str) -> str:
        """This call's address with other query options."""
        path = quote(self.inquiry.path, safe="/()'$=@-_.~!*,;:")
        return f"{self.inquiry.root}{path}?" + "&".join(
            f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in options.items()
        )

    def json(self) -> Json:
        """The request's body as an object. Raises 400."""
        if not self.inquiry.body.strip():
            return {}
        try:
            found = json.loads(self.inquiry.body)
        except ValueError as error:
            raise bad_request(_UNREADABLE) from error
        if not isinstance(found, dict):
            raise bad_request("Empty Payload. JSON content expected.")
        return found

    def parameters(self) -> Json:
        """An action's parameters by their names in lower case: clients write `ToRecipients` as well. Raises 400."""
        return {name.lower(): value for name, value in self.json().items()}

    def select(self, allowed: frozenset[str], kind: str) -> tuple[str, ...] | None:
        text = self.options.get("select", "")
        return parse_select(text, allowed, kind) if text else None

    def expand(self, allowed: frozenset[str], kind: str) -> tuple[Expand, ...]:
        return parse_expand(self.options.get("expand", ""), allowed, kind)

    def number(self, name: str, default: int) -> int:
        """A whole number among the options. Raises 400."""
        text = self.options.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise bad_request(
                f"Invalid value '{text}' for ${name} query option found. The ${name} query option requires a "
                "non-negative integer value."
            )
        return int(text)

    def context(self, tail: str, select: Iterable[str] | None = None) -> str:
        """`@odata.context` of an answer."""
        names = f"({','.join(select)})" if select else ""
        return f"{self.base}/$metadata#{tail}{names}"

    def mail_context(self, tail: str, select: Iterable[str] | None = None) -> str:
        """The same below a user."""
        who = quote(self.args.get("user", "me"), safe="@")
        return self.context(f"users('{who}')/{tail}", select)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` in lower case with `{names}` for keys."""

    method: str
    pattern: str
    operation: str
    need: Need
    handler: Handler
    kind: str = ""  # read or write where the method does not tell


def options_of(query: QueryParams) -> dict[str, str]:
    """OData's options, with or without the optional `$`. Raises 400 for an unknown `$` one.

    https://learn.microsoft.com/graph/query-parameters.
    """
    found: dict[str, str] = {}
    for name, value in query.multi_items():
        plain = name.removeprefix("$").lower()
        if plain in OPTIONS:
            if plain in found:
                raise bad_request(
                    f"Query option '{name}' was specified more than once, but it must be specified at most once."
                )
            found[plain] = value
        elif name.startswith("$"):
            raise ApiError(400, "BadRequest", f"The query parameter '{name}' is not supported.")
    return found
