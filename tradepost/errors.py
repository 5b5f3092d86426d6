"""Mistakes of the person at the terminal: told in sentences, without a traceback."""

from __future__ import annotations

import errno

from tradepost.messages import Language, Sentence, known, sentence


class UserError(Exception):
    """Ends a command with exit code 2. `sentences` say what is wrong and how to mend it."""

    def __init__(self, *sentences: Sentence) -> None:
        super().__init__(*(s.id for s in sentences))
        self.sentences = sentences

    def say(self, language: Language) -> str:
        """What the terminal shows, one sentence a line."""
        return "\n".join(s.say(language) for s in self.sentences)


class NoRoom(UserError):
    """The disk is full: nothing can begin until somebody makes room. A service waits for that."""


def reason(error: OSError) -> Sentence | str:
    """What the system said, in words; its own where the catalogue has none."""
    name = f"os_error.{errno.errorcode.get(error.errno or 0, '')}"
    return sentence(name) if known(name) else error.strerror or str(error)
