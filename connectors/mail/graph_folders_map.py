"""The folders of a mailbox: which are read, and what lying in one means. Pure.

https://learn.microsoft.com/graph/api/resources/mailfolder
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from connectors.base.model import Place
from connectors.mail.graph_parse import RawFolder

ROOT = "msgfolderroot"
_PLACES = {
    "inbox": Place.INBOX,
    "sentitems": Place.SENT,
    "junkemail": Place.JUNK,
    "deleteditems": Place.TRASH,
    "recoverableitemsdeletions": Place.TRASH,
    "drafts": Place.DRAFT,
    "outbox": Place.DRAFT,
    "archive": Place.ARCHIVE,
}
# Never mail that somebody has got or sent; what the server itself writes there is no correspondence.
_NEVER = tuple(
    str.split("""
    deleteditems drafts outbox recoverableitemsdeletions searchfolders scheduled conversationhistory syncissues
    conflicts localfailures serverfailures
    """)
)
WELL_KNOWN = (ROOT, "inbox", "sentitems", "junkemail", "archive", *_NEVER)
"""Names that stand for ids whatever the mailbox's language."""

MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the tree. `path` is made of display names; `place` comes from the nearest well-known folder above."""

    id: str
    path: str
    place: Place
    read: bool


@dataclass(frozen=True, slots=True)
class Folders:
    """All folders of a mailbox by id. Ids are case-sensitive."""

    by_id: Mapping[str, Folder] = field(default_factory=lambda: MappingProxyType({}))

    def place(self, id_: str) -> Place:
        """What it means to lie there; an unknown folder counts as archive."""
        folder = self.by_id.get(id_)
        return folder.place if folder else Place.ARCHIVE

    def reads(self, id_: str) -> bool:
        folder = self.by_id.get(id_)
        return folder is not None and folder.read

    def label(self, id_: str) -> str:
        folder = self.by_id.get(id_)
        return folder.path if folder else ""

    def read_ids(self) -> tuple[str, ...]:
        """The folders whose mail is told: Inbox and Sent Items first, the others by path."""
        order = (Place.INBOX, Place.SENT)
        ranked = [
            (order.index(f.place) if f.place in order else 2, f.path, f.id) for f in self.by_id.values() if f.read
        ]
        return tuple(id_ for _, _, id_ in sorted(ranked))


def folders(
    raw: Iterable[RawFolder],
    well_known: Mapping[str, str],
    *,
    include_junk: bool = False,
    excluded: Sequence[str] = (),
) -> Folders:
    """The tree. `well_known` gives ids by name; `excluded` are display names or paths, each with those below it."""
    known = {id_: name for name, id_ in well_known.items()}
    all_ = {f.id: f for f in raw if f.removed is None and not (f.kind or "").endswith("mailSearchFolder")}
    never = {*_NEVER} if include_junk else {*_NEVER, "junkemail"}
    barred = {plain(name) for name in excluded}
    made = {id_: _folder(_line(id_, all_, known), known, never, barred) for id_ in all_ if known.get(id_) != ROOT}
    return Folders(MappingProxyType(made))


def _line(id_: str, all_: Mapping[str, RawFolder], known: Mapping[str, str]) -> list[RawFolder]:
    """The folder and those above it, itself first, without the root; a ring or an endless line is cut."""
    line: list[RawFolder] = []
    while id_ in all_ and known.get(id_) != ROOT and len(line) < MAX_DEPTH:
        folder = all_[id_]
        if folder in line:
            break
        line.append(folder)
        id_ = folder.parentFolderId or ""
    return line


def _folder(line: list[RawFolder], known: Mapping[str, str], never: set[str], barred: set[str]) -> Folder:
    names = [name_of(folder) for folder in reversed(line)]
    paths = ["/".join(names[: n + 1]) for n in range(len(names))]
    words = [known[folder.id] for folder in line if folder.id in known]
    place = next((_PLACES[word] for word in words if word in _PLACES), Place.ARCHIVE)
    left_out = any(word in never for word in words) or any(plain(name) in barred for name in (*names, *paths))
    return Folder(line[0].id, paths[-1], place, not left_out)


def name_of(folder: RawFolder) -> str:
    return (folder.displayName or "").encode("utf-8", "replace").decode()[:255]


def is_news(changed: Iterable[RawFolder], raw: Mapping[str, RawFolder]) -> bool:
    """Whether a folder came, went, moved or got another name; counts of mails change all the time."""
    for folder in changed:
        old = raw.get(folder.id)
        if (old is None) != (folder.removed is not None):
            return True
        if old is None or folder.removed is not None:
            continue
        if folder.displayName not in (None, old.displayName) or folder.parentFolderId not in (None, old.parentFolderId):
            return True
    return False


def is_barred(categories: Iterable[str], excluded: Sequence[str]) -> bool:
    """Whether one of a mail's categories is left out by name, or lies below one that is."""
    if not excluded:
        return False
    barred = [plain(name) for name in excluded]
    named = [plain(category) for category in categories]
    return any(name == x or name.startswith(f"{x}/") for name in named for x in barred)


def unknown_names(excluded: Sequence[str], tree: Folders) -> tuple[str, ...]:
    """Those of the names that no folder has."""
    found = {plain(part) for f in tree.by_id.values() for part in (f.path, f.path.rpartition("/")[2])}
    return tuple(name for name in excluded if plain(name) not in found)


def plain(name: str) -> str:
    """A name as people compare names."""
    return unicodedata.normalize("NFC", name).strip().casefold()
