"""What becomes of a run's items when it is undone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.base.model import Capability, Effect, MoveDeal, Remove, Write, WriteKind
from sync.keys import key
from sync.model import ItemState
from sync.outbox import MAKES_RECORD

# Receipts with these notes name a record that somebody else made, or a stage that a person chose.
NOT_OURS = ("already_logged", "address_known", "moved_on_by_person", "stage_put_back", "record_deleted")


class Way(StrEnum):
    """What an undo does with one item."""

    REMOVE = "remove"  # delete the record that it made
    RESTORE = "restore"  # put back what it found, unless somebody changed it since
    DROP = "drop"  # nothing of it is in the CRM, or it goes with another record
    WAIT = "wait"  # it is on its way; the undo takes it up when it has settled
    STAY = "stay"


class Stay(StrEnum):
    """Why something stays. The sentence is in the message catalogue under `undo.stays`."""

    NO_WAY = "no_way"  # the vendor lets no program delete it
    SHARED = "shared"  # another run or live mail has brought the same mail
    IN_USE = "in_use"  # a customer on which other mails hang
    ADOPTED = "adopted"  # a lead of ours that people work with
    UNKNOWN = "unknown"  # nobody knows whether it was written
    LINK = "link"  # a record added to a mail that another run logged
    TASK_CLOSED = "task_closed"
    FIELDS = "fields"
    CHANGED = "changed"  # a person changed it since
    REFUSED = "refused"  # the vendor refused to delete it


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An item of a run, with what is known around it.

    `goes_with` says that the mail or task it is about goes in the same undo; `in_use` that other mails hang on the
    customer it made; `adopted` that people work with the lead it made; `shared` that another run, or live mail, answers
    for it too.
    """

    key: str
    kind: WriteKind
    state: ItemState
    write: Write
    sent: bool = False
    effect: str = ""
    note: str = ""
    record: str = ""
    shared: bool = False
    in_use: bool = False
    adopted: bool = False
    goes_with: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    way: Way
    why: Stay | None = None


def fate_of(made: Made, can: Mapping[WriteKind, Capability]) -> Fate:
    """What an undo does with one item; `can` is what the target offers."""
    if made.shared:
        return Fate(Way.STAY, Stay.SHARED)
    if made.state is ItemState.DONE:
        return _done(made, can)
    way = unwritten(made.state, sent=made.sent)
    return Fate(way, Stay.UNKNOWN if way is Way.STAY else None)


def unwritten(state: ItemState, *, sent: bool) -> Way:
    """What becomes of an item that is not done; STAY where nobody knows whether it was written."""
    match state:
        case ItemState.SENDING | ItemState.UNKNOWN:
            return Way.WAIT
        case ItemState.READY:
            return Way.WAIT if sent else Way.DROP
        case ItemState.PARKED:
            return Way.STAY if sent else Way.DROP
        case _:
            return Way.DROP


def _done(made: Made, can: Mapping[WriteKind, Capability]) -> Fate:
    if made.effect == Effect.UNCHANGED or made.note in NOT_OURS:
        return Fate(Way.DROP)
    if made.kind in MAKES_RECORD:
        return _removal(made, can)
    match made.kind:
        case WriteKind.LINK_EMAIL:
            return Fate(Way.DROP) if made.goes_with else Fate(Way.STAY, Stay.LINK)
        case WriteKind.COMPLETE_TASK:
            return Fate(Way.DROP) if made.goes_with else Fate(Way.STAY, Stay.TASK_CLOSED)
        case WriteKind.MOVE_DEAL:
            return Fate(Way.RESTORE)
        case WriteKind.SET_FIELDS:
            return Fate(Way.STAY, Stay.FIELDS)
        case _:
            return Fate(Way.DROP)


def _removal(made: Made, can: Mapping[WriteKind, Capability]) -> Fate:
    own = can.get(made.kind, Capability(removable=False))
    if not can.get(WriteKind.REMOVE, Capability(exists=False)).exists or not own.removable:
        return Fate(Way.STAY, Stay.NO_WAY)
    if made.adopted:
        return Fate(Way.STAY, Stay.ADOPTED)
    return Fate(Way.STAY, Stay.IN_USE) if made.in_use else Fate(Way.REMOVE)


def counter_write(made: Made, way: Way, account_id: str, run: int) -> Remove | MoveDeal:
    """The write that takes an item back. A stage is put back only where the deal still stands where we left it."""
    rule = f"undo:{run}"
    if way is Way.RESTORE and isinstance(made.write, MoveDeal):
        move = made.write
        return MoveDeal(
            key=key(account_id, WriteKind.MOVE_DEAL, made.key, move.deal, rule),
            deal=move.deal,
            pipeline=move.pipeline,
            expect_stage=move.to_stage,
            to_stage=move.expect_stage,
        )
    return Remove(
        key=key(account_id, WriteKind.REMOVE, made.key, made.record, rule), made_by=made.kind, record=made.record
    )
