"""Rows of inferences: layers, images and ratios of energies that can be added in the head."""

import numpy as np
import pytest
from made_up_inference import EXACT, MACS, NAMES, OURS, five, inference, rows

from synth.energy.inference.rows import make_rows, parts_of
from synth.energy.stimulus import HELD

pytest.importorskip("scipy")


def test_a_layer_is_its_products_times_their_mean_and_an_image_the_sum():
    exact, strong, ours = rows()
    assert [layer.energy_pj for layer in exact.layers] == pytest.approx([10, 20])
    assert [layer.image_uj for layer in exact.layers] == pytest.approx([10, 60])  # one and three million of them
    assert exact.image_uj == pytest.approx(70)
    assert sum(layer.image_uj for layer in ours.layers) == pytest.approx(ours.image_uj)
    assert ours.image_uj == pytest.approx(28)
    assert strong.name == "exact-trunc (booth tree)"
    assert exact.image_uj_zero_delay == pytest.approx((0.25 + 5) + 3 * (0.25 + 10))  # leakage is no glitch
    assert exact.image_interval[0] < 70 < exact.image_interval[1]


def test_an_interval_is_over_netlists_with_their_windows():
    exact, _, ours = rows()
    # From netlist to netlist energies differ by a fifth, and ratios not at all.
    assert exact.image_interval[1] - exact.image_interval[0] > 10
    assert ours.ratios["exact"].energy == pytest.approx(0.4)
    assert ours.ratios["exact"].interval == pytest.approx((0.4, 0.4))
    assert ours.layers[1].ratios["exact-trunc (booth tree)"].energy == pytest.approx(0.5)
    assert exact.ratios["exact"].energy == 1


def test_layers_that_go_against_each_other_cancel_in_the_image():
    # What one layer takes more in a netlist, the other takes less: their sum is sure, and neither of them is.
    runs = [np.array([[10 + d, 10 + d], [20 - d / 3, 20 - d / 3]]) for d in (-3.0, -1, 0, 1, 3)]
    row = make_rows([inference(EXACT, runs)], NAMES, MACS)[0]
    assert row.image_interval == pytest.approx((70, 70))
    assert row.layers[0].energy_interval[0] < 9 < 11 < row.layers[0].energy_interval[1]


@pytest.mark.parametrize(("netlists", "parts"), [(1, 5), (2, 3), (3, 2), (4, 2), (5, 1), (9, 1)])
def test_few_netlists_are_split_into_units(netlists, parts):
    assert parts_of(netlists) == parts
    runs = [np.arange(12.0).reshape(2, 6) + 1 for _ in range(netlists)]
    if 6 % parts == 0:
        assert inference(OURS, runs).units().shape == (netlists * parts, 2)


def test_units_of_one_netlist_are_windows():
    own = inference(OURS, [np.array([[1.0, 2, 3, 4, 5], [5, 4, 3, 2, 1]])])
    assert own.units().tolist() == [[1, 5], [2, 4], [3, 3], [4, 2], [5, 1]]


def test_both_paths_are_one_where_the_draw_has_the_shares_of_the_layer():
    # Half of the windows drawn are of zeros, and so is half of the layer.
    for row in rows():
        assert row.image_uj_by_classes == pytest.approx(row.image_uj)
        for layer in row.layers:
            assert layer.energy_pj_by_classes == pytest.approx(layer.energy_pj)


def test_the_second_path_hangs_on_the_shares():
    own = inference(EXACT, five(1))
    own.shares[:] = 0
    own.shares[:, 3] = 1  # zeros alone: the first window of each layer
    row = make_rows([own], NAMES, MACS)[0]
    assert [layer.energy_pj_by_classes for layer in row.layers] == pytest.approx([9, 17])
    assert row.image_uj_by_classes == pytest.approx(9 + 51)
    assert row.image_uj == pytest.approx(70)


def test_an_operation_is_charged_where_it_is_multiplied():
    # What comes to the ports in one cycle is multiplied in the next; the last of the circle in the first recorded.
    own = inference(EXACT, [np.array([[1.0, 2], [3, 4]])])
    late = type(own)(**{**vars(own), "waits": 1})
    assert late.operations()[0, 0, 0].tolist() == [1.0] * (HELD - 1) + [2.0]
    assert late.operations()[0, 1, 1].tolist() == [4.0] * (HELD - 1) + [1.0]
    assert late.operations().sum() == own.operations().sum()
