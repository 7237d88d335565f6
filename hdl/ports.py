"""A circuit's ports in their documented order, and a Verilog instance of it to paste."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

__all__ = ["CLOCKING", "Port", "instance", "names", "ports"]

CLOCKING = ("clk", "rst", "en")
"""What stands before all other ports, where a module has it."""


@dataclass(frozen=True)
class Port:
    """A port of a circuit's top module.

    Parameters
    ----------
    name : str
        As in the Verilog: parts of a stream are joined by two underscores.
    direction : str
        ``input`` or ``output``.
    width : int
        Bits.
    """

    name: str
    direction: str
    width: int


def names(component: wiring.Component) -> list[str]:
    """Names of what a component's signature declares, in its order; clock and reset are not among them."""
    return ["__".join(map(str, path)) for path, _, _ in component.signature.flatten(component)]


def ports(component: wiring.Component, *, clocked: bool) -> list[Port]:
    """The ports of a component's top module, in the order of the Verilog.

    Parameters
    ----------
    component : wiring.Component
        What becomes the module.
    clocked : bool
        Whether there are registers, and so ``clk`` and ``rst``.
    """
    found = [Port(name, "input", 1) for name in CLOCKING[:2] if clocked]
    for name, (_, member, signal) in zip(names(component), component.signature.flatten(component), strict=True):
        found.append(Port(name, "input" if member.flow is In else "output", len(Value.cast(signal))))
    return sorted(found, key=lambda port: CLOCKING.index(port.name) if port.name in CLOCKING else len(CLOCKING))


def instance(top: str, listed: list[Port], *, timing: str) -> str:
    """Write a Verilog comment that holds an instance of a module, whose text needs no change to be pasted.

    Parameters
    ----------
    top : str
        Name of the module.
    listed : list of Port
        Its ports, each connected to a signal of its own name.
    timing : str
        One line on handshake and latency.
    """
    longest = max(len(port.name) for port in listed)
    lines = []
    for port, comma in zip(listed, [*"," * (len(listed) - 1), ""], strict=True):
        span = f" [{port.width - 1}:0]" if port.width > 1 else ""
        connection = f".{port.name:<{longest}} ({port.name}){comma}"
        lines.append(f"    {connection:<{2 * longest + 5}} // {port.direction:<6}{span}".rstrip())
    head = "/* An instance to paste; each port is connected to a signal of its own name, of the width beside it."
    return "\n".join([head, timing, "", f"{top} u_{top} (", *lines, ");", "*/", ""])
