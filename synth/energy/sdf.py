"""Delays in Standard Delay Format, rewritten so that Icarus Verilog 11 really uses them.

Written by OpenSTA, a delay is ``(x::y)``: least and greatest, with nothing between. Icarus takes the value between, and
where it is empty silently simulates without delay; it does not know ``COND`` (delays that depend on other pins) nor
``INTERCONNECT``, ignores the file's ``TIMESCALE``, and takes no negative delay. So what is written here has, for each
cell and each pair of pins, one delay per direction, ``(y:y:y)`` with the greatest ``y`` of all its conditions, at least
0, in ps. Wires have no delay here, and what OpenSTA puts there for a driver at the inputs is dropped with them: all
input bits change at one instant.

Icarus delays are inertial: a pulse shorter than the delay of the gate it meets does not pass. Real gates also swallow
short pulses, though not all of those, so glitch energy is, if anything, understated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from golden.errors import InvalidInput

__all__ = ["Delays", "read_sdf", "write_sdf"]

PS = {"s": 1e12, "ms": 1e9, "us": 1e6, "ns": 1e3, "ps": 1.0, "fs": 1e-3}
_TIMESCALE = re.compile(r"^([\d.]+)(\w+)$")
_TOKEN = re.compile(r'"[^"]*"|[()]|[^\s()"]+')


@dataclass
class Delays:
    """Delays (ps) of a design's cells: by instance, then by input and output, for rise and fall of the output."""

    cells: dict[str, str] = field(default_factory=dict)
    paths: dict[str, dict[tuple[str, str], tuple[float, float]]] = field(default_factory=dict)


def read_sdf(text: str) -> Delays:
    """Read what OpenSTA's ``write_sdf`` says of the delays of cells, conditions merged to their greatest.

    Raises
    ------
    InvalidInput
        If it is no such file.
    """
    try:
        tree, rest = _group(_TOKEN.findall(text), 0)
        if rest != len(_TOKEN.findall(text)) or tree[0] != "DELAYFILE":
            raise ValueError("not one DELAYFILE")
        return _delays(tree)
    except (IndexError, ValueError, KeyError) as error:
        raise InvalidInput(f"the delays are not in Standard Delay Format ({error}); write them with OpenSTA") from None


Tree = list["str | Tree"]


def _group(tokens: list[str], place: int) -> tuple[list, int]:
    """Return the nested lists of the group that opens at ``place``, and the place after it."""
    stack: list[list] = [[]]
    for k in range(place, len(tokens)):
        token = tokens[k]
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
            if len(stack) == 1:
                return stack[0][0], k + 1
        else:
            stack[-1].append(token)
    raise ValueError("it ends inside a group")


def _delays(tree: list) -> Delays:
    scale, found = 1e3, Delays()
    for entry in tree[1:]:
        if entry[0] == "TIMESCALE":
            number, unit = _TIMESCALE.findall("".join(entry[1:]))[0]
            scale = float(number) * PS[unit]
        elif entry[0] == "CELL":
            parts = {part[0]: part for part in entry[1:]}
            name = parts["INSTANCE"][1] if len(parts["INSTANCE"]) > 1 else ""
            paths: dict[tuple[str, str], tuple[float, float]] = {}
            for block in parts.get("DELAY", [])[1:]:
                if block[0] != "ABSOLUTE":
                    raise ValueError(f"{block[0]} delays")
                for path in block[1:]:
                    _merge(paths, path[-1] if path[0] in ("COND", "CONDELSE") else path, scale)
            if paths:
                found.cells[name] = parts["CELLTYPE"][1].strip('"')
                found.paths[name] = paths
    return found


def _merge(paths: dict[tuple[str, str], tuple[float, float]], path: list, scale: float) -> None:
    if path[0] == "INTERCONNECT":
        return
    if path[0] != "IOPATH":
        raise ValueError(f"a {path[0]}")
    source = path[1][-1] if isinstance(path[1], list) else path[1]  # (posedge CLK) counts as CLK
    rise, fall = (_greatest(value) * scale for value in (path[3], path[-1] if len(path) > 4 else path[3]))
    before = paths.get((source, path[2]), (0.0, 0.0))
    paths[source, path[2]] = (max(before[0], rise), max(before[1], fall))


def _greatest(value: list) -> float:
    """The greatest of ``(x::y)``; an arc that has no such transition is written ``()``."""
    return max([0.0, *(float(each) for each in "".join(value).split(":") if each)])


def write_sdf(delays: Delays, *, top: str, inputs: Mapping[str, frozenset[str]]) -> str:
    """Return delays as a file that Icarus Verilog 11 annotates in full, in ps.

    Parameters
    ----------
    delays : Delays
        What ``read_sdf`` found.
    top : str
        The design.
    inputs : mapping of str to frozenset of str
        Input pins by cell: a path from another output has no place in a simulation model and is left out.
    """
    lines = ['(DELAYFILE (SDFVERSION "3.0")', f' (DESIGN "{top}") (DIVIDER .) (TIMESCALE 1ps)']
    for name, paths in delays.paths.items():
        cell = delays.cells[name]
        lines.append(f' (CELL (CELLTYPE "{cell}") (INSTANCE {name}) (DELAY (ABSOLUTE')
        for (source, target), edges in paths.items():
            if source in inputs[cell]:
                values = " ".join("({0}:{0}:{0})".format(f"{value:.3f}") for value in edges)
                lines.append(f"  (IOPATH {source} {target} {values})")
        lines.append(" )))")
    return "\n".join([*lines, ")", ""])
