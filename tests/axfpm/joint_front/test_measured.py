"""Fronts that come with the package: what is in their files follows from what was measured, and agrees with others."""

import pytest

from axfpm.joint_front.differences import correct
from axfpm.joint_front.entries import FRONTS
from axfpm.joint_front.tables import measured_fronts
from axfpm.layer_search.final import budgets_of
from golden.cnn import checkpoint, data
from golden.cnn.checkpoint import weights_digest
from synth.energy.inference.technologies import MEASURED, read

FOUND = measured_fronts()


@pytest.mark.parametrize("name", FOUND)
def test_a_file(name):
    front, entries = FOUND[name], {entry.name: entry for entry in FRONTS[name].entries}
    assert front.settings["budgets"] == budgets_of(name, FRONTS[name].model, data.DATASETS[name].image_shape)
    count = len(front.networks)
    assert len(front.differences) == count * (count - 1) // 2
    for each in front.networks:
        entry = entries[each.name]
        assert (each.how, each.target, each.multiplier) == (entry.how, entry.on, str(entry.runs_on))
        for images in (each.clean, *each.robust.values()):
            assert correct(images).sum() == images.k
        assert {images.n for images in each.robust.values()} == {front.settings["attacked"]}
        if not entry.tuned:
            packaged = checkpoint.packaged(front.settings["model"], name, variant="pgd" if entry.adversarial else "")
            assert each.weights_sha256 == weights_digest(checkpoint.load(packaged)[0])
    for each in front.differences:
        for what, (low, high) in each.intervals.items():
            mean = [front.network(one).share(what).k for one in (each.first, each.second)]
            share = 100 * (mean[0] - mean[1]) / front.network(each.first).share(what).n
            assert low < share < high


@pytest.mark.parametrize("name", FOUND)
def test_energies_are_those_of_the_package(name):
    """Where an inference was measured again, ``benchmarks/joint_front.py`` has to take its figure."""
    known = {
        (result.network, row.multiplier): row.image_uj
        for path in MEASURED.glob("*.json")
        for result in read(path).results
        if result.library == FOUND[name].settings["library"]
        for row in result.rows
        if row.tree == "dadda"
    }
    for each in FOUND[name].networks:
        if each.energy is not None:
            key = (each.energy.operands, each.multiplier)
            assert known.get(key, each.energy.image_uj) == each.energy.image_uj
            assert each.energy.interval[0] < each.energy.image_uj < each.energy.interval[1]
            low, high = each.energy.together
            assert low <= each.energy.ratio_interval[0] <= each.energy.ratio <= each.energy.ratio_interval[1] <= high
            assert (low < high) is (each.multiplier != "exact")
