"""The command line: what can be said, in the person's language, and how mistakes end.

Commands are modules of `tradepost.commands`, loaded when called. Exit codes: 0 done, 1 not well (a check that found
problems, a question answered with no), 2 a mistake of the person, 3 done and something stays that a person must see to,
70 a mistake of ours, 130 stopped with Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import errno
import importlib
import importlib.metadata
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

import click

from tradepost.click_words import speak
from tradepost.commands.invocation import Invocation
from tradepost.config import find_config, peek_language
from tradepost.errors import UserError, reason
from tradepost.messages import Language, choose_language, say, sentence
from tradepost.terminal import open_console

USER_MISTAKE = 2
OUR_MISTAKE = 70  # EX_SOFTWARE of sysexits(3)
INTERRUPTED = 130  # 128 + SIGINT, as shells do
NO_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # write(2), of standard output
DAY, DAY_SHOWN = click.DateTime(["%Y-%m-%d"]), "YYYY-MM-DD"

Param = Callable[[Language], click.Parameter]


def option(*names: str, text: str, **settings: Any) -> Param:
    """An option whose help is the sentence `help.<text>`."""
    return lambda language: click.Option(names, help=say(f"help.{text}", language), **settings)


def argument(name: str, **settings: Any) -> Param:
    return lambda _language: click.Argument([name], **settings)


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the function that does it (`module:function` below tradepost.commands), and what it may be told."""

    name: str
    does: str
    params: tuple[Param, ...] = ()
    more: tuple[str, ...] = field(default=())  # sentences about its arguments, below the first one


JSON = option("--json", "as_json", text="json", is_flag=True)
YES = option("--yes", "-y", text="yes", is_flag=True)
MAILBOXES = option("--mailbox", "mailboxes", text="mailbox", multiple=True, metavar="ADDRESS")
FILE = argument("file", type=click.Path(path_type=Path))

COMMANDS = (
    Command("demo", "demo:run", (option("--keep", text="demo_keep", is_flag=True), JSON)),
    Command(
        "sandbox",
        "sandbox:run",
        (
            option("--port", text="sandbox_port", type=click.IntRange(0, 65535), default=0),
            option(
                "--mail",
                text="sandbox_mail",
                multiple=True,
                type=click.Path(exists=True, path_type=Path),
                metavar="PATH",
            ),
            option("--fresh", text="sandbox_fresh", is_flag=True),
            option("--tls", text="sandbox_tls", is_flag=True),
        ),
    ),
    Command("run", "run:run", (option("--once", text="run_once", is_flag=True),)),
    Command(
        "backfill",
        "backfill:run",
        (
            option("--plan", text="backfill_plan", is_flag=True),
            option("--since", text="since", type=DAY, metavar=DAY_SHOWN),
            option("--until", text="until", type=DAY, metavar=DAY_SHOWN),
            MAILBOXES,
            YES,
            JSON,
        ),
    ),
    Command("check", "check:run", (option("--config-only", text="check_config_only", is_flag=True), JSON)),
    Command("login", "login:run", (argument("connection"), MAILBOXES), ("login_connection",)),
    Command("setup", "setup:run", (YES,)),
    Command(
        "conformance",
        "conformance:run",
        (argument("connection"), MAILBOXES, option("--i-mean-it", "mean_it", text="conformance_mean_it", is_flag=True)),
        ("conformance_connection",),
    ),
    Command(
        "preview", "preview:run", (option("--limit", text="preview_limit", type=click.IntRange(1), default=200), JSON)
    ),
    Command("status", "status:run", (JSON,)),
    Command("explain", "explain:run", (argument("mail"), JSON), ("explain_mail",)),
    Command(
        "retry",
        "retry:run",
        (argument("items", nargs=-1), option("--all", "every", text="retry_all", is_flag=True), JSON),
        ("retry_items",),
    ),
    Command("backup", "backup:run", (FILE, JSON), ("backup_file",)),
    Command("restore", "restore:run", (FILE, YES, JSON), ("restore_file",)),
    Command(
        "rebuild",
        "rebuild:run",
        (option("--since", text="since", type=DAY, metavar=DAY_SHOWN), YES, JSON),
        ("rebuild_since",),
    ),
    Command(
        "undo",
        "undo:run",
        (
            argument("runs", nargs=-1, type=int, metavar="[RUN]..."),
            option("--plan", text="undo_plan", is_flag=True),
            YES,
            JSON,
        ),
        ("undo_runs",),
    ),
    Command(
        "erase",
        "erase:run",
        (argument("address", metavar="ADDRESS"), option("--plan", text="erase_plan", is_flag=True), YES, JSON),
        ("erase_address",),
    ),
    Command("export", "export:run", (argument("address", metavar="ADDRESS"), JSON), ("export_address",)),
    Command("schema", "schema:run"),
)


def build(language: Language, environ: Mapping[str, str], out: TextIO, err: TextIO) -> click.Group:
    """The whole command line in one language."""
    group = click.Group(
        "tradepost",
        help=say("help.tradepost", language),
        params=[*_everywhere(language), _version(language)],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for command in COMMANDS:
        group.add_command(_command(command, language, environ, out, err))
    return group


def _command(
    command: Command, language: Language, environ: Mapping[str, str], out: TextIO, err: TextIO
) -> click.Command:
    first = say(f"help.{command.name}", language)

    def callback(**values: Any) -> int:
        invocation = Invocation(
            language=language,
            out=open_console(out, environ),
            err=open_console(err, environ),
            environ=environ,
            config=click.get_current_context().meta.get("tradepost.config"),
        )
        does = getattr(importlib.import_module(_module(command)), command.does.partition(":")[2])
        return int(does(invocation, **values))

    return click.Command(
        command.name,
        callback=callback,
        params=[*(param(language) for param in command.params), *_everywhere(language)],
        help="\n\n".join([first, *(say(f"help.{name}", language) for name in command.more)]),
        short_help=first,
    )


def _module(command: Command) -> str:
    return f"tradepost.commands.{command.does.partition(':')[0]}"


def _everywhere(language: Language) -> list[click.Parameter]:
    """Options that may stand before the command or after it."""

    def keep(context: click.Context, _param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.meta["tradepost.config"] = value

    path = click.Path(path_type=Path)
    config = option("--config", "-c", text="config", type=path, metavar="PATH", expose_value=False, callback=keep)
    # The language is chosen before anything is parsed; here its value is only checked.
    lang = option("--lang", text="lang", type=click.Choice([str(one) for one in Language]), expose_value=False)
    return [config(language), lang(language)]


def _version(language: Language) -> click.Parameter:
    def show(context: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - Click's signature
        if value:
            click.echo(f"tradepost {importlib.metadata.version('tradepost')}")
            context.exit()

    return option("--version", text="version", is_flag=True, is_eager=True, expose_value=False, callback=show)(language)


def language_at_start(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """The language, before anything is parsed: help and mistakes need it too."""
    configured = None
    try:
        given = _value_of(arguments, "--config", "-c")
        configured = peek_language(find_config(Path(given) if given else None))
    except UserError:
        pass  # told when a command needs the file
    return choose_language(_value_of(arguments, "--lang"), environ, configured)


def _value_of(arguments: Sequence[str], *names: str) -> str | None:
    for here, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        if here in names:
            return following or None
        for name in names:
            start = f"{name}=" if name.startswith("--") else name
            if here.startswith(start):
                return here.removeprefix(start)
    return None


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Run one command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    environ = os.environ if environ is None else environ
    out, err = out or sys.stdout, err or sys.stderr
    language = language_at_start(arguments, environ)
    speak(language)
    program = build(language, environ, out, err)
    do = partial(program.main, args=list(arguments), prog_name="tradepost", standalone_mode=False)
    with _stoppable():
        return _guarded(do, language, environ, out, err)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does, so that what it has half done is put away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _guarded(do: Callable[[], Any], language: Language, environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    try:
        code = int(do() or 0)
        out.flush()  # here, where a reader who left can be noticed
    except click.ClickException as error:
        error.show(file=err)
        return error.exit_code
    except UserError as error:
        print(error.say(language), file=err)
        return USER_MISTAKE
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt):
            print(say("app.interrupted", language), file=err)
            return INTERRUPTED
        return 1
    except BrokenPipeError:  # `tradepost status | head`; https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the last wall: a person sees no traceback unless asking for it
        if isinstance(error, OSError) and error.filename is None and error.errno in NO_OUTPUT:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest is not tried again at the end
            print(UserError(sentence("app.output", error=reason(error))).say(language), file=err)
            return USER_MISTAKE
        if environ.get("TRADEPOST_TRACEBACK"):
            traceback.print_exception(error, file=err)
        print(say("app.bug", language, kind=type(error).__name__, place=_place(error)), file=err)
        return OUR_MISTAKE
    return code


def _place(error: BaseException) -> str:
    """Where it broke, without values: they may quote a mail."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
