import numpy as np
import pytest

from axfpm.report import figures
from golden.catalogue import MULTIPLIERS

ROWS = [
    {"multiplier": "ax-fpm", "macs": 10**6, "bytes": 10**5, "gmacs": 7.0, "torch_gmacs": 40.0, "bound": 4.0},
    {"multiplier": "ax-fpm", "macs": 10**6, "bytes": 4 * 10**6, "gmacs": 3.0, "torch_gmacs": 5.0, "bound": 4.0},
    {"multiplier": "ax-fpm", "macs": 10**6, "bytes": None, "gmacs": 6.0, "torch_gmacs": 12.0, "bound": 4.0},
]
ROWS = [{**row, "shape": f"gemm {k}", "ratio": 3.0 + k} for k, row in enumerate(ROWS)]
SHARES = [
    {"group": attack, "target": target, "value": 0.5, "low": 0.25, "high": 0.75}
    for attack in ("fgsm", "pgd")
    for target in ("ax-fpm", "e8m2")
]


def values(chart, layer=None):
    """The rows that a chart, or one of its layers, draws."""
    data = (chart if layer is None else chart["layer"][layer]).get("data", chart.get("data"))
    return chart["datasets"][data["name"]]


def test_the_same_results_make_the_same_charts():
    errors = {"a": np.linspace(-0.1, 0.5, 1000), "b": np.zeros(10)}
    names = [{"name": name, "x": 0.1 * k, "y": 2.0} for k, name in enumerate(("exact", "e8m2", "mitchell"))]
    for draw in (
        lambda: figures.error_histogram(errors, alt_text="words"),
        lambda: figures.against(names, ("x", "error"), ("y", "pJ"), alt_text="words"),
        lambda: figures.slowdown_bars(ROWS, alt_text="words"),
        lambda: figures.roofline(ROWS, {"gmacs": 50.0, "gbytes": 18.0}, alt_text="words"),
        lambda: figures.shares(SHARES, title="rate", alt_text="words"),
        lambda: figures.intervals(SHARES, title="ratio", alt_text="words"),
    ):
        chart = draw()
        assert chart == draw()
        assert chart["description"] == "words"


def test_a_histogram_has_every_value_once():
    chart = figures.error_histogram({"a": np.array([-0.105, 0.005, 0.006, 0.505])}, alt_text="")
    assert [(row["error"], row["share"]) for row in values(chart)] == [(-0.11, 25), (0.0, 50), (0.5, 25)]


def test_the_front_is_of_those_that_none_beats_in_both():
    rows = [
        {"name": "exact", "x": 1e-8, "y": 9.0},
        {"name": "e8m2", "x": 0.06, "y": 1.0},
        {"name": "ax-fpm", "x": 0.4, "y": 3.0},
        {"name": "bf16", "x": 0.0, "y": 0.5},
    ]
    chart = figures.against(rows, ("x", "error"), ("y", "pJ"), alt_text="")
    assert values(chart, 0) == [{"x": 1e-8, "y": 9.0}, {"x": 0.06, "y": 1.0}]
    # An error of 0 has no place on a logarithmic axis.
    assert [row["name"] for row in values(chart, 1)] == ["exact", "e8m2", "ax-fpm"]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("exact", "exact float32"),
        ("exact-trunc (booth tree)", "exact float32"),
        ("bf16", "narrow and exact"),
        ("ax-bf16", "approximate"),
        ("mitchell", "approximate"),
    ],
)
def test_families(name, family):
    assert figures.family(name) == family
    assert {figures.family(each) for each in MULTIPLIERS} == set(figures.FAMILIES)


def test_the_roof_is_the_lower_of_memory_and_ports():
    chart = figures.roofline(ROWS, {"gmacs": 50.0, "gbytes": 18.0}, alt_text="")
    roofs = values(chart, 0)
    own = [row for row in roofs if row["kind"] == "ax-fpm, bit-exact"]
    assert max(row["rate"] for row in own) == 50.0 / 4
    assert own[0]["rate"] == pytest.approx(18.0 * own[0]["intensity"])
    assert len(values(chart, 1)) == 4  # what has no bytes has no place


def test_rates_are_percent():
    rows = values(figures.shares(SHARES, title="rate", alt_text=""))
    assert (rows[0]["value"], rows[0]["low"], rows[0]["high"]) == (50, 25, 75)
    assert values(figures.intervals(SHARES, title="ratio", alt_text="")) == SHARES
