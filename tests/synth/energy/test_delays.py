import pytest
from tiny_library import TINY, by_hand, library

from golden.errors import InvalidInput
from synth.energy.delays import time_netlist
from synth.energy.netlist import scalar_verilog

pytestmark = pytest.mark.usefixtures("timer")

CHAIN = by_hand(
    [("NAND", {"A": 2, "B": 3, "Y": 4}), ("DFF", {"D": 4, "CK": 5, "Q": 6, "QN": 7})],
    {"a": (2,), "b": (3,), "clk": (5,)},
    {"y": (6,)},
)


def time(tmp_path, netlist=CHAIN, given=None):
    return time_netlist(
        netlist, scalar_verilog(netlist), given or library(), period_ns=2.0, folder=tmp_path, timeout_s=60
    )


def test_delays_in_ps_and_slews_in_ns(tmp_path):
    delays, slews = time(tmp_path)
    assert delays.cells == {"c0": "NAND", "c1": "DFF"}
    assert delays.paths["c0"]["A", "Y"] == pytest.approx((100, 200))
    assert delays.paths["c0"]["B", "Y"] == pytest.approx((300, 400))
    assert delays.paths["c1"]["CK", "Q"] == pytest.approx((100, 200))
    assert slews["c0", "A"] == pytest.approx((0.05, 0.05), rel=1e-5)  # of the driving buffer
    assert slews["c1", "CK"] == (0, 0)


def test_wire_loads_are_taken_away(tmp_path):
    # With them each net would have 1 fF per length that the fanout takes: said once more by the delays.
    by_load = TINY.replace(
        'cell_rise (delays) { values ("0.1, 0.1", "0.1, 0.1"); }', 'cell_rise (delays) { values ("0, 1", "0, 1"); }'
    )
    assert by_load != TINY
    inverter = by_hand([("INV", {"A": 2, "Y": 3})], {"a": (2,)}, {"y": (3,)})
    delays, _ = time(tmp_path, inverter, library(by_load))
    assert delays.paths["c0"]["A", "Y"][0] == pytest.approx(100)  # 10 of 100 fF
    assert "default_wire_load" in by_load
    assert "NAND" not in (tmp_path / "cells.lib").read_text()


def test_wire_loads_where_they_are_asked_for(tmp_path):
    # HEAD's wire is 10 fF for each load: 4 fF of the second inverter's rise and 10 of wire take 140 ps. An output
    # of the design is a load too, and twice of one net it is two.
    by_load = TINY.replace(
        'cell_rise (delays) { values ("0.1, 0.1", "0.1, 0.1"); }', 'cell_rise (delays) { values ("0, 1", "0, 1"); }'
    )
    chain = by_hand([("INV", {"A": 2, "Y": 3}), ("INV", {"A": 3, "Y": 4})], {"a": (2,)}, {"y": (4, 4)})
    for wired, first, second in ((False, 40, 200), (True, 140, 400)):
        delays, _ = time(tmp_path, chain, library(by_load, wire_loads=wired))
        assert delays.paths["c0"]["A", "Y"][0] == pytest.approx(first)
        assert delays.paths["c1"]["A", "Y"][0] == pytest.approx(second)


def test_opensta_fails(tmp_path, monkeypatch):
    with pytest.raises(InvalidInput, match=r"OpenSTA ran past 0\.001 s"):
        time_netlist(CHAIN, scalar_verilog(CHAIN), library(), period_ns=2.0, folder=tmp_path, timeout_s=0.001)
    monkeypatch.setattr("synth.tools.run", lambda *_, **__: (1, "Error: broken"))
    with pytest.raises(InvalidInput, match="OpenSTA could not time the netlist: Error: broken"):
        time(tmp_path)
