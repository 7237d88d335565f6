"""The joint fronts in the report: what is drawn, said and written follows from the measured front."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "joint_front"))
from planted_fronts import FRONT, joint_front, network

from axfpm.joint_front.levels import choices
from axfpm.joint_front.tables import leading
from axfpm.report import front as section
from axfpm.report.joint_front import STATES, joint_data, joint_figures, joint_sentences, joint_tables


def rows_of(figure):
    (rows,) = figure.chart["datasets"].values()
    return {row["name"]: row for row in rows}


def test_a_figure_for_each_norm():
    figures = joint_figures(FRONT)
    assert [figure.caption.partition(":")[0] for figure in figures] == ["toys, linf 0.1", "toys, l2 1.3"]
    for figure, norm in zip(figures, ("linf", "l2"), strict=True):
        rows = rows_of(figure)
        assert "unknown" not in rows
        for name, row in rows.items():
            each = FRONT.network(name)
            assert row["y"] == pytest.approx(100 * each.robust[norm].k / each.robust[norm].n)
            assert each.energy is not None
            assert row["x"] == each.energy.image_uj
            assert row["y0"] <= row["y"] <= row["y1"]
            assert row["state"] == (STATES[1] if name == "ax-fpm" else STATES[0])
            assert name in figure.alt
        assert "4 of 5 networks are beaten by none" in figure.caption


def test_networks_whose_layers_differ_have_one_colour():
    target = "assignment:1=bf16;4=e8m1"
    mixed = [
        replace(network(f"e8m1, layer 1 bf16 ({how})", 35.0, 0.94, 0.5, 0.5, how=how), target=target)
        for how in ("searched", "adversarially trained")
    ]
    rows = rows_of(joint_figures(joint_front(*FRONT.networks, *mixed))[0])
    assert [rows[each.name]["multiplier"] for each in mixed] == ["by layer"] * 2
    assert rows["e8m2 (adversarially trained)"]["multiplier"] == "e8m2"


def test_sentences_and_tables():
    assert joint_sentences(FRONT) == [choice.sentence for choice in leading(FRONT)]
    levels, table = joint_tables(FRONT)
    for row, choice in zip(levels.rows, choices(FRONT), strict=True):
        assert row[0].lower() == str(choice.level).lower()
        assert row[1][1:] in choice.sentence
        assert row[2][1:] in choice.sentence
    assert [row[0] for row in table.rows] == [each.name for each in FRONT.networks]
    assert table.caption.startswith("Toy on toys, 6 networks")


def test_data():
    found = joint_data(FRONT)
    by = {each["name"]: each for each in found["networks"]}
    assert by["unknown"]["energy"] is None
    assert by["ax-fpm"]["beaten_by"] == ["e8m2", "e8m1", "e8m2 (adversarially trained)"]
    assert by["ax-fpm"]["clean"]["k"] == 1700
    assert by["ax-fpm"]["robust"]["l2"]["n"] == 200
    assert [level["sentence"] for level in found["levels"]] == [choice.sentence for choice in choices(FRONT)]
    assert found["levels"][1]["certain"] == ["e8m2", "exact torch"]
    assert found["levels"][1]["not_excluded"] == ["e8m1"]


def test_in_the_section(monkeypatch):
    monkeypatch.setattr(section, "shipped_suites", lambda threat: [])
    section._tasks.cache_clear()
    monkeypatch.setattr(section, "measured_fronts", lambda: {"toys": FRONT})
    made = section.front()
    section._tasks.cache_clear()
    assert made.state == "done"
    assert list(made.paragraphs[:1]) == joint_sentences(FRONT)
    assert len(made.figures) == 2
    assert made.data["joint"] == [joint_data(FRONT)]
    other = joint_front(*(each for each in FRONT.networks if each.name != "e8m2"), network("e8m2", 45.0, 0.9, 0.5, 0.5))
    assert joint_sentences(other) != joint_sentences(FRONT)


def test_what_it_has_is_not_drawn_twice(monkeypatch):
    share = [{"k": 90, "n": 100}]
    targets = {name: {"multiplier": None, "clean": share, "robust": share} for name in ("exact torch", "ax-fpm")}
    targets["ax-fpm"]["multiplier"] = "ax-fpm"
    task = {"preset": "toys", "model": "toy", "norm": "l2", "budget": 1.0, "targets": targets}
    monkeypatch.setattr(section, "shipped_suites", lambda threat: [task])
    for known, figures in (({"toys": FRONT}, 3), ({"others": FRONT}, 4)):
        section._tasks.cache_clear()
        monkeypatch.setattr(section, "measured_fronts", lambda known=known: known)
        made = section.front()
        assert len(made.figures) == figures  # two of the joint front, one under attacks on the exact network
        assert {row[1] for row in made.tables[-1].rows} == {"toys, white-box, l2 1", "toys, twin, l2 1"}
    section._tasks.cache_clear()
