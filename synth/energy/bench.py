"""The gate-level simulation: operands in, every output compared, every change of every net in a Value Change Dump.

The design of ``netlist.scalar_verilog`` runs on the cells of ``models`` in Icarus Verilog, with the delays of ``sdf``
or without any. All bits of the operands change at one instant of each clock cycle (1 ps after the rising edge where
there is a clock, so that every register has taken the previous ones), as if they came from registers without skew.
``rst`` is high for the first two cycles, ``en`` is always high.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from golden.errors import InvalidInput
from golden.templates import render
from synth import tools
from synth.energy.models import TIMESCALE
from synth.energy.netlist import Netlist

__all__ = ["CONTROLS", "period_fs", "recording", "settling", "simulate"]

CONTROLS = ("clk", "rst", "en")
"""Inputs that the bench drives itself."""


def recording(pairs: int, *, stages: int, period_ns: float) -> dict[str, int]:
    """Return where the recorded operations of so many pairs begin and end, fs."""
    period = period_fs(period_ns)
    return {"begin": (settling(stages) + 1 + stages) * period, "end": (settling(stages) + pairs) * period}


def period_fs(period_ns: float) -> int:
    """Return the clock cycle that is simulated: two equal halves of whole femtoseconds."""
    return 2 * round(period_ns * 5e5)


def settling(stages: int) -> int:
    """Cycles before the first one that is recorded: two in reset, those of the pipeline, one more."""
    return stages + 3


def simulate(
    netlist: Netlist,
    *,
    sources: tuple[str, str],
    sdf: str | None,
    streams: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    stages: int,
    period_ns: float,
    folder: Path,
    timeout_s: float,
    latencies: Mapping[str, int] | None = None,
) -> Path:
    """Run a netlist on streams of operands, one word of each per cycle, and return the dump of its nets.

    Recording begins with the first operands already in the design: the change to the second is the first activity.

    Parameters
    ----------
    netlist : Netlist
        What is simulated.
    sources : (str, str)
        The netlist and its cells as Verilog.
    sdf : str or None
        Delays, or None to simulate without any.
    streams : mapping of str to numpy.ndarray
        The words of each operand port, unsigned integers of one length; or (n, k), 64 bits each, the lowest first.
    expected : mapping of str to numpy.ndarray
        The right words of each output port.
    stages : int
        After how many cycles outputs follow their operands.
    period_ns : float
        The clock cycle.
    folder : pathlib.Path
        Where files are written; one simulation at a time.
    timeout_s : float
        Limit for compiler and simulator each, seconds.
    latencies : mapping of str to int, optional
        The same for single outputs, where it is another number.

    Raises
    ------
    InvalidInput
        If the delays are not taken as they are, an output is wrong, or the limit is passed.
    MissingTool
        If Icarus Verilog is missing.
    """
    compiler, simulator = tools.icarus()
    cycles = len(next(iter(streams.values())))
    for name, words in (*streams.items(), *expected.items()):
        (folder / f"{name}.hex").write_text("\n".join(_hex(words)) + "\n")
    if sdf is not None:
        (folder / "cells.sdf").write_text(sdf)
    bench = render(
        "synth",
        "bench.v.j2",
        timescale=TIMESCALE,
        top=netlist.top,
        cycles=cycles,
        settle=settling(stages),
        latencies=dict.fromkeys(expected, stages) | dict(latencies or {}),
        period_ps=f"{period_fs(period_ns) / 1000:.3f}",
        inputs={name: len(nets) for name, nets in netlist.inputs.items()},
        outputs={name: len(netlist.outputs[name]) for name in expected},
        streams=tuple(streams),
        words=(*streams, *expected),
        sdf="cells.sdf" if sdf is not None else "",
        connections=_connections(netlist, expected),
    )
    texts = {"bench.v": bench, "netlist.v": TIMESCALE + sources[0], "cells.v": sources[1]}
    for name, text in texts.items():
        (folder / name).write_text(text)
    _run([compiler, "-g2005", "-gspecify", "-o", "bench.vvp", *texts], folder, timeout_s)
    output = _run([simulator, "-n", "bench.vvp"], folder, timeout_s)
    _check(output, period_ns)
    return folder / "activity.vcd"


def _hex(words: np.ndarray) -> list[str]:
    """Words in hexadecimal: of numbers, or of rows of 64 bits, the lowest first."""
    if words.ndim == 1:
        return [f"{word:x}" for word in words.tolist()]
    return [f"{sum(part << 64 * k for k, part in enumerate(row)):x}" for row in words.tolist()]


def _connections(netlist: Netlist, expected: Mapping[str, np.ndarray]) -> list[str]:
    ports = [f".n{net}({name}_in[{bit}])" for name, nets in netlist.inputs.items() for bit, net in enumerate(nets)]
    places = iter(range(sum(map(len, netlist.outputs.values()))))
    for name, nets in netlist.outputs.items():
        ports += [f".o{next(places)}({f'{name}_out[{bit}]' if name in expected else ''})" for bit in range(len(nets))]
    return ports


def _run(command: list[str], folder: Path, timeout_s: float) -> str:
    try:
        status, output = tools.run(command, folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        raise InvalidInput(
            f"the gate-level simulation ran past {timeout_s:g} s; give fewer operands or a larger time limit"
        ) from None
    if status != 0:
        raise InvalidInput(f"the netlist cannot be simulated: {tools.last_line(output)}")
    return output


def _check(output: str, period_ns: float) -> None:
    """Raise unless the simulator took every delay and found every output right."""
    said = [line for line in output.splitlines() if re.search(r"SDF|warning|error", line, re.IGNORECASE)]
    if said:
        raise InvalidInput(
            f"the simulator did not take the delays as they are ({said[0].strip()}); mend the cell models"
        )
    result = re.search(r"^compared (\d+) wrong (\d+) first (-?\d+)$", output, re.MULTILINE)
    if result is None:
        raise InvalidInput(f"the gate-level simulation did not end: {tools.last_line(output)}")
    if int(result[2]):
        raise InvalidInput(
            f"{result[2]} of {result[1]} outputs of the netlist are wrong, the first at operands {result[3]}; give "
            f"the netlist's own expected words, or a period above {period_ns:g} ns if it is too slow"
        )
