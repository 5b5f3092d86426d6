"""Rigs of the built-in connectors: a simulated vendor by its host, and the class that the registry names for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, ClassVar

from connectors.base.crm import CrmTarget
from connectors.base.mail import MailboxScope, MailSource
from connectors.base.services import Services
from connectors.registry import crm_target, mail_source
from tradepost.sandbox.hosts import Connection
from tradepost.sandbox.kernel import ASGIApp, Vendor
from tradepost.testing.rig import CrmRig, MailRig, Rig

# Looking through all installed packages takes a hundredth of a second.
_crm_target, _mail_source = cache(crm_target), cache(mail_source)


class Hosted(Rig):
    """A vendor that `tradepost.sandbox` simulates. `settings` are added to the connection's section."""

    settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    _folder: TemporaryDirectory[str] | None = None

    def house(self, host: Any, vendor: Vendor) -> None:
        """Move in; the first thing that a rig's constructor does."""
        self.host = host
        self.vendor = vendor
        self.secrets = tuple(_words(host.connection().secrets))

    def apps(self) -> Mapping[str, ASGIApp]:
        return dict.fromkeys(self.host.host_names, self.vendor)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def section(self) -> tuple[str, dict[str, Any]]:
        """The connector's name, and its configuration with secrets in files."""
        connection: Connection = self.host.connection()
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="tradepost-rig-")
        folder = Path(self._folder.name)
        for name, text in connection.secrets.items():
            file = folder / name
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
        section = {**connection.section, **self.settings}
        return str(section.pop("type")), _located(section, folder)


class HostedCrm(Hosted, CrmRig):
    def open(self, services: Services) -> CrmTarget:
        name, section = self.section()
        connector = _crm_target(name)
        target: CrmTarget = connector(connector.Config.model_validate(section), services)
        return target


class HostedMail(Hosted, MailRig):
    def open(self, services: Services, scope: MailboxScope) -> MailSource:
        name, section = self.section()
        connector = _mail_source(name)
        source: MailSource = connector(connector.Config.model_validate(section), scope, services)
        return source


def _located(value: Any, folder: Path) -> Any:
    """Every `{file: NAME}` with the place of that file."""
    if isinstance(value, Mapping):
        if set(value) == {"file"}:
            return {"file": str(folder / value["file"])}
        return {name: _located(part, folder) for name, part in value.items()}
    return value


def _words(secrets: Mapping[str, str]) -> list[str]:
    """The secrets themselves; of a key file, a line from the middle of its key."""
    lines = [text.replace("\\n", "\n").splitlines() for text in secrets.values()]
    return [max(part, key=len).strip()[:60] if len(part) > 1 else part[0] for part in lines if part]
