"""The board's page: every entry, in Markdown and HTML, and no name that means something there."""

import pytest

from axfpm.board import COLUMNS, page, page_kind
from golden.errors import InvalidInput
from golden.robustness.board import Board, Entry
from golden.robustness.statistics import Proportion

ENTRIES = tuple(
    Entry(f"a|<b>{k}", None, Proportion(9 - k, 10), Proportion(10, 10), None, energy, "m", "0, 1", 8, "f.jsonl")
    for k, energy in enumerate(("0.41", ""))
)
BOARD = Board({("tiny", "linf", 0.1): ENTRIES}, {"g_h.jsonl": ("no verdict", "more"), "i": ("x",)})


def test_markdown():
    lines = page(BOARD, page_kind("p.md")).splitlines()
    start = lines.index("## tiny, linf 0.1")
    head, rule, first, second = lines[start + 2 : start + 6]
    assert head == "| " + " | ".join(COLUMNS) + " |"
    assert rule.count("---") == len(COLUMNS)
    assert first == (
        r"| 1 | a\|\<b\>0 | 9/10 = 90.0% \[59.6, 98.2\] | 10/10 = 100.0% \[72.2, 100.0\] | - | 0.41 | m | 0, 1 | 10 "
        r"| 8 | f.jsonl |"
    )
    assert second.startswith(r"| 2 | a\|\<b\>1 | 8/10")
    assert second.split(" | ")[5] == "-"
    assert lines[-2:] == [r"- g\_h.jsonl: no verdict (and 1 more faults)", "- i: x"]


def test_html():
    text = page(BOARD, page_kind("P.HTML"))
    assert text.count("<tr>") == 3
    assert "<td>a|&lt;b&gt;0</td>" in text
    assert "<li>g_h.jsonl: no verdict (and 1 more faults)</li>" in text


def test_nothing_ranks():
    assert "No file ranks yet." in page(Board({}, {}), "board.md")


def test_other_pages():
    with pytest.raises(InvalidInput, match=r"p is no page that a board can be; end its name in \.md or \.html"):
        page_kind("p")
