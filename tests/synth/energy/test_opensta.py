"""OpenSTA as a witness: its switching power agrees; its internal power does not, and is found again from its rules.

``set_power_activity -global -activity 1`` makes every pin change once in each clock cycle, so ``instance_power`` times
the period is energy per change. What OpenSTA 2.0.17 makes of the tables is said in ``synth.energy.kinds``.
"""

import itertools
import subprocess
from typing import Any

import numpy as np
import pytest
from tiny_library import by_hand

from golden.multiply import multiply
from hdl.verilog import generate
from synth import tools
from synth.energy import boolean
from synth.energy.charges import charge, net_loads
from synth.energy.kinds import Conditions
from synth.energy.measure import measure
from synth.energy.netlist import completed, read_netlist, scalar_verilog
from synth.energy.reader import read_cells
from synth.energy.tables import look_up
from synth.energy.toggles import Toggles
from synth.flow import synthesise
from synth.liberty import read_liberty
from synth.wires import default_wire_load

pytestmark = pytest.mark.usefixtures("timer")

LOAD_FF, PERIOD_NS = 10.0, 10.0
# NAND, XOR, flip-flop.
CELLS = {
    "osu018": ("NAND2X1", "XOR2X1", "DFFPOSX1"),
    "nangate45": ("NAND2_X1", "XOR2_X1", "DFF_X1"),
    "sky130hd": (
        "sky130_fd_sc_hd__nand2_1",
        "sky130_fd_sc_hd__xor2_1",
        "sky130_fd_sc_hd__dfxtp_1",
    ),
    "sg13g2": ("sg13g2_nand2_1", "sg13g2_xor2_1", "sg13g2_dfrbp_1"),
    "asap7": ("NAND2xp5_ASAP7_75t_R", "XOR2x1_ASAP7_75t_R", "DFFHQNx1_ASAP7_75t_R"),
}
# Where it drops VSS: in ASAP7's groups of outputs without a condition, and in its flip-flops.
DROPS_VSS = {("asap7", 1): "output", ("asap7", 3): "all"}


def opensta(folder, library, verilog, *, clock="", data=(), load_ff=LOAD_FF):
    """Ask OpenSTA for slews (ns) by pin and power (pJ per cycle: internal, switching) by instance."""
    library.write(folder, {library.driving_cell, *_cells(verilog)})
    (folder / "design.v").write_text(verilog)
    lines = [f"read_liberty {name}" for name in library.file_names]
    lines += ["read_verilog design.v", "link_design top", "set_cmd_units -time ns -capacitance fF"]
    lines += [f"create_clock -name clock -period {PERIOD_NS} " + (f"[get_ports {clock}]" if clock else "")]
    if data:
        ports = f"[get_ports {{{' '.join(data)}}}]"
        lines += [
            f"set_input_delay 0 -clock clock {ports}",
            f"set_driving_cell -lib_cell {library.driving_cell} {ports}",
        ]
    lines += [f"set_load {load_ff:.6g} [all_outputs]", "set_power_activity -global -activity 1 -duty 0.5"]
    lines += ["foreach cell [get_cells *] {", "  set name [get_full_name $cell]"]
    lines += ["  foreach pin [get_pins $name/*] { foreach vertex [$pin vertices] {"]
    lines += [
        '    puts "SLEW [get_full_name $pin] [sta::Vertex_slew $vertex rise max] [sta::Vertex_slew $vertex fall max]"'
    ]
    lines += ["    break } }", '  puts "POWER $name [sta::instance_power $cell [sta::cmd_corner]]"', "}", "exit"]
    (folder / "power.tcl").write_text("\n".join(lines))
    command = [str(tools.opensta()), "-no_init", "-no_splash", "-exit", "power.tcl"]
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    said = [line.split() for line in output.splitlines() if line.startswith(("SLEW", "POWER"))]
    slews: Any = {tuple(w[1].split("/")): (float(w[2]) * 1e9, float(w[3]) * 1e9) for w in said if w[0] == "SLEW"}
    powers = {w[1]: tuple(float(x) * PERIOD_NS * 1e3 for x in w[2:4]) for w in said if w[0] == "POWER"}
    return slews, powers


def _cells(verilog):
    return {line.split()[0] for line in verilog.splitlines() if line.startswith("  ") and " c" in line and "(." in line}


def single(cells, name):
    """A design of one cell, every pin a port."""
    pins = {pin: k for k, pin in enumerate(cells[name].pins, start=2)}
    ports = {True: {}, False: {}}
    for pin in cells[name].pins.values():
        ports[pin.output][pin.name] = (pins[pin.name],)
    return by_hand([(name, pins)], ports[False], ports[True])


def as_opensta(cell, slews, load_ff, *, clocks, drops):
    """Rise plus fall of every group times a probability, clocks twice a cycle: the energy of a cycle by its rules."""
    total = 0.0
    for pin in cell.pins.values():
        for entry in pin.internal:
            if entry.supply == "VSS" and (drops == "all" or (drops == "output" and pin.output)):
                continue
            source = (*entry.related, pin.name)[0]
            alone = 1.0 if source in clocks else 0.5
            probability = 0.5 ** len(boolean.names(entry.when)) if entry.when else alone
            load = np.array([load_ff if pin.output else 0.0])
            both = sum(
                look_up(table, np.array([slew]), load)[0]
                for table, slew in zip((entry.rise, entry.fall), slews["c0", source], strict=True)
            )
            total += probability * both * (2 if pin.name in clocks else 1)
    return total


@pytest.mark.parametrize("place", [1, 2, 3], ids=["nand", "xor", "flip-flop"])
@pytest.mark.parametrize("name", CELLS)
def test_its_figures_come_from_the_same_tables(real_library, tmp_path, name, place):
    library, cell_name = real_library(name), CELLS[name][place - 1]
    cells, volt = read_cells(library, [cell_name]), library.voltage
    cell, netlist = cells[cell_name], single(cells, cell_name)
    clocks = {cell.register.clocked_on} if cell.register else set()
    nets = netlist.instances[0].nets
    clock = f"n{nets[next(iter(clocks))]}" if clocks else ""
    data = [f"n{n}" for port, (n,) in netlist.inputs.items() if port not in clocks]
    slews, powers = opensta(tmp_path, library, scalar_verilog(netlist), clock=clock, data=data)
    internal, switching = powers["c0"]
    outputs = [pin for pin in cell.pins.values() if pin.output]
    assert switching == pytest.approx(len(outputs) * 0.5 * LOAD_FF * volt**2 * 1e-3, rel=1e-4)
    expected = as_opensta(cell, slews, LOAD_FF, clocks=clocks, drops=DROPS_VSS.get((name, place), ""))
    assert internal == pytest.approx(expected, rel=1e-3)


def periodic(netlist, states, *, times):
    """Toggles of nets that take the given states (rows) at the given times, over and over."""
    net, time = [], []
    for n in range(netlist.nets):
        for k, when in enumerate(times):
            if states[k][n] != states[k - 1][n]:
                net.append(n)
                time.append(when)
    sizes = np.bincount(net, minlength=netlist.nets)
    start = np.array(states[-1], bool)
    first = np.concatenate([[0], np.cumsum(sizes)])
    return Toggles(np.array(net), np.array(time), first, start, 0, times[-1] + 1000)


@pytest.mark.parametrize(
    "name, place, share",
    [
        # OpenSTA over ours, each change of the output caused by either input in every state alike.
        *((name, 1, 2.0) for name in ("osu018", "nangate45", "sg13g2")),
        *((name, 2, 2.0) for name in ("osu018", "sky130hd", "sg13g2")),
        *((name, 2, 4.0) for name in ("nangate45", "asap7")),
        ("asap7", 1, 1.0),  # counted twice, and VSS dropped
    ],
)
def test_how_far_it_is_off(real_library, tmp_path, name, place, share):
    library, cell_name = real_library(name), CELLS[name][place - 1]
    cells, volt = read_cells(library, [cell_name]), library.voltage
    netlist = single(cells, cell_name)
    inputs = [n for (n,) in netlist.inputs.values()]
    slews, powers = opensta(tmp_path, library, scalar_verilog(netlist), data=[f"n{n}" for n in inputs])
    # Each input rises and falls once while the other one lets the output follow; for an XOR while it is 0 and 1.
    pairs = (
        [(0, 1), (1, 1), (1, 0), (1, 1)]
        if place == 1
        else [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (0, 1), (1, 1), (1, 0)]
    )
    states = []
    for a, b in pairs:
        row = [0, 1] + [0] * (netlist.nets - 2)
        row[inputs[0]], row[inputs[1]] = a, b
        row[next(iter(netlist.outputs.values()))[0]] = 1 - (a & b) if place == 1 else a ^ b
        states.append(row)
    toggles = periodic(netlist, states, times=[1000 * k for k in range(len(states))])
    sums = charge(toggles, netlist, Conditions(cells, volt, LOAD_FF, slews, {}), period=1000)
    assert sums.unmatched == 0
    mean = sums.internal.sum() / len(states)  # the output changes every time
    assert powers["c0"][0] / mean == pytest.approx(share, rel=0.04)


@pytest.mark.parametrize("name", ["nangate45", "sky130hd", "sg13g2"])
def test_capacitance_of_wires(real_library, tmp_path, name):
    # Inverters that drive so many others, up to far beyond each table.
    library = read_liberty(real_library(name), wire_loads=True)
    cell = library.inverters[0].name
    own = read_cells(library, [cell])
    (pin, out) = sorted(own[cell].pins, key=lambda each: own[cell].pins[each].output)
    fanouts, instances, nets = (1, 2, 3, 6, 9, 13, 40), [], itertools.count(3)
    drivers = [next(nets) for _ in fanouts]
    for net, fanout in zip(drivers, fanouts, strict=True):
        instances += [(cell, {pin: 2, out: net}), *((cell, {pin: net, out: next(nets)}) for _ in range(fanout))]
    netlist = by_hand(instances, {"a": (2,)}, {})
    library.write(tmp_path, {cell, library.driving_cell})
    (tmp_path / "design.v").write_text(scalar_verilog(netlist))
    lines = [*(f"read_liberty {file}" for file in library.file_names), "read_verilog design.v", "link_design top"]
    lines += [f"foreach net {{{' '.join(f'n{net}' for net in drivers)}}} {{"]
    lines += ['  puts "WIRE [sta::Net_wire_capacitance [get_nets $net] rise [sta::cmd_corner] max]"', "}", "exit"]
    (tmp_path / "wires.tcl").write_text("\n".join(lines))
    command = [str(tools.opensta()), "-no_init", "-no_splash", "-exit", "wires.tcl"]
    output = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    theirs = [float(line.split()[1]) * 1e15 for line in output.splitlines() if line.startswith("WIRE")]
    wires = default_wire_load(library)
    given = (own, library.voltage, LOAD_FF, {}, {})
    bare, wired = (net_loads(netlist, Conditions(*given, each)) for each in (None, wires))
    assert theirs == pytest.approx((wired - bare)[drivers, 1].tolist(), rel=1e-5)


@pytest.mark.usefixtures("simulator", "flow_tools")
def test_switching_energy_of_a_multiplier_agrees(tmp_path):
    # By cell: OpenSTA's energy per change of its output, times the changes that were simulated.
    library = read_liberty()
    mapped = synthesise(generate("multiplier", multiplier="e8m2", stages=0, name="top"), top="top")
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 60)).astype(np.float32)
    measured = measure(
        mapped.netlist,
        top="top",
        library=library,
        streams={"a": a.view(np.uint32), "b": b.view(np.uint32)},
        expected={"y": multiply(a, b, "e8m2").view(np.uint32)},
        period_ns=12.0,
    )
    netlist = read_netlist(mapped.netlist.read_text(), top="top", folder=tmp_path)
    cells = read_cells(library, netlist.used)
    netlist = completed(netlist, cells)
    data = [f"n{n}" for nets in netlist.inputs.values() for n in nets]
    _, powers = opensta(tmp_path, library, scalar_verilog(netlist), data=data, load_ff=library.load_ff)
    whole = compared = 0.0
    for k, cell in enumerate(measured.cells):
        if sum(pin.output for pin in cells[cell.cell].pins.values()) == 1 and cell.changes:
            # It takes the greater of rise and fall capacitance for both.
            assert powers[f"c{k}"][1] * cell.changes == pytest.approx(cell.switching, rel=0.06)
            whole += powers[f"c{k}"][1] * cell.changes
            compared += cell.switching
    assert compared > 0.9 * measured.with_glitches.switching.sum()
    assert compared == pytest.approx(whole, rel=0.02)
