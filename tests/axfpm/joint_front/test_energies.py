"""The energy of an entry: of the file that has it, else measured; of an assignment the sum of its layers."""

import pytest

from axfpm.joint_front import energies as module
from axfpm.joint_front.energies import energy_of
from axfpm.joint_front.entries import Entry, Front
from golden.robustness.row_types import EXACT
from synth.energy.inference.result import InferenceEnergy, InferenceRow, LayerRow, Ratio
from synth.energy.inference.technologies import Inferences
from synth.energy.result import Conditions

FRONT = Front("digits", "lenet5", (), attacked=4)
NETWORK = "lenet5 (lenet5-digits)"
MIXED = Entry("assignment:conv1=e8m1;fc1=exact", "searched")


def inference(network, **energies):
    """Two thirds of the products and of the energy are in the first layer; everything is known within 10% of exact."""

    def row(name, uj, tree="dadda", base="exact"):
        ratio = Ratio(uj / 10, (1.0, 1.0) if name == "exact" else (uj / 10 - 0.1, uj / 10 + 0.1))
        layers = tuple(
            LayerRow(
                *(layer, macs, 1e6 * uj / 3, (1e6 * (uj - 1) / 3, 1e6 * (uj + 1) / 3)),
                *(0, 0, macs * uj / 3, {base: ratio}),
            )
            for layer, macs in (("conv1", 2), ("fc1", 1))
        )
        return InferenceRow(name, tree, False, uj, (uj - 1, uj + 1), uj, uj, 1, 2, 12, None, layers, {base: ratio})

    conditions = Conditions("osu018_stdcells", "typical", "00", (), "clock 12 ns", "made up", 10, 7, 0, {})
    others = row("e8m1", 99.0, tree="booth"), row("bf16", 98.0, base="e8m2")
    rows = (*others, row("exact", 10.0), *(row(name, uj) for name, uj in energies.items()))
    return InferenceEnergy(network, "digits", "pe", 1, conditions, rows)


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MEASURED", tmp_path)
    for name, network, uj in (("a", "lenet5 (another)", 1.0), ("b", NETWORK, 4.0)):
        (tmp_path / f"{name}.json").write_text(Inferences((inference(network, e8m1=uj),)).to_json())
    return tmp_path


def asked(on, *paths, measure=False):
    return energy_of(on if isinstance(on, Entry) else Entry(on), FRONT, paths, measure=measure)


def test_from_files():
    found = asked("e8m1")
    assert found is not None
    assert (found.image_uj, found.interval, found.units, found.operands) == (4.0, (3.0, 5.0), 7, NETWORK)
    assert (found.ratio, found.ratio_interval) == (0.4, pytest.approx((0.3, 0.5)))
    # Whatever was done to the network, it is its multiplier's.
    assert asked(Entry("e8m1", "fine-tuned", tuned=True)) == asked(Entry("e8m1", "adversarially trained")) == found
    exact = asked(EXACT)
    assert exact is not None
    assert (exact.image_uj, exact.ratio_interval) == (10.0, (1.0, 1.0))
    # What has no ratio to the exact multiplier is no measurement of it.
    assert asked("bf16") is None
    assert asked("mitchell") is None


def test_files_that_are_given_come_first(tmp_path):
    own = tmp_path / "own"
    own.write_text(Inferences((inference(NETWORK, e8m1=3.0),)).to_json())
    found = asked("e8m1", own)
    assert found is not None
    assert found.image_uj == 3.0


def test_an_assignment_is_the_sum_of_its_layers(tmp_path):
    found = asked(MIXED)
    assert found is not None
    assert found.image_uj == pytest.approx(2 / 3 * 4.0 + 1 / 3 * 10.0)
    assert found.interval == pytest.approx((2 / 3 * 3.0 + 1 / 3 * 9.0, 2 / 3 * 5.0 + 1 / 3 * 11.0))
    assert found.ratio == pytest.approx(2 / 3 * 0.4 + 1 / 3)
    assert found.ratio_interval == pytest.approx((2 / 3 * 0.3 + 1 / 3, 2 / 3 * 0.5 + 1 / 3))
    assert (found.units, found.operands) == (7, f"{NETWORK}, layer by layer")
    assert asked("assignment:conv1=e8m1;fc1=bf16") is None
    own = tmp_path / "own"
    own.write_text(Inferences((inference(NETWORK, **{str(MIXED.runs_on): 5.0}),)).to_json())
    measured = asked(MIXED, own)
    assert measured is not None
    assert (measured.image_uj, measured.operands) == (5.0, NETWORK)


def test_measured_where_no_file_has_it(monkeypatch):
    calls = []

    def inference_energy(network, **settings):
        calls.append((network, settings["multiplier"]))
        return inference(NETWORK, **dict.fromkeys(settings["multiplier"], 2.0))

    monkeypatch.setattr("synth.energy.inference.comparison.inference_energy", inference_energy)
    for on, uj in (("mitchell", 2.0), ("assignment:conv1=e8m1;fc1=mitchell", 2 / 3 * 4.0 + 1 / 3 * 2.0)):
        found = asked(on, measure=True)
        assert found is not None
        assert found.image_uj == pytest.approx(uj)
    asked("e8m1", measure=True)
    assert calls == [("lenet5-digits", ["mitchell"])] * 2
