"""``axfpm.energy`` on the smallest multipliers: what it compares, keeps and refuses."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from golden.errors import InvalidInput, InvalidType
from golden.multiply import multiply_words
from synth.energy import bench, blocks, grid
from synth.energy.comparison import BASELINES, CONTROLS, DEFAULT_NAMES, FULL_NAMES, energy
from synth.energy.rows import Design

pytest.importorskip("scipy")
pytestmark = pytest.mark.usefixtures("abc_tool", "simulator")

SMALL: dict[str, Any] = {"multiplier": "e8m1", "baselines": ["e8m2"], "stimulus": "relu", "pairs": 12, "variants": 2}


@pytest.fixture(scope="module")
def small():
    return energy(**SMALL)


def test_rows_and_conditions(small):
    assert [(row.name, row.baseline) for row in small.rows] == [("e8m2", True), ("e8m1", False)]
    own = small.row("e8m1")
    assert 0.01 < own.energy_pj_zero_delay <= own.energy_pj < small.row("e8m2").energy_pj < 100
    parts = (own.switching_pj, own.internal_pj, own.inputs_pj, own.leakage_pj)
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(own.energy_pj)
    ratio = own.ratios["e8m2"]
    assert ratio.interval[0] < ratio.energy < ratio.interval[1]
    assert small.conditions.pairs == 12
    assert small.conditions.clock == "clock 12 ns"
    assert {"yosys", "opensta", "icarus"} == small.conditions.tools.keys()
    assert all(small.conditions.tools.values())


def test_the_same_for_more_workers_and_nothing_is_done_again(small, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("simulated again")

    monkeypatch.setattr("synth.energy.bench.simulate", forbidden)
    seen = []
    assert energy(**SMALL, jobs=2, progress=lambda *step: seen.append(step)) == small
    assert [done for done, _, _ in seen] == list(range(1, 9))
    assert {total for _, total, _ in seen} == {8}


def test_what_was_interrupted_goes_on(monkeypatch):
    own = {**SMALL, "multiplier": [], "seed": 5}
    real, calls = grid.measure, []

    def second_breaks(*args, **named):
        calls.append(named["streams"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **named)

    monkeypatch.setattr(grid, "measure", second_breaks)
    with pytest.raises(KeyboardInterrupt):
        energy(**own)
    monkeypatch.setattr(grid, "measure", real)
    simulated, run = [], bench.simulate
    monkeypatch.setattr(bench, "simulate", lambda *a, **k: (simulated.append(1), run(*a, **k))[1])
    energy(**own)
    assert len(simulated) == 2  # the second netlist, with delays and without; the first was kept


def test_operands_are_shared_and_differ_between_variants(monkeypatch):
    seen = {}
    real = grid.measure

    def noted(netlist, **named):
        seen.setdefault(named["streams"]["a"].tobytes(), []).append(1)
        return real(netlist, **named)

    monkeypatch.setattr(grid, "measure", noted)
    energy(**SMALL)
    assert [len(uses) for uses in seen.values()] == [2, 2]


def test_every_output_is_held_against_the_golden_model(monkeypatch):
    def wrong(a, b, m):
        words = multiply_words(a, b, m)
        words[-1] ^= np.uint32(1)
        return words

    monkeypatch.setattr(blocks, "multiply_words", wrong)
    with pytest.raises(InvalidInput, match="1 of 7 outputs of the netlist are wrong"):
        energy(**{**SMALL, "variants": 2, "seed": 77})


def test_the_significand_product_alone(small):
    own = energy("significand", **SMALL)
    assert own.block == "significand"
    for name in ("e8m1", "e8m2"):
        assert 0 < own.row(name).energy_pj < 0.7 * small.row(name).energy_pj
        assert 0 < own.row(name).area_um2 < 0.7 * small.row(name).area_um2
    assert own.conditions.stimulus == small.conditions.stimulus


@pytest.mark.long
def test_an_adder_alone_and_behind_a_multiplier(small):
    own = {**SMALL, "pairs": 10, "variants": 1}
    adder = energy("adder", **{**own, "baselines": None, "controls": CONTROLS})
    # One circuit on two streams: no baseline but exact, and no controls.
    assert [(row.name, row.baseline) for row in adder.rows] == [("exact", True), ("e8m1", False)]
    assert adder.row("exact").area_um2 == adder.row("e8m1").area_um2
    assert adder.row("exact").energy_pj != adder.row("e8m1").energy_pj
    mac = energy("mac", **own)
    # The sum of its parts, but for what is shared and glitches of the product that the adder sees.
    parts = small.row("e8m1").area_um2 + adder.row("e8m1").area_um2
    assert 0.85 * parts < mac.row("e8m1").area_um2 < 1.1 * parts
    assert mac.row("e8m1").energy_pj > adder.row("e8m1").energy_pj
    assert "adder_stages" not in mac.to_dict()


def test_pipelines_count_their_clock_pins(small):
    piped = energy(**{**SMALL, "multiplier": [], "variants": 1, "pairs": 10}, stages=1)
    assert piped.stages == 1
    assert piped.conditions.clock == "clock 12 ns, its pins counted and its tree not"
    assert piped.row("e8m2").inputs_pj > 2 * small.row("e8m2").inputs_pj


def test_fastest_clock():
    own = energy(**{**SMALL, "variants": 1, "pairs": 10}, fastest=True)
    for row in own.rows:
        assert 0 <= row.period_ns - row.critical_path_ns < 0.01 + 1e-9
    assert own.row("e8m1").period_ns < own.row("e8m2").period_ns
    assert own.conditions.clock == "each design's shortest clock period"


def test_clocks_that_are_too_fast():
    with pytest.raises(InvalidInput, match=r"e8m2 takes \d\.\d+ ns and the clock is 1 ns; give a longer period"):
        energy(**SMALL, period_ns=1)
    place = (Design("e8m2"), 0)
    slow: Any = SimpleNamespace(critical_path_ns=10.1)
    assert grid._common_period([(place, slow)], 10.0, asked=False) == 12.5
    assert grid._common_period([(place, slow)], 12.0, asked=False) == 12.0
    with pytest.raises(InvalidInput, match="a period and the fastest one were asked for"):
        energy(**SMALL, period_ns=1, fastest=True)


def test_the_operator_is_a_control_of_its_own():
    own = energy(
        **{**SMALL, "multiplier": [], "variants": 1, "pairs": 10}, controls=[Design("e8m2", "operator", baseline=True)]
    )
    assert [row.name for row in own.rows] == ["e8m2", "e8m2 (operator tree)"]
    assert own.baselines == ("e8m2", "e8m2 (operator tree)")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"block": "array"}, "energy is not measured of the block 'array'; choose from multiplier, significand"),
        ({"adder_stages": 1}, "the block 'multiplier' has no adder beside a multiplier"),
        ({"block": "mac", "adder_stages": -1}, "adder_stages=-1 is too small"),
        ({"multiplier": "e8m99"}, "unknown multiplier 'e8m99'"),
        ({"multiplier": "ax-fpm:format=toy"}, "works on 8-bit words"),
        ({"pairs": 9}, "pairs=9 is too small"),
        ({"jobs": 0}, "jobs=0 is too small"),
        ({"variants": 0}, "variants=0 is too small"),
        ({"stages": -1}, "stages=-1 is negative"),
        ({"period_ns": 0}, "period"),
        ({"seed": -1}, "seed=-1 is too small"),
        ({"stimulus": "noise"}, "unknown stimulus 'noise'"),
        ({"library": "osu"}, "unknown library 'osu'"),
        ({"wire_loads": True}, "the library osu018_stdcells has no default wire load"),
        ({"liberty": __file__}, "test_comparison.py"),
        ({"multiplier": [], "baselines": []}, "there is nothing to measure"),
    ],
    ids=str,
)
def test_refusals(changes, said):
    with pytest.raises(InvalidInput, match=said):
        energy(**{**SMALL, **changes})


def test_types():
    with pytest.raises(InvalidType, match="jobs is a whole number, not str"):
        energy(**{**SMALL, "jobs": "2"})


def test_what_is_compared_without_names():
    assert len({*BASELINES, *DEFAULT_NAMES}) == 8
    everything = {*BASELINES, *FULL_NAMES}
    assert {"exact-trunc", "bf16", "mitchell", "ax-fpm", "ax-fpm-wrap", "ax-bf16"} <= everything
    assert {f"e8m{bits}" for bits in range(1, 11)} <= everything
    assert {f"ax-fpm:cell=AMA{cell}" for cell in range(1, 5)} <= everything
    assert [design.name for design in CONTROLS] == ["exact-trunc (booth tree)", "exact-trunc (operator tree)"]
    assert all(design.baseline for design in CONTROLS)
