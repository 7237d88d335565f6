import numpy as np
import pytest
from tiny_library import by_hand, library

from golden.errors import InvalidInput
from synth.energy.bench import period_fs, recording, simulate
from synth.energy.models import models
from synth.energy.netlist import completed, scalar_verilog
from synth.energy.reader import read_cells
from synth.energy.sdf import Delays, write_sdf
from synth.energy.toggles import read_toggles

pytestmark = pytest.mark.usefixtures("simulator")

# y = !(a b): one gate, then one behind registers.
GATE = by_hand([("NAND", {"A": 2, "B": 3, "Y": 4})], {"a": (2,), "b": (3,)}, {"y": (4,)})
STAGE = by_hand(
    [("NAND", {"A": 2, "B": 3, "Y": 4}), ("DFF", {"D": 4, "CK": 5, "Q": 6, "QN": 7})],
    {"a": (2,), "b": (3,), "clk": (5,)},
    {"y": (6,)},
)
A = np.array([0, 1, 1, 0, 1], np.uint32)
B = np.array([0, 0, 1, 1, 1], np.uint32)
Y = 1 - (A & B)
DELAYS = Delays({"c0": "NAND"}, {"c0": {("A", "Y"): (100, 200), ("B", "Y"): (300, 400)}})
INPUTS = {"NAND": frozenset("AB"), "DFF": frozenset(("D", "CK"))}


def run(tmp_path, netlist, *, sdf=None, expected=Y, stages=0, timeout_s=60.0):
    cells = read_cells(library(), netlist.used)
    netlist = completed(netlist, cells)
    dump = simulate(
        netlist,
        sources=(scalar_verilog(netlist), models(cells.values())),
        sdf=sdf,
        streams={"a": A, "b": B},
        expected={"y": expected},
        stages=stages,
        period_ns=1.0,
        folder=tmp_path,
        timeout_s=timeout_s,
    )
    return read_toggles(dump, netlist, **recording(A.size, stages=stages, period_ns=1.0))


def test_without_delays_all_at_one_instant(tmp_path):
    toggles = run(tmp_path, GATE)
    period = period_fs(1.0)
    assert toggles.end - toggles.begin == (A.size - 1) * period
    # y = 1, 1, 0, 1, 0: changes with operands 2, 3 and 4, the recording begins with operands 1.
    when = toggles.time[toggles.net == 4] - toggles.begin
    assert when.tolist() == [1 * period, 2 * period, 3 * period]
    assert set((toggles.time - toggles.begin) % period) == {0}


def test_with_delays(tmp_path):
    toggles = run(tmp_path, GATE, sdf=write_sdf(DELAYS, top="top", inputs=INPUTS))
    # B makes it fall (400 ps), A makes it rise (100 ps) and fall (200 ps).
    when = toggles.time[toggles.net == 4] - toggles.begin
    assert (when % period_fs(1.0)).tolist() == [400_000, 100_000, 200_000]


def test_registers_take_the_previous_operands(tmp_path):
    toggles = run(tmp_path, STAGE, expected=Y, stages=1)
    counts = toggles.counts
    assert counts[5].tolist() == [3, 3]  # the clock, in three recorded cycles
    assert counts[6].sum() == 2  # y = 1, 0, 1 in them
    clock = toggles.time[toggles.net == 5]
    assert set((toggles.time[toggles.net == 6] - toggles.begin) % period_fs(1.0)) == {0}
    assert clock[0] == toggles.begin


def test_a_wrong_output(tmp_path):
    wrong = Y.copy()
    wrong[3:] ^= 1
    with pytest.raises(InvalidInput, match="2 of 5 outputs of the netlist are wrong, the first at operands 3"):
        run(tmp_path, GATE, expected=wrong)


def test_too_slow_for_its_clock(tmp_path):
    slow = Delays({"c0": "NAND"}, {"c0": {("A", "Y"): (1100, 1100), ("B", "Y"): (1100, 1100)}})
    with pytest.raises(InvalidInput, match=r"outputs of the netlist are wrong, .* a period above 1 ns"):
        run(tmp_path, GATE, sdf=write_sdf(slow, top="top", inputs=INPUTS))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("IOPATH A Y", "IOPATH B A"),  # no such path
        lambda text: text.replace("(400.000:400.000:400.000)", "(COND B (4.0:4.0:4.0))"),
        lambda text: text.replace("INSTANCE c0", "INSTANCE c9"),
        lambda text: text[: len(text) // 2],
    ],
)
def test_delays_that_are_not_taken(tmp_path, spoil):
    with pytest.raises(InvalidInput, match="the simulator did not take the delays as they are"):
        run(tmp_path, GATE, sdf=spoil(write_sdf(DELAYS, top="top", inputs=INPUTS)))


def test_what_opensta_writes_would_not_be_simulated(tmp_path):
    # The trap that sdf.py is for: no value between the least and the greatest, and Icarus simulates no delay at all.
    text = write_sdf(DELAYS, top="top", inputs=INPUTS)
    for value in ("100.000", "200.000", "300.000", "400.000"):
        text = text.replace(f"({value}:{value}:{value})", f"({value}::{value})")
    toggles = run(tmp_path, GATE, sdf=text)
    assert set((toggles.time - toggles.begin) % period_fs(1.0)) == {0}


def test_limit(tmp_path):
    with pytest.raises(InvalidInput, match=r"the gate-level simulation ran past 0\.001 s"):
        run(tmp_path, GATE, timeout_s=0.001)


def test_halves_are_whole():
    assert period_fs(12.0) == 12_000_000
    assert period_fs(3.3333333) % 2 == 0
