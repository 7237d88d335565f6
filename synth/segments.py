"""How long each segment of a pipelined datapath takes: what the estimates in ``hdl`` are held against.

In: a datapath of ``hdl.pipeline``, here the adder's. Out: for each segment its delay and the bits of a register behind
it. Each is mapped and timed alone, between its inputs and the values that it hands on, as a design of its own. Places
inside a long addition are left out: there one adder is measured.

``python -m synth.segments [LIBRARY]`` prints the adder's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Cat, Const, Module, Signal, Value

from golden.formats import FP32
from hdl.adder import adder_path
from hdl.delays import Times, settle
from hdl.pipeline import Datapath, register_bits
from synth.flow import synthesise
from synth.liberty import LibrarySource

__all__ = ["Segment", "measure_segments"]

TOP = "segment"


@dataclass(frozen=True)
class Segment:
    """A segment: the delay estimated for it (gates), the one measured (ns), and the bits of a register behind it."""

    estimate: float
    delay_ns: float
    bits: int


def measure_segments(datapath: Datapath, widths: tuple[int, ...], *, liberty: LibrarySource = None) -> list[Segment]:
    """Measure every segment of a datapath.

    Parameters
    ----------
    datapath : callable
        As for ``hdl.pipeline.pipeline``.
    widths : tuple of int
        Bits of its inputs.
    liberty : optional
        The cell library, as for ``synth.flow.synthesise``.

    Returns
    -------
    list of Segment
        In order.

    Raises
    ------
    InvalidInput, MissingTool
        As ``synthesise`` does.
    """
    found = []
    for text, estimate, bits in _designs(datapath, widths):
        result = synthesise(text, top=TOP, liberty=liberty)
        found.append(Segment(estimate, result.critical_path_ns, bits))
    return found


def _designs(datapath: Datapath, widths: tuple[int, ...]) -> Iterator[tuple[str, float, int]]:
    """Verilog, estimate and register bits of each segment."""
    index, count = 0, 1
    while index < count:
        # All segments are in the module, apart from each other; what does not lead from these inputs to these outputs
        # is not looked at.
        m, inputs = Module(), tuple(Signal(width, name=f"in_{k}") for k, width in enumerate(widths))
        ports: list[Signal] = list(inputs)
        times: Times = {}
        path, count = datapath(m, inputs), 0
        chosen: tuple[list[Signal], Signal, float, int] | None = None
        try:
            cut = next(path)
            while True:
                times = settle(cut.delay, times)
                if callable(cut.state):
                    cut = path.send(None)
                    continue
                out = Signal(register_bits(cut.state), name="out")
                m.d.comb += out.eq(Cat(*_values(cut.state).values()))
                if count == index:
                    chosen = ports, out, max(times.values(), default=0.0), len(out)
                fresh = {
                    key: Signal(len(value), name=f"in_{k}") for k, (key, value) in enumerate(_values(cut.state).items())
                }
                ports, count, times = list(fresh.values()), count + 1, {}
                cut = path.send(_replaced(cut.state, fresh))
        except StopIteration:
            assert chosen is not None
        inputs_, out, estimate, bits = chosen
        text = verilog.convert(m, name=TOP, ports=[*inputs_, out], emit_src=False, strip_internal_attrs=True)
        yield text, estimate, bits
        index += 1


def _values(state: Any) -> dict[int, Value]:
    """The values of a state, each once."""
    if isinstance(state, dict):
        return _values(list(state.values()))
    if isinstance(state, list | tuple):
        return {key: value for item in state for key, value in _values(item).items()}
    return {id(state): state} if isinstance(state, Value) and not isinstance(state, Const) else {}


def _replaced(state: Any, fresh: dict[int, Signal]) -> Any:
    if isinstance(state, dict):
        return {key: _replaced(item, fresh) for key, item in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_replaced(item, fresh) for item in state)
    return fresh.get(id(state), state)


def main(arguments: list[str]) -> None:
    """Print the adder's segments."""
    library = arguments[0] if arguments else None
    for k, each in enumerate(measure_segments(adder_path, (FP32.word_bits,) * 2, liberty=library)):
        print(f"segment {k}: {each.delay_ns:6.3f} ns, estimated {each.estimate:4.1f} gates, {each.bits} bits behind it")


if __name__ == "__main__":
    main(sys.argv[1:])
