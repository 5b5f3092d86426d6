"""What an account must offer, what is missing, and what each kind of write can do there. Pure.

Scopes: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.base.errors import ConnectorError
from connectors.base.model import Capability, Lookup, Problem, Severity, WriteKind
from connectors.crm.hubspot_map import API_VERSION, KEY, Row, value
from connectors.crm.hubspot_writes_map import TASK_LIMIT, TEXT_LIMIT, Author, KeyMode, Shape, source_of

GROUP = "tradepost"
# Contacts have a unique property of their own, the address; our key on them tells which are ours.
KEYED = ("emails", "tasks", "contacts")
OPTIONAL = {"emails": ("hs_email_message_id",)}  # written where the account lets a program write them
MAIL_BATCH = 50
_SET_UP = "Run `tradepost setup`; for that once the key or app needs the scope crm.schemas.contacts.write."


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    severity: Severity
    use: str


SCOPES = (
    Scope("crm.objects.contacts.read", Severity.ERROR, "to find contacts, and to see mails and tasks"),
    Scope("crm.objects.contacts.write", Severity.ERROR, "to log mails, make tasks and add contacts"),
    Scope("crm.objects.companies.read", Severity.ERROR, "to find companies by their domain"),
    Scope("crm.objects.deals.read", Severity.ERROR, "to find deals and their stages"),
    Scope("crm.objects.owners.read", Severity.ERROR, "to know who may own an activity"),
    Scope("crm.objects.deals.write", Severity.WARNING, "to move deals and to hang mails on them"),
    Scope("crm.objects.companies.write", Severity.WARNING, "to hang mails on companies and to fill their fields"),
    # https://developers.hubspot.com/changelog/announcement-new-scope-required-to-get-the-content-of-email-engagements
    Scope("sales-email-read", Severity.WARNING, "to recognise mails that HubSpot itself has logged"),
)


# ------------------------------------------------------------------------------------------------------------- problems


def scope_problems(scopes: Collection[str] | None, refused: Mapping[str, ConnectorError]) -> tuple[Problem, ...]:
    """Scopes that are missing: by name where HubSpot tells those of the key, else by the `refused` looks at objects."""
    if scopes is not None:
        return tuple(_missing(s) for s in SCOPES if s.name not in scopes)
    return tuple(
        Problem(Severity.ERROR, f"The account's {name} cannot be read.", error.hint)
        for name, error in sorted(refused.items())
    )


def _missing(scope: Scope) -> Problem:
    mend = "Add it under Development > Keys > Service keys > Edit, or to the app and consent again."
    return Problem(scope.severity, f"The scope {scope.name} is missing: {scope.use}.", mend)


def key_problems(shapes: Mapping[str, Shape]) -> tuple[Problem, ...]:
    """What keeps a write from being found again with certainty."""
    found = []
    for name in (n for n in KEYED if n in shapes):
        shape = shapes[name]
        if not shape.known:
            what = f"The properties of {name} cannot be read, so their key cannot be used."
            scope = "connected-email-data-access" if name == "emails" else "crm.objects.contacts.read"
            found.append(Problem(Severity.WARNING, what, f"Add the scope {scope} where HubSpot offers it."))
        elif shape.mode is KeyMode.NONE and KEY not in shape.writable:
            what = (
                f"The property {KEY} is missing on {name}: what is written there can only be recognised by its looks."
            )
            found.append(Problem(Severity.WARNING, what, _SET_UP))
        elif shape.mode is KeyMode.PLAIN:
            what = f"HubSpot keeps {KEY} on {name}, but not as a unique value: it cannot refuse a second record itself."
            mend = (
                "Nothing to do: a lost answer is looked up minutes later, in two ways, before anything is sent again."
            )
            found.append(Problem(Severity.WARNING, what, mend))
    return tuple(found)


def native_problem(setting: str, ours: int, theirs: int) -> Problem | None:
    """What was found of HubSpot's own mail logging, and the choice to make."""
    if setting != "ask":
        return None
    seen = ours + theirs
    what = (
        f"HubSpot's own mail tools, or another program, logged {theirs} of the {seen} most recent mails there."
        if theirs
        else f"None of the {seen} most recent mails was logged by HubSpot's own mail tools."
    )
    mend = (
        "Choose native_logging: skip (leaves alone what they have logged) or ignore (logs every mail). Until then, "
        "what they have logged is left alone."
    )
    return Problem(Severity.WARNING, what, mend)


def logged_by(rows: Iterable[Row], author: Author) -> tuple[int, int]:
    """How many of these mails are ours, and how many are not."""
    ours = theirs = 0
    for row in rows:
        if is_native(row, author, keyed=False):
            theirs += 1
        else:
            ours += 1
    return ours, theirs


def is_native(row: Row, author: Author, *, keyed: bool) -> bool:
    """Whether somebody else's tool logged a mail. With `keyed`, ours all bear our key."""
    source, source_id = source_of(row)
    if value(row, KEY) or keyed:
        return not value(row, KEY)
    return bool(source) and not author.made(source, source_id)


# --------------------------------------------------------------------------------------------------------- capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds: how long a timed-out request may still commit, and how late the search index may be."""

    settle: float
    lag: float


def capabilities_of(
    shapes: Mapping[str, Shape], scopes: Collection[str] | None, waits: Waits
) -> dict[WriteKind, Capability]:
    """What each kind of write can do."""

    def may(scope: str) -> bool:
        return scopes is None or scope in scopes

    people, deals = may("crm.objects.contacts.write"), may("crm.objects.deals.write")
    seen = Capability(exists=people, lookup=Lookup.STRONG, settles_after=waits.settle)
    mail, task = (_new(shapes.get(name, Shape()).mode, people, waits) for name in ("emails", "tasks"))
    if shapes.get("emails", Shape()).mode is KeyMode.NONE and not may("sales-email-read"):
        mail = replace(mail, lookup=Lookup.NONE, reason="mail_hidden")
    return {
        WriteKind.LOG_EMAIL: replace(mail, spans_records=True, batch=MAIL_BATCH, max_text=TEXT_LIMIT - 5_000),
        WriteKind.LINK_EMAIL: replace(seen, spans_records=True, batch=MAIL_BATCH),
        WriteKind.CREATE_TASK: replace(task, batch=MAIL_BATCH, max_text=TASK_LIMIT),
        WriteKind.COMPLETE_TASK: seen,
        WriteKind.MOVE_DEAL: replace(seen, exists=deals, reason="read_back"),
        WriteKind.SET_FIELDS: replace(seen, reason="read_first"),
        # The address itself is the unique key: HubSpot refuses a second contact with it.
        WriteKind.CREATE_CUSTOMER: replace(seen, unique_key=True),
        WriteKind.REMOVE: seen,
    }


def _new(mode: KeyMode, exists: bool, waits: Waits) -> Capability:  # noqa: FBT001 - one of two plain facts
    if mode is KeyMode.UNIQUE:
        return Capability(exists=exists, unique_key=True, lookup=Lookup.STRONG, settles_after=waits.settle)
    reason = "key_not_unique" if mode is KeyMode.PLAIN else "no_key_field"
    late = waits.settle + waits.lag
    return Capability(exists=exists, lookup=Lookup.LAGGING, settles_after=late, reason=reason)


# --------------------------------------------------------------------------------------------------------------- shapes


def shape_of(definitions: Sequence[Row]) -> Shape:
    """What the properties of an object allow.

    Uniqueness is documented for contacts, companies, deals and custom objects only; for mails and tasks the flag that
    HubSpot reports back decides. https://developers.hubspot.com/changelog/unique-properties-for-contacts
    """
    writable = {str(d["name"]): d for d in definitions if d.get("name") and _writable(d)}
    key = writable.get(KEY)
    mode = KeyMode.NONE if key is None else KeyMode.UNIQUE if key.get("hasUniqueValue") is True else KeyMode.PLAIN
    return Shape(mode=mode, writable=frozenset(writable), known=True)


def _writable(definition: Row) -> bool:
    metadata = definition.get("modificationMetadata")
    locked = isinstance(metadata, Mapping) and metadata.get("readOnlyValue") is True
    return not locked and not definition.get("archived") and definition.get("calculated") is not True


# --------------------------------------------------------------------------------------------------------------- set-up


def sentence(name: str) -> str:
    return (
        f"Create the property {KEY} on {name}, in the group {GROUP}: single-line text with unique values, or without "
        "where HubSpot does not take those."
    )


def missing_keys(shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """The objects without our key, in the order they are made."""
    return tuple(n for n in KEYED if shapes.get(n, Shape()).mode is KeyMode.NONE)


def key_definition(*, unique: bool) -> dict[str, Any]:
    """https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide: uniqueness cannot be set later."""
    return {
        "groupName": GROUP,
        "name": KEY,
        "label": "Tradepost key",
        "description": "Set by Tradepost so that nothing is written twice. Do not edit.",
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": unique,
        "formField": False,
    }


def group_definition() -> dict[str, Any]:
    return {"name": GROUP, "label": "Tradepost"}


def not_made(name: str, error: ConnectorError) -> Problem:
    mend = (
        error.hint
        if error.code == "MISSING_SCOPES"
        else f"Without it, writes to {name} still work, and a lost answer is looked up by the record's looks "
        f"(version {API_VERSION} of the API refuses the property)."
    )
    return Problem(Severity.WARNING, f"Not done ({error.code or error.status}): {sentence(name)}", mend)
