"""Pages, and the row of README."""

import pytest
from planted_fronts import FRONT, joint_front, network

from axfpm.joint_front.levels import Level, choices
from axfpm.joint_front.tables import (
    conditions,
    front_pages,
    front_readme_rows,
    leading,
    measured_fronts,
    network_rows,
    summary,
)
from axfpm.pages import END, FRONTS, brought_up_to_date
from golden.errors import InvalidInput
from golden.robustness.row_types import EXACT

TABLE = "| what |\n|---|\n| clean accuracy on the multiplier before and after training on it, x |\n| other |\n"


def test_rows():
    head, rows = network_rows(FRONT)
    assert head == (
        *("network", "what was done", "uJ an image", "/ exact", "clean", "linf 0.1", "l2 1.3"),
        *("beaten in all by", "no worse and cheaper"),
    )
    by = {row[0]: row for row in rows}
    assert by["ax-fpm"][1:] == (
        *(
            "catalogue",
            "70 [68.6, 71.4]",
            "0.70 [0.69, 0.71]",
            "85.00% [83.37, 86.50]",
            "10.0% [6.6, 14.9]",
            "10.0% [6.6, 14.9]",
        ),
        *(["e8m2, e8m1, e8m2 (adversarially trained)"] * 2),
    )
    assert by["e8m2 (adversarially trained)"][2] == "41 [40.2, 41.8] *"
    assert by["unknown"][2] == "-"
    assert by["exact torch"][7:] == ("-", "e8m2")


def test_summary_and_conditions():
    assert summary(FRONT) == (
        "4 of 5 networks are beaten by none in all of energy, clean and robust accuracy beyond intervals that hold "
        "together at 95%; the energy of 1 more is not known."
    )
    assert "toy on toys, 6 networks; clean: 2,000 test images; robust: 200 of them" in conditions(FRONT)
    assert "budgets linf 0.1, l2 1.3, seed 0" in conditions(FRONT)
    assert conditions(FRONT).endswith("on osu018, without memories")


def test_the_page(monkeypatch):
    text = front_pages({"toys": FRONT})
    assert text.startswith("### toy on toys\n\n`python benchmarks/joint_front.py --data toys`: toy on toys, 6 networks")
    for choice in leading(FRONT):
        assert f"- {choice.sentence}\n" in text
    for choice in choices(FRONT):
        assert choice.advice[1:] in text
    assert "| `e8m2 (adversarially trained)` | adversarially trained | 41 [40.2, 41.8] \\* | 0.41" in text
    assert "\\* Not measured on the operands of this very network" in text
    assert "- *adversarially trained*: trained on images" in text
    assert front_pages({}) == ""
    monkeypatch.setattr("axfpm.pages.measured_fronts", lambda: {"toys": FRONT})
    page = f"before\n{FRONTS}\nold\n{END}\nafter\n"
    assert brought_up_to_date("docs/front.md", page, {}) == f"before\n{FRONTS}\n\n{text}\n\n{END}\nafter\n"


def test_the_row_of_readme():
    text = front_readme_rows(TABLE, {"toys": FRONT})
    row = text.splitlines()[3]
    assert row.startswith("| what to build, toy on toys: the least energy, as a share of exact's, at a clean")
    for choice in leading(FRONT):
        assert choice.brief[1:] in row
        assert choice.uncertainty in row
    assert front_readme_rows(text, {"toys": FRONT}) == text
    assert front_readme_rows(text, {}) == TABLE
    with pytest.raises(InvalidInput, match="there is no row"):
        front_readme_rows("nothing", {"toys": FRONT})
    assert front_readme_rows("nothing", {}) == "nothing"


def test_what_comes_first():
    (only,) = leading(FRONT)
    assert only.level == Level(EXACT, 1.0, EXACT, 10.0)
    other = network(f"{EXACT} (adversarially trained)", 90.0, 0.9, 0.9, 0.9)
    assert [each.level for each in leading(joint_front(*FRONT.networks, other))] == [
        only.level,
        Level(other.name, 1.0, EXACT),
    ]


def test_files_are_named_after_their_data():
    assert [name for name, each in measured_fronts().items() if each.data != name] == []
