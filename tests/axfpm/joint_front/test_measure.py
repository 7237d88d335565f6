"""A front measured for itself, on digits: trained, counted, attacked, and all of it kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from axfpm.joint_front import measure as module
from axfpm.joint_front.differences import correct
from axfpm.joint_front.entries import Entry, Front
from axfpm.joint_front.measure import measure, with_energies
from axfpm.joint_front.networks import epsilon, network_of, starting_point
from axfpm.joint_front.result import Energy
from golden.cnn import checkpoint, data
from golden.cnn.trained import trained_network
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule
from golden.registry import Registry
from golden.robustness.row_types import EXACT

TUNED = Entry("e8m1", "fine-tuned", tuned=True)
TOYS = Front("digits", "lenet5", (Entry(EXACT), Entry("e8m1"), TUNED), attacked=4)


@pytest.fixture
def toys(monkeypatch, tmp_path):
    images, labels = data.load("digits", "train")
    few = data.DataSet("digits", lambda _split: (images[:128], labels[:128]), (1, 28, 28), 10, "128 digits")
    monkeypatch.setitem(data.DATASETS._entries, "digits", few)
    monkeypatch.setattr(module, "FRONTS", Registry("front", {"digits": TOYS}))
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    asked = []

    def energy_of(entry, front, files, **_):
        asked.append(entry.name)
        return Energy(3.0, (2.0, 4.0), 0.3, (0.2, 0.4), (0.2, 0.4), 5, "lenet5 (lenet5-digits)")

    monkeypatch.setattr(module, "energy_of", energy_of)
    return asked


def test_one_network(toys):
    found = measure("digits", entries=1, attacked=2)
    (only,) = found.networks
    images, labels = data.load("digits")
    network = checkpoint.load("lenet5-digits")[0]
    assert np.array_equal(correct(only.clean), network(torch.from_numpy(images)).argmax(1).numpy() == labels)
    assert {norm: attacked.n for norm, attacked in only.robust.items()} == {"linf": 2, "l2": 2}
    assert (found.differences, found.settings["attacked"]) == ((), 2)
    assert toys == ["exact torch"]


@pytest.mark.long
def test_a_front(toys, monkeypatch):
    steps = []
    found = measure("digits", progress=lambda *step: steps.append(step[:2]))
    assert [each.name for each in found.networks] == ["exact torch", "e8m1", "e8m1 (fine-tuned)"]
    assert toys == [each.name for each in found.networks]
    assert steps == sorted(steps)
    assert steps[-1] == (12_000, 12_000)
    assert len(found.differences) == 3
    assert found.settings["budgets"] == {"linf": 0.075, "l2": 1.3}
    images, labels = data.load("digits")
    modules = (
        checkpoint.load("lenet5-digits")[0],
        ApproximateModule(checkpoint.load("lenet5-digits")[0], "e8m1"),
        ApproximateModule(network_of(TUNED, TOYS).module, "e8m1"),
    )
    for each, network in zip(found.networks, modules, strict=True):
        right = network(torch.from_numpy(images)).argmax(1).numpy() == labels
        assert np.array_equal(correct(each.clean), right)
        assert each.robust.keys() == {"linf", "l2"}
        for attacked in each.robust.values():
            assert (attacked.n, correct(attacked).sum()) == (4, attacked.k)
            # Who withstands is right clean, too.
            assert not (correct(attacked) & ~right[[0, 32, 64, 96]]).any()
    assert found.networks[2].training["multiplier"] == "e8m1"
    assert found.networks[1].weights_sha256 == found.networks[0].weights_sha256 != found.networks[2].weights_sha256
    # All of it is kept: nothing is trained or attacked again.
    monkeypatch.setattr("axfpm.joint_front.networks.training.train", None)
    monkeypatch.setattr("golden.robustness.craft.craft", None, raising=False)
    assert measure("digits") == found
    assert measure("digits", entries=2).networks[0].clean == found.networks[0].clean


def test_where_networks_come_from():
    pgd = Entry("e8m1", "adversarially trained")
    assert starting_point(TUNED, TOYS) == "lenet5-digits"
    assert starting_point(pgd, TOYS) == "lenet5-digits-pgd"
    assert (epsilon("lenet5-digits"), epsilon("lenet5-digits-pgd")) == (0, 0.15)
    assert network_of(pgd, TOYS).name == trained_network("lenet5", "digits", "lenet5-digits-pgd").name


@pytest.mark.usefixtures("toys")
def test_refusals():
    with pytest.raises(InvalidInput, match="unknown front 'digit'; did you mean digits"):
        measure("digit")
    with pytest.raises(InvalidInput, match="attacked=1 is too small"):
        measure("digits", attacked=1)
    with pytest.raises(InvalidInput, match="attacked=129 is too"):
        measure("digits", attacked=129)
    with pytest.raises(InvalidInput, match="entries=0 is too small"):
        measure("digits", entries=0)


@pytest.mark.usefixtures("toys")
def test_energies_alone_are_taken_anew(monkeypatch):
    found = measure("digits", entries=2, attacked=2)
    new = Energy(6.0, (5.0, 7.0), 0.6, (0.5, 0.7), (0.5, 0.7), 5, "lenet5 (lenet5-digits)")
    asked = []

    def energy_of(entry, front, files, *, measure, **_):
        asked.append((entry.name, [path.name for path in files], measure))
        return replace(new, ratio=0.6 + len(asked) / 100)

    monkeypatch.setattr(module, "energy_of", energy_of)
    monkeypatch.setattr(module, "evaluate_stages", None)
    again = with_energies(found, energies=["of_mine.json"], measure_energies=False)
    assert asked == [("exact torch", ["of_mine.json"], False), ("e8m1", ["of_mine.json"], False)]
    taken = [each.energy for each in again.networks if each.energy is not None]
    assert [energy.ratio for energy in taken] == [0.61, 0.62]
    # Intervals of two ratios together are wider than those of each.
    assert all(energy.together[0] < 0.5 and energy.together[1] > 0.7 for energy in taken)
    kept = [replace(each, energy=old.energy) for each, old in zip(again.networks, found.networks, strict=True)]
    assert replace(again, networks=tuple(kept)) == found
