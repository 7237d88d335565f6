"""Timing constraints beside the Verilog: one SDC file per block, as OpenSTA and FPGA tools read it."""

from __future__ import annotations

from typing import Any

from golden.checks import check_number
from golden.errors import InvalidInput
from hdl.limits import check_period
from hdl.ports import ports
from hdl.verilog import build

__all__ = ["generate"]


def generate(
    block: str,
    *,
    period_ns: float,
    input_delay_ns: float | None = None,
    output_delay_ns: float | None = None,
    **parameters: Any,
) -> str:
    """Write the timing constraints of a block.

    Parameters
    ----------
    block : str
        A name in ``hdl.verilog.CIRCUITS``.
    period_ns : float
        Clock period, ns.
    input_delay_ns, output_delay_ns : float, optional
        When inputs arrive after a clock edge, and how long before the next one outputs are needed; by default a fifth
        of the period for a clocked block, which leaves the rest to it, and 0 for a combinational one.
    **parameters
        As for ``hdl.verilog.generate``.

    Returns
    -------
    str
        The file's text. A combinational block gets a virtual clock. The reset has the delays of any other input.

    Raises
    ------
    InvalidInput
        If the period is below a picosecond, a delay is negative or leaves no time, or the block or a parameter is not
        known.
    InvalidType
        If a time is not a number.
    """
    period = check_period(period_ns)
    built = build(block, **parameters)
    share = period / 5 if built.clocked else 0.0
    arrival = share if input_delay_ns is None else check_number("input_delay_ns", input_delay_ns, 0)
    margin = share if output_delay_ns is None else check_number("output_delay_ns", output_delay_ns, 0)
    if arrival + margin >= period:
        raise InvalidInput(
            f"delays of {arrival:g} ns and {margin:g} ns leave nothing of a period of {period:g} ns; give smaller ones"
        )
    delays = {"input": arrival, "output": margin}
    constrained = [port for port in ports(built.component, clocked=built.clocked) if port.name != "clk"]
    lines = [
        f"# {block}: {built.header[0]}",
        "# A fifth of the period stays outside on either side, where nothing else was asked for.",
        f"create_clock -name clk -period {period:g}" + (" [get_ports clk]" if built.clocked else ""),
        *(
            f"set_{port.direction}_delay {delays[port.direction]:g} -clock clk "
            f"[get_ports {{{port.name}{'[*]' if port.width > 1 else ''}}}]"
            for port in constrained
        ),
    ]
    if not built.clocked:
        lines[1] = "# No register inside: the clock is virtual, and its period is the time from input to output."
    return "\n".join(lines) + "\n"
