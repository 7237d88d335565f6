"""Rows: means, parts and ratios of energies that can be added in the head."""

import numpy as np
import pytest
from made_up import BASE, OURS, measured, rows, run

from synth.energy.rows import Design, make_rows

pytest.importorskip("scipy")


def test_names():
    assert Design("exact").name == "exact"
    assert Design("exact", "operator").name == "exact (operator tree)"
    assert [row.name for row in rows()] == ["exact-trunc", "exact-trunc (operator tree)", "ax-fpm", "e8m2"]


def test_means_and_parts():
    base = rows()[0]
    assert base.energy_pj == pytest.approx(10)
    assert base.energy_pj_zero_delay == pytest.approx(0.5 + 9.5 / 2)
    parts = (base.switching_pj, base.internal_pj, base.inputs_pj, base.leakage_pj)
    assert parts == pytest.approx((4.75, 2.375, 2.375, 0.5))
    assert sum(parts) == pytest.approx(base.energy_pj)
    assert base.energy_interval[0] < 10 < base.energy_interval[1]
    assert base.area_um2 == pytest.approx(210)
    assert base.area_range_um2 == pytest.approx((208, 212))
    assert base.power_uw == pytest.approx(1000)  # 10 pJ in 10 ns
    assert (base.toggles, base.toggles_zero_delay, base.unmatched) == (0.5, 0, 0.125)


def test_ratios_to_every_baseline():
    base, control, ours, _ = rows()
    assert list(ours.ratios) == ["exact-trunc", "exact-trunc (operator tree)"]
    ratio = ours.ratios["exact-trunc"]
    assert ratio.energy == pytest.approx(0.5)
    assert ratio.interval == pytest.approx((0.5, 0.5))  # variant by variant it is the half
    assert ratio.area == pytest.approx(100 / 210)
    assert ratio.critical_path == pytest.approx(0.75)
    assert ratio.energy_zero_delay == pytest.approx((0.5 + 4.5 / 2) / (0.5 + 9.5 / 2))
    assert control.ratios["exact-trunc"].energy == pytest.approx(2)
    assert base.ratios["exact-trunc"].energy == 1


def test_few_netlists_are_cut_into_batches_of_neighbours():
    # One netlist of ten operations: five batches of two. Each batch costs as much in both, so the ratio is sure.
    ours, base = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [3, 1, 4, 4, 7, 5, 8, 8, 9, 11]
    row = make_rows([(BASE, [run(base)]), (OURS, [run(ours)])])[1]
    assert row.ratios["exact-trunc"].interval == pytest.approx((0.5, 0.5))
    assert row.energy_interval[0] < 3 < row.energy_interval[1]
    # Two netlists: three batches each.
    halves = make_rows([(OURS, [run(ours[:5]), run(ours[5:])])])[0]
    assert halves.energy_pj == pytest.approx(np.mean(ours))


def test_json():
    plain = rows()[2].to_dict()
    assert plain["multiplier"] == "ax-fpm"
    assert plain["energy_interval"] == list(rows()[2].energy_interval)
    assert plain["ratios"]["exact-trunc"]["energy"] == pytest.approx(0.5)
    assert measured([1.0]).energy_pj == 1
