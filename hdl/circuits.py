# amaranth: UnusedElaboratable=no
# A component that refuses its parameters is not a forgotten one.
"""The circuits that ``axfpm verilog`` writes: a table from name to builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from amaranth.lib import wiring

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from golden.formats import FORMATS, Format
from golden.registry import Registry
from hdl import headers
from hdl.adder import FloatAdder
from hdl.array import SystolicArray
from hdl.axi import AxiStreamEngine
from hdl.engine import MatrixEngine
from hdl.limits import ACCUMULATORS, BIASES, DEPTH
from hdl.mac import MultiplyAdd
from hdl.multiplier import FloatMultiplier
from hdl.pe import ProcessingElement
from hdl.significand import SignificandMultiplier

__all__ = ["CIRCUITS", "Built"]


@dataclass(frozen=True)
class Built:
    """A component ready to be written, with what its header says."""

    component: wiring.Component
    """Its signature's members become the ports."""
    command: str
    """Arguments of ``axfpm verilog`` that give this file; empty where it was built from unnamed parts."""
    header: list[str] = field(default_factory=list)
    """Lines on ports, latency and numerics."""
    parts: dict[str, wiring.Component] = field(default_factory=dict)
    """Further modules that the component instantiates as ``part_KEY``; they are written once, as ``TOP_KEY``."""
    clocked: bool = True
    """Whether there are registers, and so the ports ``clk`` and ``rst``."""
    timing: str = ""
    """One line on handshake and latency, for the instance to paste."""


def _multiplier(*, multiplier: Multiplier | str = "ax-fpm", stages: int = 0, tree: str = "dadda") -> Built:
    m = look_up(multiplier)
    component = FloatMultiplier(m, stages=stages, tree=tree)
    options = {"stages": stages, "tree": _other(tree)}
    header, timing = headers.multiplier(m, stages), headers.latency(stages)
    return Built(component, _command(m, **options), header, clocked=stages > 0, timing=timing)


def _significand(*, multiplier: Multiplier | str = "ax-fpm", stages: int = 0, tree: str = "dadda") -> Built:
    m = look_up(multiplier)
    component = SignificandMultiplier(m, stages=stages, tree=tree)
    options = {"stages": stages, "tree": _other(tree)}
    header, timing = headers.significand(m, stages, len(component.y)), headers.latency(stages)
    return Built(component, _command(m, **options), header, clocked=stages > 0, timing=timing)


# Its parameter is called ``format`` where users give it.
def _adder(*, format: Format | str = "fp32", stages: int = 0) -> Built:  # noqa: A002
    fmt = FORMATS.look_up(format)
    component = FloatAdder(fmt, stages=stages)
    # A format from outside, whatever its name, is not what the command would write.
    named = FORMATS.get(fmt.name) == fmt
    command = (f"--format {fmt.name} " if fmt.name != "fp32" else "") + f"--stages {stages}"
    header, timing = headers.adder(fmt, stages), headers.latency(stages)
    return Built(component, command if named else "", header, clocked=stages > 0, timing=timing)


def _mac(
    *,
    multiplier: Multiplier | str = "ax-fpm",
    stages: int = 0,
    adder_stages: int | None = None,
    tree: str = "dadda",
) -> Built:
    component = MultiplyAdd(multiplier, stages=stages, adder_stages=adder_stages, tree=tree)
    command = _command(component.multiplier, stages=stages, adder_stages=adder_stages, tree=_other(tree))
    header, timing = headers.mac(component), headers.mac_timing(component)
    return Built(component, command, header, clocked=component.latency > 0, timing=timing)


def _pe(
    *,
    multiplier: Multiplier | str = "ax-fpm",
    stages: int = 1,
    adder_stages: int | None = None,
    tree: str = "dadda",
) -> Built:
    component = ProcessingElement(multiplier, stages=stages, adder_stages=adder_stages, tree=tree)
    command = _command(component.multiplier, stages=stages, adder_stages=adder_stages, tree=_other(tree))
    return Built(component, command, headers.pe(component, stages), timing=headers.pe_timing(component))


def _array(
    *,
    multiplier: Multiplier | str = "ax-fpm",
    rows: int = 8,
    columns: int = 8,
    stages: int = 1,
    adder_stages: int | None = None,
) -> Built:
    component = SystolicArray(
        multiplier, rows=rows, columns=columns, stages=stages, adder_stages=adder_stages, pe_module="part_pe"
    )
    m = component.multiplier
    element = ProcessingElement(m, stages=stages, adder_stages=adder_stages)
    command = _command(m, rows=rows, columns=columns, stages=stages, adder_stages=adder_stages)
    header, timing = headers.array(component, rows, columns), headers.array_timing(component)
    return Built(component, command, header, {"pe": element}, timing=timing)


def _engine(
    *,
    multiplier: Multiplier | str = "ax-fpm",
    rows: int = 8,
    columns: int = 8,
    stages: int = 1,
    adder_stages: int | None = None,
    depth: int = DEPTH,
    accumulators: int = ACCUMULATORS,
    biases: int = BIASES,
    axi: bool = False,
) -> Built:
    parameters = {"rows": rows, "columns": columns, "stages": stages, "adder_stages": adder_stages}
    buffers = {"depth": depth, "accumulators": accumulators, "biases": biases}
    component = MatrixEngine(multiplier, **parameters, **buffers, pe_module="part_pe")
    wrapper = AxiStreamEngine(multiplier, **parameters, **buffers, pe_module="part_pe") if axi else None
    m = component.multiplier
    element = ProcessingElement(m, stages=stages, adder_stages=adder_stages)
    header = headers.engine(
        component, rows=rows, columns=columns, depth=depth, accumulators=accumulators, biases=biases, axi=axi
    )
    command = _command(m, **parameters, **buffers)
    command = command and command + (" --axi" if axi else "")
    return Built(wrapper or component, command, header, {"pe": element}, timing=headers.ENGINE_TIMING)


def _other(tree: str) -> str | None:
    """A compressor tree that is not the usual one."""
    return None if tree == "dadda" else tree


def _command(m: Multiplier, **parameters: int | str | None) -> str:
    """Arguments of ``axfpm verilog``, or nothing where the multiplier has no name."""
    try:
        named = look_up(str(m)) == m
    except InvalidInput:
        named = False
    options = [f"--{key.replace('_', '-')} {value}" for key, value in parameters.items() if value is not None]
    return " ".join([f"--multiplier {m}", *options]) if named else ""


CIRCUITS: Registry[Callable[..., Built]] = Registry(
    "block",
    {
        "multiplier": _multiplier,
        "significand": _significand,
        "adder": _adder,
        "mac": _mac,
        "pe": _pe,
        "engine": _engine,
        "array": _array,
    },
)
"""Name on the command line, which is also the top module's -> ``build(**parameters) -> Built``."""
