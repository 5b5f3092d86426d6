"""Secrets are named, never written down; what cannot be read says what, where and how to mend it."""

from __future__ import annotations

import sys

import pytest
from pydantic import BaseModel, ValidationError

from connectors.oauth import SecretError, SecretRef


def test_each_place_is_read_without_the_line_break_at_the_end(tmp_path, monkeypatch) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf from file \r\n")
    monkeypatch.setenv("TP_SECRET", "秘密")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    printed = [sys.executable, "-c", "print('from command')"]
    assert SecretRef(env="TP_SECRET").read() == "秘密"
    assert SecretRef(file=tmp_path / "key").read() == " from file "
    assert SecretRef(credential="key").read() == " from file "
    assert SecretRef.model_validate({"command": printed}).read() == "from command"


class Config(BaseModel):
    secret: SecretRef


@pytest.mark.parametrize("literal", ["hunter2-literal", 12345678, b"hunter2-literal"])
def test_a_literal_is_refused_with_the_way_to_write_it_and_not_repeated(literal) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"secret": literal})
    text = str(caught.value)
    assert "{env: NAME}" in text
    assert "{credential: NAME}" in text
    assert "hunter2" not in text
    assert "12345678" not in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "found nothing"),
        ({"env": "A", "file": "/b"}, "found env and file"),
        ({"env": ""}, "env"),
        ({"command": []}, "command"),
        ({"credential": "../../etc/shadow"}, "credential"),
        ({"value": "hunter2"}, "value"),
    ],
)
def test_exactly_one_place_must_be_named(value, said) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        Config.model_validate({"secret": value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("ref", "code", "said"),
    [
        ({"env": "TP_NO_SUCH"}, "secret_env", "TP_NO_SUCH"),
        ({"file": "/no/such/file"}, "secret_file", "No such file"),
        ({"credential": "key"}, "secret_credentials", "LoadCredential=key"),
        ({"command": ["/no/such/program"]}, "secret_command", "/no/such/program"),
        ({"command": [sys.executable, "-c", "import sys; print('hunter2'); sys.exit('hunter2')"]}, "secret_command", "exit code 1"),
        ({"command": [sys.executable, "-c", "pass"]}, "secret_empty", "empty"),
        ({"command": [sys.executable, "-c", r"import sys; sys.stdout.buffer.write(b'\xff\xfe')"]}, "secret_text", "UTF-8"),
        ({"command": [sys.executable, "-c", "print('x' * 2_000_000)"]}, "secret_large", "megabyte"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where_and_how_to_mend_it(monkeypatch, ref, code, said) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretError) as caught:
        SecretRef.model_validate(ref).read()
    error = caught.value
    assert error.code == code
    assert said in str(error)
    assert all([error.what, error.where, error.mend])
    assert "hunter2" not in str(error)


def test_a_credential_that_systemd_did_not_load_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(SecretError, match=r"LoadCredential=absent:/path"):
        SecretRef(credential="absent").read()


def test_a_program_that_never_ends_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr("connectors.oauth.secret_ref.COMMAND_SECONDS", 0.2)
    with pytest.raises(SecretError, match="not ended"):
        SecretRef(command=(sys.executable, "-c", "input() if False else __import__('signal').pause()")).read()


def test_a_reference_shows_its_place_but_not_a_commands_arguments() -> None:
    assert repr(SecretRef(env="TP_SECRET")) == "SecretRef(env: TP_SECRET)"
    shown = f"{SecretRef(command=('pass', 'show', 'hunter2'))!r} {SecretRef(command=('pass', 'hunter2'))}"
    assert "hunter2" not in shown
