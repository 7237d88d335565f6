from dataclasses import replace

import pytest

from axfpm.report.robustness_figures import headline
from golden.robustness.records import find, read


@pytest.fixture(scope="module")
def results():
    return read(find("mnist"))


def test_headline_figures_of_what_comes_with_the_package(results):
    made = headline(results)
    assert len(made) == 7
    assert made == headline(results)
    assert [bool(figure.chart) for figure in made] == [True] * 5 + [False, True]
    by_kappa, by_stretch = made[0], made[1]
    assert "kappa" in str(by_kappa.chart)
    legend = {entry["name"] for entry in by_stretch.chart["usermeta"]["legend"]}
    assert {"noise", "ax-fpm", "ax-fpm+clamp", "independent"} <= legend


def test_what_a_chart_shows_stands_in_its_words(results):
    rows = [
        row
        for row in results.attacks
        if (row.threat_model, row.target, row.attack, row.view) == ("twin", "ax-fpm", "cw", "as is")
    ]
    rates = [row.transfer.k / row.transfer.n for row in rows if row.transfer is not None]
    mean = 100 * sum(rates) / len(rates)
    (said,) = (part for part in headline(results)[0].alt.split("; ") if part.split(". ")[-1].startswith("ax-fpm:"))
    shown = float(said.split("ax-fpm: ")[1].split(" at 0")[0])
    assert shown == pytest.approx(mean, abs=0.5)  # a mean to whole images


def test_nothing_is_drawn_of_nothing(results):
    assert headline(replace(results, clean=(), attacks=(), suites=(), pictures=())) == []
