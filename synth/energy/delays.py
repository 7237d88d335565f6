"""Delays and slews of a netlist by static timing: what ``sdf`` rewrites for the simulator, and where tables are read.

Drivers, loads and clock are those of ``synth.flow``: the smallest buffer drives every input, four of the smallest
inverters load every output, wires have no capacitance. OpenSTA gets the library without its ``default_wire_load``,
which it would apply unasked, unless that is asked for, and with none but the cells that are there. A slew is the
greatest of its pin and direction, as static timing has it, for every change of that pin.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from golden.errors import InvalidInput
from golden.templates import render
from synth import tools
from synth.energy.netlist import Netlist
from synth.energy.sdf import Delays, read_sdf
from synth.liberty import Library

__all__ = ["time_netlist"]

Slews = Mapping[tuple[str, str], tuple[float, float]]


def time_netlist(
    netlist: Netlist, verilog: str, library: Library, *, period_ns: float, folder: Path, timeout_s: float
) -> tuple[Delays, Slews]:
    """Time a netlist with OpenSTA.

    Parameters
    ----------
    netlist : Netlist
        What is timed.
    verilog : str
        Its text, by ``netlist.scalar_verilog``.
    library : Library
        Its cells, the driver of its inputs, the load of its outputs.
    period_ns : float
        The clock cycle.
    folder : pathlib.Path
        Where OpenSTA works.
    timeout_s : float
        Its limit, seconds.

    Returns
    -------
    delays : Delays
        Of cells, ps.
    slews : mapping of (str, str) to (float, float)
        By instance and pin: slews of its rise and fall, ns; 0 for a change that cannot come.

    Raises
    ------
    InvalidInput
        If OpenSTA fails, or runs past the limit.
    MissingTool
        If it is not installed.
    """
    program = str(tools.opensta())
    library.write(folder, netlist.used | {library.driving_cell})
    (folder / "netlist.v").write_text(verilog)
    clock = netlist.inputs.get("clk", ())
    script = render(
        "synth",
        "delays.tcl.j2",
        parts=library.file_names,
        top=netlist.top,
        clock=f"n{clock[0]}" if clock else "",
        period_ns=f"{period_ns:.6g}",
        data_inputs=[f"n{n}" for name, nets in netlist.inputs.items() if name != "clk" for n in nets],
        driving_cell=library.driving_cell,
        load_ff=library.load_ff,
    )
    (folder / "delays.tcl").write_text(script)
    try:
        _, output = tools.run(
            [program, "-no_init", "-no_splash", "-exit", "delays.tcl"], folder=folder, timeout_s=timeout_s
        )
    except TimeoutError:
        raise InvalidInput(f"OpenSTA ran past {timeout_s:g} s; give a smaller design or a larger time limit") from None
    found = folder / "slews.txt"
    lines = found.read_text().splitlines() if found.exists() else []
    if lines[-1:] != ["complete"]:
        raise InvalidInput(f"OpenSTA could not time the netlist: {tools.last_line(output)}")
    slews: dict[tuple[str, str], tuple[float, float]] = {}
    for line in lines[:-1]:
        pin, rise, fall = line.split()
        instance, _, name = pin.partition("/")
        slews[instance, name] = _ns(rise), _ns(fall)
    return read_sdf((folder / "delays.sdf").read_text()), slews


def _ns(seconds: str) -> float:
    """A slew in ns; OpenSTA has a huge number, or a negative one, for a change that cannot come."""
    value = float(seconds) * 1e9
    return value if 0 <= value < 1e6 else 0.0
