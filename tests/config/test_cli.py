"""The command line speaks the person's language and ends every mistake with one clear message."""

import io
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradepost import cli
from tradepost.cli import COMMANDS, Command, language_at_start, main
from tradepost.click_words import speak
from tradepost.errors import UserError
from tradepost.messages import Language, catalogue, sentence

Written = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **environ: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = main(arguments, environ, out, err)
        return code, out.getvalue(), err.getvalue()

    yield call
    speak(Language.EN)


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., int]], None]:
    """Puts a command `try` into the program."""

    def put(function: Callable[..., int]) -> None:
        module = types.ModuleType("tradepost.commands.trial")
        module.run = function  # type: ignore[attr-defined]
        module.__spec__ = types.SimpleNamespace(name=module.__name__)  # type: ignore[assignment]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(cli, "COMMANDS", (Command("schema", "trial:run"),))

    return put


def test_help_is_in_the_asked_language_down_to_clicks_own_words(run: Run) -> None:
    english, chinese = run("--help")[1], run("--help", "--lang", "zh")[1]
    assert "Usage:" in english
    assert "Commands:" in english
    assert "用法" in chinese
    assert "命令" in chinese
    assert "Usage" not in chinese
    assert "Commands" not in chinese
    assert catalogue(Language.ZH)["help.tradepost"] in chinese


def test_every_command_is_told_in_full_in_both_languages(run: Run) -> None:
    for language in Language:
        code, text, _ = run("--help", "--lang", str(language))
        assert code == 0
        for name in ("check", "schema"):
            assert name in text
            assert catalogue(language)[f"help.{name}"].split("，")[0].split(";")[0] in text
            assert run(name, "--help", "--lang", str(language))[0] == 0


def test_the_help_of_every_command_and_option_exists() -> None:
    for language in Language:
        for command in COMMANDS:
            assert f"help.{command.name}" in catalogue(language)
            assert all(param(language) for param in command.params)
            assert all(f"help.{name}" in catalogue(language) for name in command.more)


def test_no_help_sentence_is_left_over() -> None:
    source = Path(cli.__file__).read_text(encoding="utf-8")
    told = {k.removeprefix("help.") for k in catalogue(Language.EN) if k.startswith("help.")}
    names = {c.name for c in COMMANDS} | {"tradepost"}
    assert {name for name in told - names if f'"{name}"' not in source} == set()


@pytest.mark.parametrize(
    "arguments", [("chekc",), ("schema", "--nope"), ("schema", "x"), ("--lang", "fr", "schema"), ("check", "--config")]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_slip_in_the_command_ends_with_2_and_one_message(run: Run, arguments: tuple[str, ...], language: str) -> None:
    code, out, err = run(*arguments, TRADEPOST_LANG=language)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert {"en": "Error: ", "zh": "错误："}[language] in err


@pytest.mark.parametrize("arguments", [(), ("login",)])
def test_too_little_is_answered_with_help_or_what_is_missing(run: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert "Usage:" in err


def test_the_version_is_told(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "tradepost")
    assert out.split()[1][0].isdigit()


def test_the_schema_is_json(run: Run) -> None:
    code, out, _ = run("schema")
    assert code == 0
    assert json.loads(out)["title"] == "Tradepost configuration"


def test_the_schema_speaks_the_language_of_the_terminal_and_the_committed_one_english(run: Run) -> None:
    chinese = json.loads(run("schema", LANG="zh_CN.UTF-8")[1])
    assert chinese["title"] == "Tradepost 配置"
    assert chinese["$defs"]["Mailbox"]["properties"]["address"]["description"] == "邮箱的地址。"
    root = Path(__file__).parents[2]
    made = re.search(
        r"^\t\$\(BIN\)/tradepost (.*) > config\.schema\.json$", (root / "Makefile").read_text(), re.MULTILINE
    )
    assert made
    committed = (root / "config.schema.json").read_text(encoding="utf-8")
    assert run(*made[1].split(), LANG="zh_CN.UTF-8", TRADEPOST_LANG="zh")[1] == committed


def test_the_schema_is_utf_8_in_a_terminal_of_another_encoding() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="gbk")
    assert main(["schema"], {"TRADEPOST_LANG": "zh"}, out, io.StringIO()) == 0
    speak(Language.EN)
    out.flush()
    assert json.loads(out.buffer.getvalue().decode("utf-8"))["title"] == "Tradepost 配置"  # type: ignore[attr-defined]


def test_a_good_configuration_is_told_to_people_and_to_scripts(run: Run, written: Written, good: str) -> None:
    path = written(good)
    code, out, err = run("check", "--config-only", "-c", str(path))
    assert (code, err) == (0, "")
    assert out == f"{path}: the configuration is in order. Connections: google, crm; mailboxes: 1.\n"
    code, out, _ = run("check", "--config-only", "--json", "-c", str(path))
    assert json.loads(out)["mailboxes"] == ["alice@acme.example"]


def test_the_configuration_may_be_named_before_the_command_and_after_it(run: Run, written: Written, good: str) -> None:
    path = str(written(good, "other.yaml"))
    for arguments in (
        ("-c", path, "check", "--config-only"),
        ("check", f"--config={path}", "--config-only"),
        ("-c", "nowhere.yaml", "check", "--config-only", "-c", path),
    ):
        assert run(*arguments)[0] == 0


def test_the_configuration_of_the_working_folder_is_taken(run: Run, written: Written, good: str) -> None:
    written(good)
    assert run("check", "--config-only")[1].startswith("config.yaml: ")


def test_mistakes_of_the_configuration_end_with_2_on_standard_error(run: Run, written: Written, good: str) -> None:
    path = written("language: zh\n" + good + "pol: {}\nlogg: {}\n")
    code, out, err = run("check", "--config-only", "-c", str(path))
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == f"{path}:13:1: 这里没有这个键。"
    assert err.splitlines()[-1] == "配置中的问题：2 个"


def test_without_a_configuration_one_sentence_says_how_to_begin(run: Run) -> None:
    code, _, err = run("check", "--config-only", "-c", "nowhere.yaml")
    assert code == 2
    assert (
        err == "nowhere.yaml: there is no such file. Name another with --config, or start from config.example.yaml.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        (["schema"], {}, "zh"),
        (["schema", "--lang", "en"], {}, "en"),
        (["schema", "--lang=en"], {}, "en"),
        (["schema"], {"TRADEPOST_LANG": "en"}, "en"),
        (["schema"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["-c", "other.yaml", "schema"], {"LANG": "en_US.UTF-8"}, "en"),
        (["-cother.yaml"], {}, "en"),
        (["--config"], {}, "zh"),
        (["--lang"], {}, "zh"),
    ],
)
def test_the_language_is_known_before_anything_is_parsed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], environ: dict[str, str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("language: zh\n")
    Path("other.yaml").write_text("language: en\n")
    assert language_at_start(arguments, environ) == expected


def raising(error: BaseException) -> Callable[..., int]:
    def function(*_: object, **__: object) -> int:
        raise error

    return function


def test_ctrl_c_ends_with_130_and_one_word(run: Run, does: Callable[[object], None]) -> None:
    does(raising(KeyboardInterrupt()))
    code, out, err = run("schema")
    assert (code, out, err.strip()) == (130, "", "Stopped.")


def test_a_mistake_of_the_person_ends_with_2(run: Run, does: Callable[[object], None]) -> None:
    does(raising(UserError(sentence("reason.draft"), sentence("reason.junk"))))
    assert run("schema", "--lang", "zh") == (2, "", "这是草稿。\n在垃圾邮件文件夹里。\n")


def test_a_mistake_of_ours_ends_with_70_and_its_place_without_its_words(
    run: Run, does: Callable[[object], None]
) -> None:
    does(raising(RuntimeError("Dear Alice")))
    code, _, err = run("schema")
    assert code == 70
    assert "RuntimeError at test_cli.py:" in err
    assert "Alice" not in err
    assert "Traceback" not in err
    assert "Traceback" in run("schema", TRADEPOST_TRACEBACK="1")[2]


def test_a_commands_exit_code_is_the_programs(run: Run, does: Callable[[object], None]) -> None:
    does(lambda *_, **__: 1)
    assert run("schema")[0] == 1


def program(*arguments: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "tradepost", *arguments], capture_output=True, env=environ, check=False, **options
    )  # type: ignore[call-overload, no-any-return]


def test_python_m_tradepost_works() -> None:
    done = program("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"tradepost ")


def test_a_reader_who_leaves_early_sees_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", "tradepost", "schema"], stdout=writer, stderr=subprocess.PIPE, env=environ, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode in (0, 1)
