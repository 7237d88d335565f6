"""A library of a few cells with round numbers, and netlists and recordings by hand."""

import hashlib

import numpy as np

from golden.cache import cache_dir
from synth.energy.netlist import Instance, Netlist
from synth.energy.toggles import Toggles
from synth.liberty import read_liberty

# Energies in fJ, capacitances in fF, 2 V: C V^2 / 2 is 2 fJ for each fF.
HEAD = """
library (tiny) {
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1uA"; pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW"; capacitive_load_unit (1, ff);
  nom_voltage : 2.0; nom_process : 1; nom_temperature : 25;
  default_wire_load : "small"; default_wire_load_mode : top;
  wire_load ("small") { capacitance : 1; resistance : 0; slope : 10; fanout_length (1, 10); }
  power_lut_template (at_load) { variable_1 : total_output_net_capacitance; variable_2 : input_transition_time;
    index_1 ("0, 100"); index_2 ("0, 1"); }
  power_lut_template (at_slew) { variable_1 : input_transition_time; index_1 ("0, 1"); }
  lu_table_template (delays) { variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("0, 1"); index_2 ("0, 100"); }
"""


def energy(related="", when="", supply="", rise=0.0, fall=0.0):
    """An internal_power group whose tables say one energy everywhere."""
    lines = [f'related_pin : "{related}";'] if related else []
    lines += [f'when : "{when}";'] if when else []
    lines += [f"related_pg_pin : {supply};"] if supply else []
    for name, value in (("rise", rise), ("fall", fall)):
        table = f'values ("{value}, {value}", "{value}, {value}");' if related else f'values ("{value}, {value}");'
        lines.append(f"{name}_power ({'at_load' if related else 'at_slew'}) {{ {table} }}")
    return f"internal_power () {{ {' '.join(lines)} }}"


def timing(related, rise=0.1, fall=0.2, kind="combinational"):
    delay = 'cell_{0} (delays) {{ values ("{1}, {1}", "{1}, {1}"); }}'
    slew = '{0}_transition (delays) {{ values ("0.05, 0.05", "0.05, 0.05"); }}'
    tables = " ".join(
        [delay.format("rise", rise), delay.format("fall", fall), slew.format("rise"), slew.format("fall")]
    )
    return f'timing () {{ related_pin : "{related}"; timing_type : {kind}; {tables} }}'


def entrance(name, rise=4.0, fall=3.0, more=""):
    # What the load of outputs is made of: four inverters' are 10 fF.
    values = f"capacitance : 2.5; rise_capacitance : {rise}; fall_capacitance : {fall};"
    return f"pin ({name}) {{ direction : input; {values} {more} }}"


def exit_(name, function, *more):
    return f'pin ({name}) {{ direction : output; function : "{function}"; {" ".join(more)} }}'


def cell(name, *pins, area=1.0, more=""):
    return f"cell ({name}) {{ area : {area}; cell_leakage_power : 5; {more} {' '.join(pins)} }}"


CELLS = {
    "INV": cell("INV", entrance("A"), exit_("Y", "!A", timing("A"), energy("A", rise=5, fall=3))),
    "BUF": cell("BUF", entrance("A"), exit_("Y", "A", timing("A"), energy("A", rise=1, fall=1)), area=2),
    "NAND": cell(
        "NAND",
        entrance("A", more=energy(rise=0.5, fall=0.25)),
        entrance("B"),
        exit_(
            "Y", "!(A B)", timing("A"), timing("B", 0.3, 0.4), energy("A", rise=6, fall=2), energy("B", rise=10, fall=4)
        ),
        more='leakage_power () { when : "A B"; value : 8; } leakage_power () { value : 2; }',
    ),
    "XOR": cell(
        "XOR",
        entrance("A"),
        entrance("B"),
        exit_(
            "Y",
            "A ^ B",
            timing("A"),
            timing("B"),
            *(
                energy(pin, when, supply, rise, fall)
                for pin, other in (("A", "B"), ("B", "A"))
                for when, rise, fall in ((other, 7, 1), (f"!{other}", 20, 30))
                for supply, rise, fall in (("VDD", rise, fall), ("VSS", rise + 100, fall + 100))
            ),
        ),
    ),
    "FA": cell(
        "FA",
        *(entrance(name) for name in "ABC"),
        exit_("S", "A ^ B ^ C", *map(timing, "ABC"), *(energy(name, rise=11, fall=9) for name in "ABC")),
        exit_("K", "A B + A C + B C", *map(timing, "ABC"), *(energy(name, rise=6, fall=5) for name in "ABC")),
    ),
    "DFF": cell(
        "DFF",
        entrance("D", more=energy(when="CK", rise=1, fall=1) + energy(when="!CK", rise=3, fall=5)),
        entrance("CK", more=energy(rise=2, fall=12)),
        exit_("Q", "IQ", timing("CK", kind="rising_edge"), energy("CK", rise=21, fall=31)),
        exit_("QN", "IQN", timing("CK", kind="rising_edge"), energy("CK", rise=1, fall=2)),
        area=5,
        more='ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }',
    ),
}
TINY = HEAD + "\n".join(CELLS.values()) + "\n}\n"


def text_of(*cells):
    """A library of some cells, beside the inverter and the buffer that none is without."""
    return "\n".join([HEAD, *dict.fromkeys((CELLS["INV"], CELLS["BUF"], *cells)), "}\n"])


def library(*texts, **more):
    """Read a library in parts, TINY where none is given; its files lie in the tests' cache."""
    files = []
    for text in texts or (TINY,):
        files.append(cache_dir("tiny") / f"{hashlib.sha256(text.encode()).hexdigest()}.lib")
        files[-1].write_text(text)
    return read_liberty(files, **more)


def by_hand(instances, inputs, outputs):
    """A netlist: instances as (cell, {pin: net}), ports as {name: (nets)}."""
    nets = [n for _, pins in instances for n in pins.values()] + [n for port in inputs.values() for n in port]
    made = tuple(Instance(name, f"u{k}", pins) for k, (name, pins) in enumerate(instances))
    return Netlist("top", made, inputs, outputs, max(nets) + 1)


def changes(netlist, *, end, **nets):
    """Toggles by hand: for each net its first value, then the times (fs) of its changes, as n2=(0, 100, 200)."""
    start = np.zeros(netlist.nets, bool)
    start[1] = True
    times = [np.zeros(0, np.int64)] * netlist.nets
    for name, (first, *when) in nets.items():
        start[int(name[1:])] = first
        times[int(name[1:])] = np.array(when, np.int64)
    sizes = [each.size for each in times]
    return Toggles(
        net=np.repeat(np.arange(netlist.nets), sizes),
        time=np.concatenate(times),
        first=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        start=start,
        begin=0,
        end=end,
    )
