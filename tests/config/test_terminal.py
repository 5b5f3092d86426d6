"""A terminal gets colours and bars; a file or pipe gets plain, unfolded lines."""

import io

from rich.cells import cell_len
from rich.table import Table

from tradepost.messages import Language
from tradepost.terminal import open_console, plain, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class SteppedClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> object:
        raise AssertionError("nobody asks for the time of day")

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None: ...


def test_a_pipe_gets_no_colour_and_no_folding() -> None:
    stream = io.StringIO()
    console = open_console(stream, {"COLUMNS": "20"})
    console.print("x" * 300, style="bold red")
    assert stream.getvalue() == "x" * 300 + "\n"


def test_a_terminal_gets_colour_unless_it_asks_for_none() -> None:
    loud, quiet = Terminal(), Terminal()
    open_console(loud, {"TERM": "xterm"}).print("x", style="red")
    open_console(quiet, {"TERM": "xterm", "NO_COLOR": "1"}).print("x", style="red")
    assert "\x1b[31m" in loud.getvalue()
    assert "\x1b[31m" not in quiet.getvalue()


def test_foreign_text_is_no_markup() -> None:
    stream = io.StringIO()
    open_console(stream, {}).print("[red]x[/red] :smile:")
    assert stream.getvalue() == "[red]x[/red] :smile:\n"


def test_columns_line_up_under_chinese() -> None:
    stream = io.StringIO()
    table = Table("客户", "n", box=None, padding=0)
    table.add_row("深圳贸易有限公司", "1")
    table.add_row("Acme", "2")
    open_console(stream, {}).print(table)
    first, second = (line.rstrip() for line in stream.getvalue().splitlines()[1:])
    assert cell_len(first) == cell_len(second) == cell_len("深圳贸易有限公司") + 1


def test_foreign_text_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b]0;owned\x07b\u202ec\nd") == "a\ufffd]0;owned\ufffdb\ufffdc d"
    assert plain("报价单 – prix 価格 می\u200cخواهم") == "报价单 – prix 価格 می\u200cخواهم"


def test_progress_in_a_pipe_is_a_line_now_and_then_and_the_last_one() -> None:
    stream, clock = io.StringIO(), SteppedClock()
    with progress(open_console(stream, {}), clock, Language.EN) as bar:
        for done in range(101):
            bar.show("alice@acme.example", done, 100)
            clock.seconds += 0.5
    lines = stream.getvalue().splitlines()
    assert lines[0] == "alice@acme.example: 0 of 100"
    assert lines[-1] == "alice@acme.example: 100 of 100"
    assert len(lines) == 6


def test_progress_in_a_pipe_does_not_repeat_itself() -> None:
    stream, clock = io.StringIO(), SteppedClock()
    with progress(open_console(stream, {}), clock, Language.ZH) as bar:
        for _ in range(5):
            bar.show("补录", 3, None)
            clock.seconds += 60
    assert stream.getvalue() == "补录：3\n"


def test_progress_on_a_terminal_is_one_bar_a_label() -> None:
    stream = Terminal()
    with progress(open_console(stream, {"TERM": "xterm", "COLUMNS": "100"}), SteppedClock(), Language.EN) as bar:
        bar.show("one", 1, 10)
        bar.show("two", 2, None)
        bar.show("one", 10, 10)
    assert "10/10" in stream.getvalue()
    assert "2/?" in stream.getvalue()


def test_a_narrow_terminal_cuts_no_number() -> None:
    stream = Terminal()
    with progress(open_console(stream, {"TERM": "xterm", "COLUMNS": "60"}), SteppedClock(), Language.ZH) as bar:
        bar.show("tom.zhou@minghui-lighting.example：正在读取", 12_300, 12_360)
    assert "12300/12360" in stream.getvalue()
