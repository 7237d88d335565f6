"""Results: what they say of themselves, and that they survive being written down."""

import json

import numpy as np
import pytest
from made_up import result

from golden.errors import InvalidInput
from synth.energy.result import from_dict

pytest.importorskip("scipy")


def test_json_has_the_keys_that_users_rely_on():
    plain = json.loads(result().to_json())
    assert {"multiplier", "energy_pj", "energy_pj_zero_delay", "energy_interval", "ratios"} <= plain["rows"][0].keys()
    keys = {"library", "corner", "clock", "stimulus", "seed", "tools", "layout", "baselines", "intervals"}
    assert keys <= plain.keys()
    assert plain["layout"] == "pre-layout, no wires"
    assert plain["baselines"] == ["exact-trunc", "exact-trunc (operator tree)"]


def test_conditions_in_words():
    words = str(result().conditions)
    for said in (
        "osu018_stdcells",
        "typical",
        "clock 12 ns",
        "no wires",
        "made-up operands",
        "seed 1",
        "yosys 1, sta 2",
    ):
        assert said in words
    assert "5 netlist variants, each with operands of its own" in words
    assert "one netlist variant: 95% intervals over batches of operands alone" in str(result(variants=1).conditions)
    assert "3 netlist variants: 95%" in str(result(variants=3).conditions)


def test_it_survives_being_written_down():
    own = result()
    assert from_dict(json.loads(own.to_json())) == own
    wired = result(layout="pre-layout, wires by guess")
    assert from_dict(json.loads(wired.to_json())) == wired
    assert "no wires" not in str(wired.conditions)


def test_another_schema():
    with pytest.raises(ValueError, match="of schema 0"):
        from_dict({**result().to_dict(), "schema": 0})


def test_rows_by_name():
    assert result().row("ax-fpm").area_um2 == 100
    assert result().row("exact-trunc (operator tree)").area_um2 == 300
    with pytest.raises(InvalidInput, match="bf16 is not in this result of exact-trunc"):
        result().row("bf16")


def test_table():
    own = result()
    lines = own.table()
    assert {len(line) for line in lines} == {len(own.columns)}
    assert lines[2][0] == "ax-fpm"
    assert lines[2][-2] == "0.500 [0.500, 0.500]"
    assert lines[0][-2] == "1"
    # Parts add up: what inputs take stands with switching.
    assert np.sum(np.array(lines[2][4:7], float)) == pytest.approx(lines[2][1])
