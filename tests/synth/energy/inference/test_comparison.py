"""``inference_energy`` on a toy network and the smallest multipliers, and on LeNet-5: what it asks for and adds up."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from golden.assignments import Assignment
from golden.errors import InvalidInput
from golden.sums import matmul
from synth.energy.inference import comparison
from synth.energy.inference.comparison import BASELINES, DEFAULT_NAMES, PAIRS, inference_energy
from synth.energy.inference.layers import NETWORKS, Layer, Network
from synth.energy.rows import Design
from synth.energy.stimulus import HELD

pytest.importorskip("scipy")
pytestmark = pytest.mark.usefixtures("abc_tool", "simulator")

BASE = Design("e8m2", baseline=True)
SMALL: dict[str, Any] = {
    "network": "lenet5-digits",
    "multiplier": "e8m1",
    "block": "multiplier",
    "baselines": [BASE],
    "variants": 1,
    "pairs": 1,
    "accuracy": False,
}


def toy(trained, m):
    """Two layers: what the second one has is what the first one makes, rectified, on the multiplier in question."""
    m = m["hidden"] if isinstance(m, Assignment) else m
    generator = np.random.RandomState(7)
    x, w, v = (generator.standard_normal(shape).astype(np.float32) for shape in ((3 * HELD, 4), (4, 5), (5, 2)))
    first, second = np.zeros(5, np.float32), np.ones(2, np.float32)
    hidden = np.maximum(matmul(x, w, m, first), np.float32(0))
    return Layer("hidden", x, w, first, HELD), Layer("out", hidden, v, second, HELD)


@pytest.fixture(autouse=True)
def toy_network(monkeypatch, request):
    if "long" in request.keywords:
        return
    comparison._recorded.cache_clear()
    named: Any = SimpleNamespace(name="toy (toy-digits)", data="digits")
    monkeypatch.setattr(Network, "trained", lambda self: named)
    monkeypatch.setattr(comparison, "recorded_layers", toy)


def test_layers_and_their_sum():
    found = inference_energy(**SMALL)
    assert (found.network, found.block, found.library) == ("toy (toy-digits)", "multiplier", "osu018")
    assert [(row.name, row.baseline) for row in found.rows] == [("e8m2", True), ("e8m1", False)]
    own = found.row("e8m1")
    assert [(layer.layer, layer.macs) for layer in own.layers] == [("hidden", 60), ("out", 30)]
    assert own.image_uj == pytest.approx(sum(layer.macs * layer.energy_pj for layer in own.layers) / 1e6)
    assert 0 < own.image_uj_zero_delay <= own.image_uj < found.row("e8m2").image_uj
    for layer in own.layers:
        assert layer.energy_interval[0] <= layer.energy_pj_by_classes <= layer.energy_interval[1]
    ratio = own.ratios["e8m2"]
    assert ratio.interval[0] < ratio.energy < ratio.interval[1]
    assert ratio.energy < 1
    assert own.accuracy is None
    assert found.conditions.pairs == 2 * 5 * HELD  # one netlist: five units of one window in each layer
    assert "5 windows of 64 cycles in each layer" in found.conditions.stimulus
    # The hidden layer's activations are of either sign and never zero; those of the last one are rectified.
    assert own.layers[1].energy_pj != own.layers[0].energy_pj


def test_every_multiplier_has_operands_of_its_own_at_the_same_places(monkeypatch):
    from synth.energy import grid

    seen, real = {}, grid.measure

    def noted(netlist, **named):
        seen[len(seen)] = named["streams"]
        return real(netlist, **named)

    monkeypatch.setattr(grid, "measure", noted)
    inference_energy(**SMALL)
    first, second = seen.values()
    assert np.array_equal(first["b"], second["b"])
    half = 1 + 5 * HELD  # the first layer behind what sets the state
    assert np.array_equal(first["a"][1:half], second["a"][1:half])
    assert not np.array_equal(first["a"][half:], second["a"][half:])


def test_the_same_again_without_simulation_and_with_progress(monkeypatch):
    found = inference_energy(**SMALL)
    monkeypatch.setattr("synth.energy.bench.simulate", lambda *_, **__: pytest.fail("simulated again"))
    seen = []
    assert inference_energy(**SMALL, jobs=2, progress=lambda *step: seen.append(step)) == found
    assert [done for done, _, _ in seen] == list(range(1, 7))
    assert {total for _, total, _ in seen} == {6}  # two are recorded, two mapped, two measured
    assert seen[0][2] == "recorded e8m2"


def test_an_assignment_has_each_layer_of_the_circuit_that_computes_it():
    mixed = {"hidden": "e8m1", "out": "e8m2"}
    found = inference_energy(**SMALL, layers=[mixed, Assignment.of(mixed), {"hidden": "e8m1", "out": "e8m1"}])
    assert [row.name for row in found.rows] == ["e8m2", "e8m1", "hidden=e8m1;out=e8m2", "hidden=e8m1;out=e8m1"]
    base, alone, both, same = found.rows
    # On one multiplier everywhere an assignment is that multiplier, to the last bit.
    assert [layer.energy_pj for layer in same.layers] == [layer.energy_pj for layer in alone.layers]
    assert (same.image_interval, same.area_um2) == (alone.image_interval, alone.area_um2)
    # The first layer has the operands and the circuit of e8m1; the second one the circuit of e8m2, on other operands.
    assert both.layers[0].energy_pj == alone.layers[0].energy_pj
    assert both.layers[1].energy_pj != alone.layers[1].energy_pj
    assert both.layers[1].energy_pj == pytest.approx(base.layers[1].energy_pj, rel=0.2)
    assert both.image_uj == pytest.approx(sum(layer.macs * layer.energy_pj for layer in both.layers) / 1e6)
    assert both.area_um2 == pytest.approx(alone.area_um2 + base.area_um2)
    assert both.critical_path_ns == max(alone.critical_path_ns, base.critical_path_ns)
    assert both.ratios["e8m2"].energy < 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": "lenet"}, "unknown network 'lenet'; did you mean lenet5"),
        ({"block": "array"}, "energy is not measured of the block 'array'"),
        ({"block": "adder"}, "the block 'adder' has no multiplier"),
        ({"multiplier": "e8m99"}, "unknown multiplier 'e8m99'"),
        ({"multiplier": "ax-fpm:format=toy"}, "works on 8-bit words"),
        ({"layers": [{"hidden": "e8m99"}]}, "unknown multiplier 'e8m99'"),
        ({"layers": [{"hidden": "ax-fpm:format=toy"}]}, "works on 8-bit words"),
        ({"pairs": 0}, "pairs=0 is too small"),
        ({"variants": 0}, "variants=0 is too small"),
        ({"jobs": 65}, "jobs=65 is too large"),
        ({"seed": -1}, "seed=-1 is too small"),
        ({"stages": -1}, "stages=-1 is negative"),
        ({"period_ns": 1}, "takes .* ns and the clock is 1 ns"),
        ({"multiplier": [], "baselines": []}, "there is nothing to measure"),
    ],
    ids=str,
)
def test_refusals(changes, said):
    with pytest.raises(InvalidInput, match=said):
        inference_energy(**{**SMALL, **changes})


def test_what_is_compared_without_names():
    assert [design.name for design in BASELINES] == ["exact", "exact-trunc (booth tree)"]
    assert DEFAULT_NAMES == ("ax-fpm", "bf16", "e8m2", "mitchell")
    assert PAIRS % (5 * 5 * HELD) == 0


@pytest.mark.long
def test_lenet5_by_both_paths():
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    comparison._recorded.cache_clear()
    own = {"network": "lenet5-digits", "multiplier": "e8m1", "baselines": [BASE], "variants": 1}
    found = inference_energy(**own, pairs=5 * 10 * HELD)
    assert found.macs == 416_520
    for row in found.rows:
        assert row.image_interval[0] < row.image_uj_by_classes < row.image_interval[1]
        assert row.accuracy is not None
        assert row.accuracy.raw.rate > 0.9
    assert NETWORKS["lenet5-digits"].data() == "digits"
