"""Tables of what training on multipliers recovers."""

import pytest

from axfpm.pages import END, TRAINED, brought_up_to_date
from axfpm.recovery_tables import recovery_rows, recovery_tables
from golden.errors import InvalidInput
from golden.robustness.recovery import Recovery, RecoveryRow

ROW = RecoveryRow(
    "ax-fpm",
    {"exact": (995, 990), "raw": (500, 510), "calibrated": (700, 710), "trained": (980, 985)},
    (-48.75, -50.0, -47.5),
    (-1.0, -1.5, -0.5),
    (47.75, 46.0, 49.0),
)
FOUND = Recovery("toy-digits", "toy", "digits", (0, 1), 1000, 1, {"batch": "32"}, {}, (ROW,))


def test_a_line_for_each_multiplier():
    text = recovery_tables({"toy-digits": FOUND})
    assert text.startswith("### toy on digits\n\n`python benchmarks/fine_tuning.py --network toy-digits`: ")
    assert "seeds 0, 1, 1,000 test images, epochs on the multiplier: 1 (batch 32)" in text
    assert text.splitlines()[-1] == (
        "| `ax-fpm` | 99.50, 99.00 | 50.00, 51.00 | 70.00, 71.00 | 98.00, 98.50 | -48.75 [-50.00, -47.50] | "
        "-1.00 [-1.50, -0.50] | +47.75 [+46.00, +49.00] |"
    )
    assert recovery_tables({}) == ""


def test_rows_of_readme():
    row = (
        "| clean accuracy on the multiplier before and after training on it (epochs: 1), toy on digits, 2 networks, "
        "1,000 test images | ax-fpm 50.5%, 98.2%: +47.75 [+46.00, +49.00] points, -1.00 [-1.50, -0.50] from exact "
        "torch | `python benchmarks/fine_tuning.py --network toy-digits` |\n"
    )
    table = "| what |\n|---|\n| a step of training on | one |\n| a step of training on | two |\n| other |\n"
    text = recovery_rows(table, {"toy-digits": FOUND})
    assert text == table.replace("two |\n", f"two |\n{row}")
    assert recovery_rows(text, {"toy-digits": FOUND}) == text
    assert recovery_rows(text, {}) == table
    with pytest.raises(InvalidInput, match=r"there is no row '\| a step of training on ' in a table"):
        recovery_rows("nothing", {"toy-digits": FOUND})


def test_the_page(monkeypatch):
    monkeypatch.setattr("axfpm.pages.measured_recoveries", lambda: {"toy-digits": FOUND})
    page = f"before\n{TRAINED}\nold\n{END}\nafter\n"
    text = brought_up_to_date("docs/training.md", page, {})
    assert text == f"before\n{TRAINED}\n\n{recovery_tables({'toy-digits': FOUND})}\n\n{END}\nafter\n"
    with pytest.raises(InvalidInput, match="there is not one place each for '<!-- from the measured trainings"):
        brought_up_to_date("docs/training.md", "nothing", {})
