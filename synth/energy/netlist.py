"""A mapped netlist as numbered one-bit nets: read by Yosys, written again in the form that every later step takes.

Yosys resolves vectors, assignments and escaped names, so nothing here parses Verilog. What is written again has scalar
ports and wires ``n2``, ``n3``, ... and cells ``c0``, ``c1``, ..., so that timing, simulation and toggle counts speak
of the same things by plain names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from golden.errors import InvalidInput
from golden.registry import check_choice
from synth import tools
from synth.energy.cells import Cell

__all__ = ["ONE", "ZERO", "Instance", "Netlist", "completed", "read_netlist", "scalar_verilog"]

ZERO, ONE = 0, 1
"""Nets 0 and 1 are the constants."""


@dataclass(frozen=True)
class Instance:
    """A cell of the netlist: its Liberty cell, its name in the given file, and the net at each connected pin."""

    cell: str
    given: str
    nets: Mapping[str, int]


@dataclass(frozen=True)
class Netlist:
    """Cells and ports over numbered nets.

    Parameters
    ----------
    top : str
        The module.
    instances : tuple of Instance
        Cell ``k`` is called ``ck`` where it is written again.
    inputs, outputs : mapping of str to tuple of int
        Ports in their order: the nets of their bits, the lowest bit first.
    nets : int
        One more than the largest net.
    """

    top: str
    instances: tuple[Instance, ...]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    nets: int

    @property
    def used(self) -> frozenset[str]:
        """The library's cells it is made of."""
        return frozenset(each.cell for each in self.instances)


def read_netlist(verilog: str, *, top: str, folder: Path, timeout_s: float = 300) -> Netlist:
    """Read a mapped netlist.

    Parameters
    ----------
    verilog : str
        Its text: cells of a library and assignments, nothing behavioural.
    top : str
        Its module.
    folder : pathlib.Path
        Where Yosys may work.
    timeout_s : float
        Limit for Yosys, seconds.

    Raises
    ------
    InvalidInput
        If it cannot be read, has no such module, or has anything but cells and assignments.
    MissingTool
        If Yosys is missing.
    """
    (folder / "given.v").write_text(verilog)
    script = "read_verilog given.v; write_json given.json"
    try:
        status, output = tools.run([*tools.yosys(), "-q", "-p", script], folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        raise InvalidInput(f"Yosys ran past {timeout_s:g} s; give a smaller netlist or a larger time limit") from None
    if status != 0:
        raise InvalidInput(f"the netlist cannot be read: {tools.last_line(output)}")
    modules = json.loads((folder / "given.json").read_text())["modules"]
    if top not in modules:
        raise InvalidInput(f"the netlist has no module {top!r}; it has {', '.join(sorted(modules)) or 'none'}")
    return _netlist(top, modules[top])


def _netlist(top: str, module: dict[str, Any]) -> Netlist:
    constants = {"0": ZERO, "1": ONE}

    def net(bit: int | str) -> int:
        if isinstance(bit, int):
            return bit
        if bit not in constants:
            raise InvalidInput(f"the netlist has a bit {bit!r}; tie undefined bits to 0 or 1 before it is written")
        return constants[bit]

    instances = []
    for name, cell in module["cells"].items():
        if cell["type"].startswith("$"):
            raise InvalidInput(f"the netlist holds {cell['type']}, which is no cell of a library; map it first")
        pins = {pin: bits for pin, bits in cell["connections"].items() if bits}
        if any(len(bits) != 1 for bits in pins.values()):
            raise InvalidInput(f"the cell {name} has a pin of several bits; give a netlist of one-bit cells")
        instances.append(Instance(cell["type"], name, {pin: net(bits[0]) for pin, bits in pins.items()}))
    ports: dict[str, dict[str, tuple[int, ...]]] = {"input": {}, "output": {}, "inout": {}}
    for name, port in module["ports"].items():
        ports[port["direction"]][name] = tuple(map(net, port["bits"]))
    if ports["inout"]:
        raise InvalidInput(f"the port {next(iter(ports['inout']))} is bidirectional; give a netlist without such ports")
    used = [n for each in instances for n in each.nets.values()]
    used += [n for nets in (*ports["input"].values(), *ports["output"].values()) for n in nets]
    return Netlist(top, tuple(instances), ports["input"], ports["output"], max([1, *used]) + 1)


def completed(netlist: Netlist, cells: Mapping[str, Cell]) -> Netlist:
    """Return the netlist with a net at every output pin: one that leads nowhere switches, and costs energy, too.

    Raises
    ------
    InvalidInput
        If a cell has no such pin, or an input of it is not connected.
    """
    instances, nets = [], netlist.nets
    for each in netlist.instances:
        pins = cells[each.cell].pins
        check_choice(
            f"the cell {each.cell} has no pin", next((p for p in each.nets if p not in pins), next(iter(pins))), pins
        )
        more: dict[str, int] = {}
        for pin in pins.values():
            if pin.name not in each.nets:
                if not pin.output:
                    raise InvalidInput(f"the input {pin.name} of {each.given} ({each.cell}) is open; connect it")
                more[pin.name] = nets
                nets += 1
        instances.append(replace(each, nets={**each.nets, **more}))
    return replace(netlist, instances=tuple(instances), nets=nets)


def scalar_verilog(netlist: Netlist) -> str:
    """Return the netlist as Verilog of scalar nets: inputs ``n<net>``, outputs ``o<place>``, cells ``c<place>``.

    A net that drives one output bit and is no input is that output's driver by an assignment, which has no delay.
    """
    inputs = [n for nets in netlist.inputs.values() for n in nets]
    outputs = [n for nets in netlist.outputs.values() for n in nets]
    ports = [f"n{n}" for n in inputs] + [f"o{k}" for k in range(len(outputs))]
    wires = sorted({n for each in netlist.instances for n in each.nets.values()} - {ZERO, ONE} - set(inputs))
    lines = [f"module {netlist.top}({', '.join(ports)});"]
    lines += [f"  input n{n};" for n in inputs]
    lines += [f"  output o{k};" for k in range(len(outputs))]
    lines += [f"  wire n{n};" for n in wires]
    lines += [f"  assign o{k} = {_name(n)};" for k, n in enumerate(outputs)]
    for k, each in enumerate(netlist.instances):
        pins = ", ".join(f".{pin}({_name(n)})" for pin, n in each.nets.items())
        lines.append(f"  {each.cell} c{k}({pins});")
    return "\n".join([*lines, "endmodule", ""])


def _name(net: int) -> str:
    return f"1'b{net}" if net in (ZERO, ONE) else f"n{net}"
