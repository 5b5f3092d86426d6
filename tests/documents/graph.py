"""An OpenAPI document derived from Microsoft's CSDL judges Microsoft Graph's mail calls."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.documents.document import Violation, read_json
from tests.documents.openapi import Reader
from tradepost.sandbox.recorder import Exchange

_KINDS = ("file", "item", "reference")


class Checker:
    """Judges one vendor's exchanges."""

    def __init__(self, specs: Path | None) -> None:
        if specs is None:
            raise FileNotFoundError("The document of Microsoft Graph is not here.")
        file = specs / "microsoft-graph/graph-mail-v1.0.openapi.json"
        reader = Reader("graph", [file], closed=True, patterns=True)
        self.document = reader.document()
        # An attachment is of one of three kinds: https://learn.microsoft.com/graph/api/resources/attachment
        names = [next(n for n in reader.schemas if n.endswith(f".{kind}Attachment")) for kind in _KINDS]
        base = next(n for n in reader.schemas if n.endswith(".attachment"))
        self.document.definitions[base] = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}

    def judge(self, exchange: Exchange) -> list[Violation]:
        if exchange.path.startswith("/beta/"):
            return []  # the document is of v1.0
        found = self.document.judge(exchange, plain(exchange.path))
        for part in _parts(exchange):
            found += self.document.judge(part, plain(part.path))
        return sorted(set(found))


def plain(path: str) -> str:
    """A path as the document writes it: below the version, `me` as a user, functions with their brackets."""
    path = re.sub(r"^/(v1\.0|beta)", "", unquote(path).rstrip("/"))
    path = re.sub(r"^/me(?=/|$)", "/users/me", path)
    path = re.sub(r"\('([^']*)'\)", r"/\1", path).replace("microsoft.graph.", "")
    path = re.sub(r"/delta$", "/delta()", path)
    return re.sub(r"(/childFolders/[^/]+)(?=/childFolders/)", "", path, flags=re.IGNORECASE)


def _parts(exchange: Exchange) -> list[Exchange]:
    """The calls inside a batch."""
    asked, told = (
        read_json(*each) for each in ((exchange.headers, exchange.body), (exchange.reply_headers, exchange.reply))
    )
    if not exchange.path.endswith("/$batch") or not isinstance(asked, dict) or not isinstance(told, dict):
        return []
    requests = {each["id"]: each for each in asked.get("requests", ()) if isinstance(each, dict) and "id" in each}
    found = []
    for answer in told.get("responses", ()):
        request = requests.get(answer["id"])
        body = answer.get("body")
        if request is None or not isinstance(body, dict):
            continue
        url = urlsplit(str(request.get("url", "")))
        part = Exchange(
            vendor="graph",
            operation="",
            kind="read",
            method=str(request.get("method", "")).upper(),
            path=f"/v1.0/{url.path.lstrip('/')}",
            query=url.query,
            headers={"content-type": "application/json", "user-agent": exchange.headers.get("user-agent", "")},
            body=json.dumps(request["body"]).encode() if "body" in request else b"",
            status=int(answer["status"]),
            reply_headers={"content-type": "application/json"},
            reply=json.dumps(body).encode(),
            part=True,
        )
        found.append(part)
    return found
