"""The energy of an entry: of the file that has it, else measured, else that of the network before training."""

import pytest

from axfpm.joint_front import energies as module
from axfpm.joint_front.energies import energy_of
from axfpm.joint_front.entries import Entry, Front
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.robustness.row_types import EXACT
from synth.energy.inference.result import InferenceEnergy, InferenceRow, LayerRow
from synth.energy.inference.technologies import Inferences
from synth.energy.result import Conditions

FRONT = Front("digits", "lenet5", (), attacked=4)
MIXED = Entry("assignment:conv1=e8m1;fc1=ax-fpm", "searched")


def inference(network, **energies):
    def row(name, uj, tree="dadda"):
        # Two thirds of the products and of the energy in the first layer.
        layers = tuple(
            LayerRow(layer, macs, 1e6 * uj / 3, (1e6 * (uj - 1) / 3, 1e6 * (uj + 1) / 3), 0, 0, macs * uj / 3, {})
            for layer, macs in (("conv1", 2), ("fc1", 1))
        )
        return InferenceRow(name, tree, False, uj, (uj - 1, uj + 1), uj, uj, 1, 2, 12, None, layers, {})

    conditions = Conditions("osu018_stdcells", "typical", "00", (), "clock 12 ns", "made up", 10, 7, 0, {})
    rows = (row("e8m1", 99.0, "booth"), *(row(name, uj) for name, uj in energies.items()))
    return InferenceEnergy(network, "digits", "pe", 1, conditions, rows)


@pytest.fixture
def files(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MEASURED", tmp_path)
    before = inference("lenet5 (lenet5-digits)", exact=9.0, e8m1=4.0, **{str(MIXED.runs_on): 5.0})
    (tmp_path / "a.json").write_text(Inferences((before,)).to_json())
    own = tmp_path / "own"
    own.write_text(Inferences((inference("lenet5 (tuned)", e8m1=3.0),)).to_json())
    return own


def asked(entry, trained, *paths, measure=False):
    found = energy_of(entry, FRONT, trained, paths, measure=measure)
    assert found is not None
    return found


def test_from_files(files):
    plain = trained_network("lenet5", "digits")
    found = asked(Entry("e8m1"), plain)
    assert (found.image_uj, found.interval, found.units) == (4.0, (3.0, 5.0), 7)
    assert found.operands == plain.name
    assert asked(Entry(EXACT), plain).image_uj == 9.0
    assert asked(MIXED, plain).image_uj == 5.0
    assert energy_of(Entry("bf16"), FRONT, plain, (), measure=False) is None


def test_a_network_trained_further(files):
    tuned = TrainedNetwork(trained_network("lenet5", "digits").module, "lenet5", "digits", "tuned.safetensors", None)
    entry = Entry("e8m1", "fine-tuned", tuned=True)
    # Its own where a file has it, else that of the network before, which the operands' name says.
    assert (asked(entry, tuned, files).image_uj, asked(entry, tuned, files).operands) == (3.0, "lenet5 (tuned)")
    assert (asked(entry, tuned).image_uj, asked(entry, tuned).operands) == (4.0, "lenet5 (lenet5-digits)")
    adversarial = Entry("e8m1", "adversarially trained")
    pgd = trained_network("lenet5", "digits", "lenet5-digits-pgd")
    assert asked(adversarial, pgd).operands == "lenet5 (lenet5-digits)"


@pytest.mark.usefixtures("files")
def test_measured_where_no_file_has_it(monkeypatch):
    calls = []

    def inference_energy(network, **settings):
        calls.append((network, settings["multiplier"], settings["layers"], settings["baselines"]))
        return inference("lenet5 (lenet5-digits)", new=2.0)

    monkeypatch.setattr("synth.energy.inference.comparison.inference_energy", inference_energy)
    plain = trained_network("lenet5", "digits")
    assert asked(Entry("bf16"), plain, measure=True).image_uj == 99.0  # the first row that comes back
    other = Entry("assignment:conv1=bf16;fc1=ax-fpm", "searched")
    asked(other, plain, measure=True)
    assert calls == [("lenet5-digits", ("bf16",), [], ()), ("lenet5-digits", (), [other.runs_on], ())]
    asked(Entry("e8m1"), plain, measure=True)
    assert len(calls) == 2


@pytest.mark.usefixtures("files")
def test_an_assignment_is_the_sum_of_its_layers():
    plain = trained_network("lenet5", "digits")
    found = asked(Entry("assignment:conv1=e8m1;fc1=exact", "searched"), plain)
    assert found.image_uj == pytest.approx(2 / 3 * 4.0 + 1 / 3 * 9.0)
    assert found.interval == pytest.approx((2 / 3 * 3.0 + 1 / 3 * 8.0, 2 / 3 * 5.0 + 1 / 3 * 10.0))
    assert (found.units, found.operands) == (7, "lenet5 (lenet5-digits), layer by layer")
    unknown = Entry("assignment:conv1=e8m1;fc1=bf16", "searched")
    assert energy_of(unknown, FRONT, plain, (), measure=False) is None
