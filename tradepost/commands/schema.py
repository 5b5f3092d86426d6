"""`tradepost schema`."""

from __future__ import annotations

import codecs

from tradepost.commands.invocation import Invocation
from tradepost.config.schema import schema_text


def run(invocation: Invocation) -> int:
    # JSON is UTF-8 (RFC 8259, section 8.1); where the output is not, as in a GBK terminal, ASCII alone is both.
    encoding = codecs.lookup(getattr(invocation.out.file, "encoding", None) or "utf-8").name
    invocation.out.file.write(schema_text(invocation.language, ascii_only=encoding != "utf-8"))
    return 0
