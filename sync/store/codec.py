"""Values to stored text and back, and bodies to sealed bytes and back."""

from __future__ import annotations

import json
from typing import Annotated, Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from pydantic import Field, TypeAdapter

from connectors.base.model import Customer, Deal, RecordRef, TargetAccount, User, Write
from mappings.model import Evidence, Facts, ThreadLink

T = TypeVar("T")


class Codec(Generic[T]):
    """One type's stored form: compact JSON, the same bytes for the same value."""

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def dump(self, value: T) -> str:
        return self._adapter.dump_json(value).decode()

    def load(self, text: str) -> T:
        return self._adapter.validate_json(text)


facts: Codec[Facts] = Codec(Facts)
write: Codec[Write] = Codec(Annotated[Write, Field(discriminator="kind")])
link: Codec[ThreadLink] = Codec(ThreadLink)
evidence: Codec[tuple[Evidence, ...]] = Codec(tuple[Evidence, ...])
customer: Codec[Customer] = Codec(Customer)
deal: Codec[Deal] = Codec(Deal)
user: Codec[User] = Codec(User)
account: Codec[TargetAccount] = Codec(TargetAccount)
refs: Codec[tuple[RecordRef, ...]] = Codec(tuple[RecordRef, ...])
words: Codec[tuple[str, ...]] = Codec(tuple[str, ...])


class Seal:
    """Encrypts bodies at rest. A wrong key reads as "no body", which is fetched again."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def close(self, text: str, html: str) -> bytes:
        return self._fernet.encrypt(json.dumps([text, html]).encode())

    def open(self, sealed: bytes) -> tuple[str, str] | None:
        """(text, html), or None when the key is another one."""
        try:
            text, html = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            return None
        return text, html
