"""Tables of what training on multipliers recovers."""

import pytest

from axfpm.pages import END, TRAINED, brought_up_to_date
from axfpm.recovery_tables import recovery_tables
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
        "| `ax-fpm` | 99.5, 99.0 | 50.0, 51.0 | 70.0, 71.0 | 98.0, 98.5 | -48.8 [-50.0, -47.5] | -1.0 [-1.5, -0.5] | "
        "+47.8 [+46.0, +49.0] |"
    )
    assert recovery_tables({}) == ""


def test_the_page(monkeypatch):
    monkeypatch.setattr("axfpm.pages.measured_recoveries", lambda: {"toy-digits": FOUND})
    page = f"before\n{TRAINED}\nold\n{END}\nafter\n"
    text = brought_up_to_date("docs/training.md", page, {})
    assert text == f"before\n{TRAINED}\n\n{recovery_tables({'toy-digits': FOUND})}\n\n{END}\nafter\n"
    with pytest.raises(InvalidInput, match="there is not one place between '<!-- from the measured trainings"):
        brought_up_to_date("docs/training.md", "nothing", {})
