"""What an account must offer, what is missing, and what each kind of write can do there. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base.model import Capability, Lookup, Problem, Severity, WriteKind
from connectors.crm.zoho_map import KEY_FIELD, ModuleShape
from connectors.crm.zoho_writes_map import CONTENT_LIMIT, closing_status

KEY_LABEL = "Tradepost Key"
KEY_LENGTH = 100
KEY_HOMES = ("Tasks", "Leads")
MODULES_NEEDED = ("Contacts", "Accounts", "Deals", "Tasks", "Leads")

Shapes = Mapping[str, ModuleShape | None]

_RIGHTS = {
    "Contacts": (),
    "Accounts": (),
    "Deals": ("editable",),
    "Tasks": ("creatable", "editable"),
    "Leads": ("creatable",),
}
_WORDS = {"creatable": "Create", "editable": "Edit"}
_MILD = frozenset({"Leads"})  # an account may do without leads


# ------------------------------------------------------------------------------------------------------------ problems


def problems_of(shapes: Shapes, profile: str) -> tuple[Problem, ...]:
    """All that is missing, each with the sentence that mends it."""
    found: list[Problem] = []
    for name in MODULES_NEEDED:
        found += _module_problems(name, shapes.get(name))
    if profile.lower() not in {"administrator", ""}:
        what = "Tradepost's user has not the profile Administrator."
        mend = (
            "Give the user the profile Administrator: Zoho lets only administrators put other users' e-mails on "
            "records, and others see only what is shared with them."
        )
        found.append(Problem(Severity.WARNING, what, mend))
    return tuple(found)


def _module_problems(name: str, shape: ModuleShape | None) -> list[Problem]:
    severity = Severity.WARNING if name in _MILD else Severity.ERROR
    if shape is None:
        mend = f"Give the profile of Tradepost's user access to the module {name}."
        return [Problem(severity, f"Tradepost's user cannot see the module {name}.", mend)]
    lacking = [_WORDS[r] for r in _RIGHTS[name] if not getattr(shape, r)]
    if lacking:
        words = " and ".join(lacking)
        mend = f"Give the profile of Tradepost's user the permission {words} for {name}."
        return [Problem(severity, f"Missing permission for {name}: {words}.", mend)]
    return [] if name not in KEY_HOMES or shape.keyed else [_no_key(shape)]


def _no_key(shape: ModuleShape) -> Problem:
    field = f"{shape.name}.{KEY_FIELD}"
    if KEY_FIELD in shape.fields:
        what = f"The key field {field} is not a writable single-line field of {KEY_LENGTH} characters without doubles."
        mend = (
            f"In Zoho, Setup > Customization > Modules and Fields > {shape.name}: edit {KEY_LABEL}, tick Do not allow "
            "duplicate values, and let the profile of Tradepost's user edit it."
        )
    else:
        what = f"The key field {field} is missing."
        mend = f"Run `tradepost setup`, or create it by hand: docs/setup/zoho.md, step 5 ({KEY_LABEL})."
    return Problem(Severity.ERROR, what, mend)


def native_problem(contacts: int, sources: Sequence[str]) -> Problem:
    """What a look at some contacts' e-mails found, for a person to choose by."""
    if sources:
        told = ", ".join(f"{name} {n}" for name, n in sorted(Counter(sources).items()))
        what = f"{len(sources)} e-mails are on the {contacts} contacts changed last ({told}); some may be Zoho's own."
    else:
        what = f"No e-mails are on the {contacts} contacts changed last."
    mend = (
        "Set native_logging: skip leaves alone mail that Zoho's own mail integration has put on a record, ignore logs "
        "it beside that. Until then Tradepost skips."
    )
    return Problem(Severity.WARNING, what, mend)


# -------------------------------------------------------------------------------------------------------- capabilities


def capabilities_of(
    shapes: Shapes, *, emails: bool, history: bool, settles_after: float
) -> dict[WriteKind, Capability]:
    """What each kind of write can do. `settles_after` is how long a timed-out request may still commit.

    Mails have no key and their list shows them when Zoho has sorted them in, which it does not say how fast; keyed
    records cannot be doubled, and queries are as fast as nobody tells.
    """
    seen = Capability(lookup=Lookup.STRONG, settles_after=settles_after)

    def may(name: str, right: str) -> bool:
        shape = shapes.get(name)
        return shape is not None and bool(getattr(shape, right))

    def new(name: str, **extra: Any) -> Capability:
        shape = shapes.get(name)
        keyed = shape is not None and shape.keyed
        return Capability(
            exists=may(name, "creatable"),
            unique_key=keyed,
            lookup=Lookup.LAGGING,
            settles_after=settles_after,
            reason="" if keyed else "no_key_field",
            **extra,
        )

    tasks = shapes.get("Tasks")
    closing = closing_status(tasks) if tasks else ""
    mail = Capability(
        exists=emails,
        lookup=Lookup.LAGGING,
        settles_after=settles_after,
        max_text=CONTENT_LIMIT,
        removable=False,
        reason="no_key_on_mails" if emails else "not_creatable",
    )
    return {
        WriteKind.LOG_EMAIL: mail,
        # A deal can be tied to a contact's mail, a further record to none.
        WriteKind.LINK_EMAIL: Capability(exists=False, settles_after=settles_after, reason="links_only_deals"),
        WriteKind.CREATE_TASK: new("Tasks", max_text=tasks.length("Description", 32_000) if tasks else 32_000),
        WriteKind.COMPLETE_TASK: Capability(
            exists=may("Tasks", "editable") and bool(closing), lookup=Lookup.STRONG, settles_after=settles_after
        ),
        WriteKind.MOVE_DEAL: Capability(
            exists=may("Deals", "editable"),
            lookup=Lookup.STRONG,
            settles_after=settles_after,
            reason="" if history else "no_stage_history",
        ),
        WriteKind.SET_FIELDS: seen,
        WriteKind.CREATE_CUSTOMER: new("Leads"),
        WriteKind.REMOVE: Capability(lookup=Lookup.STRONG, settles_after=settles_after, reason="mails_stay"),
    }


# -------------------------------------------------------------------------------------------------------------- set-up


@dataclass(frozen=True, slots=True)
class Step:
    """The key field of one module: to be created, or (`there`) to be mended by a person."""

    module: str
    there: bool = False

    @property
    def sentence(self) -> str:
        if self.there:
            return f"Forbid doubles in the field {self.module}.{KEY_FIELD}, and make it writable for Tradepost's user."
        return f"Create the field {self.module}.{KEY_FIELD}: single line ({KEY_LENGTH}), no duplicate values."


def steps_of(shapes: Iterable[ModuleShape | None]) -> tuple[Step, ...]:
    return tuple(Step(s.name, KEY_FIELD in s.fields) for s in shapes if s is not None and not s.keyed)


def key_field() -> dict[str, Any]:
    """The name of the API follows from the label.

    https://www.zoho.com/crm/developer/docs/api/v8/create-custom-field.html
    """
    unique = {"casesensitive": False}
    return {"field_label": KEY_LABEL, "data_type": "text", "length": KEY_LENGTH, "unique": unique}


def not_done(step: Step, code: str) -> Problem:
    mend = (
        f"Let an administrator create it: Setup > Customization > Modules and Fields > {step.module} > new Single Line "
        f"field named {KEY_LABEL}, {KEY_LENGTH} characters, Do not allow duplicate values; or sign in with the scope "
        "ZohoCRM.settings.fields.ALL and run `tradepost setup` again."
    )
    return Problem(Severity.ERROR, f"Not done ({code}): {step.sentence}", mend)
