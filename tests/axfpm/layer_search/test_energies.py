"""Energies of layers out of measured files: those of the package, others before them, and what does not fit."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from axfpm.layer_search.energies import layer_energies
from golden.catalogue import multiplier
from golden.errors import InvalidInput
from synth.energy.inference.technologies import MEASURED, read

pytest.importorskip("scipy")
NETWORK = "lenet5 (lenet5-mnist)"
ROOT = Path(__file__).parents[3]
E8M1 = ROOT / "benchmarks" / "search_energies.json"


def names(*given):
    return [multiplier(name) for name in given]


def test_those_of_the_package():
    found = layer_energies(NETWORK, names("ax-fpm", "exact"))
    (file,) = (result for result in read(MEASURED / "lenet5-mnist.json").results if result.library == "osu018")
    assert found.layers == ("conv1", "conv2", "fc1", "fc2", "fc3")
    for column, name in enumerate(("ax-fpm", "exact")):
        assert found.energy[:, column].sum() == pytest.approx(file.row(name).image_uj)
        assert found.area[column] == file.row(name).area_um2
    assert "memories" in found.excluded
    assert found.excluded in found.conditions
    other = layer_energies(NETWORK, names("ax-fpm", "exact"), library="nangate45")
    assert (other.energy < found.energy).all()  # 45 nm against 180 nm
    assert layer_energies("alexnet (alexnet-cifar10)", names("e8m2", "mitchell")).energy.shape == (7, 2)


def test_a_file_beside_them():
    found = layer_energies(NETWORK, names("exact", "e8m1", "e8m2"), files=[E8M1])
    assert (np.diff(found.energy[:, ::2], axis=1) < 0).all()
    # e8m2 stands in both files, measured at different times by the same rules.
    assert found.energy[:, 2] == pytest.approx(layer_energies(NETWORK, names("e8m2")).energy[:, 0])
    assert (found.energy[:, 1] < found.energy[:, 2]).all()


def test_of_two_rows_the_cheaper():
    # exact-trunc is there with Booth digits alone; a file may have it with a Dadda tree, too.
    found = layer_energies(NETWORK, names("exact-trunc"))
    (file,) = (each for each in read(MEASURED / "lenet5-mnist.json").results if each.library == "osu018")
    (row,) = (row for row in file.rows if row.multiplier == "exact-trunc")
    assert row.tree == "booth"
    assert found.energy.sum() == pytest.approx(row.image_uj)


@pytest.mark.parametrize(
    ("network", "candidates", "library", "said"),
    [
        (
            NETWORK,
            ("exact", "e8m1"),
            "osu018",
            "e8m1 was not measured for lenet5 (lenet5-mnist) on osu018, where exact, exact-trunc, ax-fpm, bf16, e8m2, "
            "mitchell were; give --energies a file of `axfpm energy inference --network lenet5-mnist --multiplier "
            "e8m1 --library osu018 -o FILE`",
        ),
        ("mine", ("exact",), "osu018", "exact was not measured for mine on osu018; give --energies a file of"),
        (NETWORK, ("exact",), "asap7", "exact was not measured for lenet5 (lenet5-mnist) on asap7; give --energies"),
    ],
)
def test_what_was_not_measured(network, candidates, library, said):
    with pytest.raises(InvalidInput, match=f"^{re.escape(said)}"):
        layer_energies(network, names(*candidates), library=library)


def test_other_conditions(tmp_path):
    plain = json.loads(E8M1.read_text(encoding="utf-8"))
    plain["results"][0]["conditions"]["clock"] = "clock 9 ns"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"other.json measures e8m1 on pe with 1 stages at another clock or on"):
        layer_energies(NETWORK, names("exact", "e8m1"), files=[other])
    assert layer_energies(NETWORK, names("e8m2", "e8m1"), files=[other]).energy.shape == (5, 2)
