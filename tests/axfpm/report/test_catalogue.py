from itertools import pairwise

import pytest

from axfpm.report.catalogue import catalogue
from axfpm.report.section import Section
from axfpm.shipped import shipped_hardware, shipped_robustness
from golden.catalogue import MULTIPLIERS
from golden.metrics import error


@pytest.fixture(scope="module")
def alone():
    return catalogue({}, 0)


def value(section, name, key):
    (row,) = (row for row in section.data["rows"] if row["name"] == name)
    return row["values"].get(key)


def test_every_multiplier_has_a_row_and_its_error(alone):
    assert {row["name"] for row in alone.data["rows"]} == set(MULTIPLIERS)
    assert value(alone, "mitchell", "mred")["value"] == error("mitchell", n=1 << 17, seed=0).mred
    assert alone.explorer.families == ["exact float32", "narrow and exact", "approximate"]


def test_figures_of_files_are_those_of_the_files(alone):
    axes = {axis["key"]: axis for axis in alone.data["axes"]}
    for row in shipped_hardware("ax-fpm"):
        own = value(alone, "ax-fpm", f"energy_pj.{row['library']}")
        assert (own["value"], own["low"], own["high"]) == (row["energy_pj"], *row["energy_interval"])
        assert axes[f"area_um2.{row['library']}"]["origin"] == "file"
    (mnist,) = (one for one in shipped_robustness("ax-fpm") if one["preset"] == "mnist")
    own = value(alone, "ax-fpm", "clean.mnist")
    assert own["value"] == pytest.approx(mnist["rows"][0]["rate"], abs=1e-4)
    assert own["low"] < own["value"] < own["high"]
    assert axes["clean.mnist"]["better"] == "more"


def test_what_was_not_measured_is_left_out(alone):
    assert [name for name in MULTIPLIERS if value(alone, name, "energy_pj.osu018") is None] == []
    assert shipped_robustness("ax-array") == []
    assert value(alone, "ax-array", "clean.mnist") is None
    assert not [axis["key"] for axis in alone.data["axes"] if axis["key"].endswith("here")]


def test_what_this_run_measured_stands_beside(alone):
    share = {"k": 9, "n": 10, "rate": 0.9, "interval": [0.6, 0.98]}
    attack = {"threat_model": "twin", "view": "as is", "target": "ax-fpm", "attack": "pgd", "transfer": share}
    sections = {
        "synthesis": Section("synthesis", "", data={
            "rows": [{"multiplier": "ax-array", "area_um2": 7.0, "critical_path_ns": 3.0}]}),
        "energy": Section("energy", "", data={"rows": [
            {"multiplier": "exact", "tree": "booth", "energy_pj": 1.0, "energy_interval": [1, 1]},
            {"multiplier": "exact", "tree": "dadda", "energy_pj": 2.0, "energy_interval": [1, 3]}]}),
        "robustness": Section("robustness", "", data={
            "settings": {"data": "toy"},
            "clean": [{"target": "ax-fpm", "accuracy": share}, {"target": "noise", "accuracy": share}],
            "suites": [{"threat_model": "white-box", "norm": "linf", "budget": 0.1, "target": "ax-fpm",
                        "robust_accuracy": share}],
            "attacks": [attack, {**attack, "attack": "ddn", "view": "x 1.1"}]}),
        "speed": Section("speed", "", data={"rows": [
            {"multiplier": "ax-fpm", "threads": threads, "ratio": ratio} for threads, ratio in
            ((1, 4.0), (1, 6.0), (1, 5.0), (2, 99.0))]}),
    }  # fmt: skip
    made = catalogue(sections, 0)
    assert value(made, "ax-array", "area_um2.here")["value"] == 7
    assert value(made, "exact", "energy_pj.here") == {"value": 2, "low": 1, "high": 3, "text": "2 [1, 3]"}
    assert value(made, "ax-fpm", "clean.toy")["value"] == 0.9
    assert value(made, "ax-fpm", "white-box.toy.linf.0.1")["value"] == 0.9
    assert value(made, "ax-fpm", "transfer.pgd")["text"] == "9/10 = 90.0%"
    assert value(made, "ax-fpm", "slowdown")["value"] == 5
    new = {a["key"]: a["origin"] for a in made.data["axes"]}.items() - {
        a["key"]: a["origin"] for a in alone.data["axes"]
    }.items()
    assert {origin for _, origin in new} == {"run"}
    skipped = {key: Section(key, "", not_run="no tool") for key in sections}
    assert catalogue(skipped, 0).data == alone.data


def test_axes_of_a_group_stand_together(alone):
    groups = [axis["group"] for axis in alone.data["axes"]]
    assert sum(a != b for a, b in pairwise(groups)) == len(set(groups)) - 1
