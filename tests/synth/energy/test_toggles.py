import importlib
import signal
from typing import Any

import numpy as np
import pytest
from tiny_library import by_hand, changes

from golden.errors import InvalidInput
from golden.multiply import multiply
from hdl.verilog import generate
from synth.energy.bench import recording, simulate
from synth.energy.delays import time_netlist
from synth.energy.models import models
from synth.energy.netlist import completed, read_netlist, scalar_verilog
from synth.energy.reader import read_cells
from synth.energy.sdf import write_sdf
from synth.energy.toggles import read_toggles
from synth.flow import synthesise
from synth.liberty import read_liberty


def second_reader(dump: str) -> Any:
    """A dump as VCDVCD reads it, whose import gives SIGPIPE back its default action: a write to a tool that has ended
    would then end this process without a word."""
    before = signal.getsignal(signal.SIGPIPE)
    try:
        return importlib.import_module("vcdvcd").VCDVCD(dump)
    finally:
        signal.signal(signal.SIGPIPE, before)


NETLIST = by_hand([("INV", {"A": 2, "Y": 3}), ("INV", {"A": 3, "Y": 4})], {"a": (2,)}, {"y": (4,)})
DUMP = """$timescale {scale} $end
$scope module bench $end $scope module dut $end
$var wire 1 ! n2 $end
$var wire 1 " n3 $end
$var wire 1 # n4 $end
$upscope $end $upscope $end
$enddefinitions $end
#1
$dumpvars
0!
x"
1#
$end
#2
1"
#3
1!
0"
#7
0!
#9
1"
0#
"""


@pytest.fixture
def dump(tmp_path):
    def write(text):
        path = tmp_path / "activity.vcd"
        path.write_text(text)
        return path

    return write


def test_changes_within_the_recording(dump):
    toggles = read_toggles(dump(DUMP.format(scale="1fs")), NETLIST, begin=3, end=9)
    assert toggles.net.tolist() == [2, 2, 3]
    assert toggles.time.tolist() == [3, 7, 3]
    assert toggles.rising.tolist() == [True, False, False]
    assert toggles.counts.tolist() == [[0, 0], [0, 0], [1, 1], [1, 0], [0, 0]]
    assert toggles.start.tolist() == [False, True, False, True, True]


def test_the_time_scale_counts(dump):
    toggles = read_toggles(dump(DUMP.format(scale="10ps")), NETLIST, begin=30_000, end=90_000)
    assert toggles.time.tolist() == [30_000, 70_000, 30_000]


def test_undefined_nets(dump):
    with pytest.raises(InvalidInput, match="the net n3 is undefined while it is recorded"):
        read_toggles(dump(DUMP.format(scale="1fs")), NETLIST, begin=2, end=9)


def test_what_is_no_dump(dump, tmp_path):
    with pytest.raises(InvalidInput, match="lacks the net n4"):
        read_toggles(dump(DUMP.format(scale="1fs").replace("n4", "n5")), NETLIST, begin=3, end=9)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_toggles(tmp_path / "gone.vcd", NETLIST, begin=2, end=9)


def test_states_and_last_changes():
    toggles = changes(NETLIST, end=100, n2=(0, 10, 20, 30), n3=(1, 15))
    two, three = np.full(5, 2), np.full(5, 3)
    times = np.array([5, 10, 15, 30, 99])
    assert toggles.state(two, times).tolist() == [False, True, True, True, True]
    assert toggles.state(two, times, before=True).tolist() == [False, False, True, False, True]
    assert toggles.state(three, times).tolist() == [True, True, False, False, False]
    assert toggles.last(two, times).tolist() == [-1, 10, 10, 30, 30]
    assert toggles.last(two, times, before=True).tolist() == [-1, -1, 10, 20, 30]
    assert toggles.state(np.array([0, 1, 4]), np.array([5, 5, 5])).tolist() == [False, True, False]
    assert toggles.last(np.array([2]), np.array([-50])).tolist() == [-1]


def test_nothing_has_changed_before_the_recording():
    # A change at its very first instant is no cause of anything earlier.
    toggles = changes(NETLIST, end=100, n2=(0, 0, 20))
    assert toggles.last(np.array([2, 2]), np.array([-5, 0])).tolist() == [-1, 0]
    assert toggles.state(np.array([2, 2]), np.array([-5, 0])).tolist() == [False, True]


@pytest.mark.usefixtures("simulator", "flow_tools")
def test_a_second_reader_finds_the_same(tmp_path, liberty_file):
    # A multiplier's dump, with delays, read by another package's parser and counted without NumPy.
    library = read_liberty()
    mapped = synthesise(generate("multiplier", multiplier="e8m1", stages=0), top="multiplier")
    design = read_netlist(mapped.netlist.read_text(), top="multiplier", folder=tmp_path)
    cells = read_cells(library, design.used)
    design = completed(design, cells)
    a, b = np.random.default_rng(4).standard_normal((2, 25)).astype(np.float32)
    where = {"folder": tmp_path, "timeout_s": 60, "period_ns": 12.0}
    verilog = scalar_verilog(design)
    delays, _ = time_netlist(design, verilog, library, **where)
    inputs = {name: frozenset(p.name for p in cell.pins.values() if not p.output) for name, cell in cells.items()}
    dump = simulate(
        design,
        sources=(verilog, models(cells.values())),
        sdf=write_sdf(delays, top="multiplier", inputs=inputs),
        streams={"a": a.view(np.uint32), "b": b.view(np.uint32)},
        expected={"y": multiply(a, b, "e8m1").view(np.uint32)},
        stages=0,
        **where,
    )
    span = recording(25, stages=0, period_ns=12.0)
    toggles = read_toggles(dump, design, **span)
    other = second_reader(str(dump))
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    counted = 0
    for net in range(2, design.nets):
        name = f"bench.dut.n{net}"
        if name not in other.references_to_ids:
            continue
        counts, before = [0, 0], None
        for time, value in other[name].tv:
            if before is not None and value != before and span["begin"] <= time < span["end"]:
                counts[int(value)] += 1
            before = value
        assert toggles.counts[net].tolist() == counts
        counted += sum(counts)
    assert counted == toggles.net.size > 500
