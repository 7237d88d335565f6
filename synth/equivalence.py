"""Proof that mapping kept the function: the netlist against the design after arithmetic lowering, by Berkeley ABC.

Both sides become and-inverter graphs: the design by Yosys' own lowering of its arithmetic, the netlist by the cells'
functions in the Liberty file. Registers become inputs and outputs, paired by name, so that pipelined designs are
compared register to register. What lowering does to the arithmetic is common to both sides and not covered here;
simulation against the golden model covers it.

Where a register has several names, each side may keep another one. Then registers that are left over are paired by all
names that they have on either side, before ABC sees them. A pairing is no assumption: the proof is that of the two
machines under it, so that a wrong one can make the proof fail, never pass.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.cache import work_folder, workshop
from golden.errors import InvalidInput
from golden.templates import render
from synth import tools
from synth.flow import SynthesisResult, check_identifier
from synth.liberty import LibrarySource, read_liberty

__all__ = ["Equivalence", "check_equivalence"]

_COUNTEREXAMPLE = re.compile(r"Verification failed|Output |Input pattern")


@dataclass(frozen=True)
class Equivalence:
    """The outcome of an equivalence check.

    Parameters
    ----------
    outcome : str
        ``equal`` (proved), ``unequal`` (a counterexample exists) or ``undecided`` (out of time, or ports or registers
        could not be paired).
    seconds : float
        Time taken by the whole check.
    detail : str
        The counterexample, or why there is no decision; empty where equal.
    """

    outcome: str
    seconds: float
    detail: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether equality was proved."""
        return self.outcome == "equal"


def check_equivalence(
    verilog: str,
    netlist: SynthesisResult | Path | str,
    *,
    top: str,
    liberty: LibrarySource = None,
    timeout_s: float = 60,
) -> Equivalence:
    """Compare a mapped netlist with the design it was made from.

    Parameters
    ----------
    verilog : str
        The design's text.
    netlist : SynthesisResult, Path or str
        The mapped design: a result, a file, or Verilog text.
    top : str
        The top module of both.
    liberty : str, path, sequence of paths or Library, optional
        The library the netlist is mapped to, as for ``synth.liberty.read_liberty``; the default one where None.
    timeout_s : float
        Limit for each program, in seconds, after which it is killed and the outcome is ``undecided``.

    Raises
    ------
    InvalidInput
        If a side cannot be read.
    MissingTool
        If Yosys, ABC or the library is not installed.
    """
    check_identifier(top)
    start = time.monotonic()
    library, checker, yosys = read_liberty(liberty), tools.abc(), tools.yosys()
    path = netlist.netlist if isinstance(netlist, SynthesisResult) else netlist
    mapped = path.read_text() if isinstance(path, Path) else path

    def outcome(verdict: str, detail: str = "") -> Equivalence:
        return Equivalence(verdict, time.monotonic() - start, detail)

    with workshop(work_folder("synth"), "proof") as folder:
        (folder / "design.v").write_text(verilog)
        (folder / "netlist.v").write_text(mapped)
        in_netlist = set(re.findall(r"[A-Za-z_][\w$]*", mapped))
        library.write(folder, (cell.name for cell in library.cells if cell.name in in_netlist), bare=True)
        for side in ("rtl", "netlist"):
            (folder / f"{side}.ys").write_text(
                render("synth", f"lower_{side}.ys.j2", top=top, files=library.file_names)
            )
            try:
                command = [*yosys, "-q", "-l", f"{side}.log", "-s", f"{side}.ys"]
                status, output = tools.run(command, folder=folder, timeout_s=timeout_s)
            except TimeoutError:
                return outcome("undecided", f"Yosys ran past {timeout_s:g} s")
            if status != 0:
                log = folder / f"{side}.log"
                said = tools.last_line(output + (log.read_text(errors="replace") if log.exists() else ""))
                raise InvalidInput(f"Yosys could not lower the {side} for the equivalence check: {said}")
        ours, theirs = (_Symbols((folder / f"{side}.aig").read_bytes()) for side in ("rtl", "netlist"))
        if ours.names != theirs.names:
            theirs = theirs.renamed(_same_registers(ours, theirs, folder, top))
            (folder / "netlist.aig").write_bytes(theirs.aiger)
        unpaired = ours.names ^ theirs.names
        if unpaired:
            return outcome("undecided", f"ports or registers on one side only: {', '.join(sorted(unpaired)[:8])}")
        try:
            command = [str(checker), "-c", "cec rtl.aig netlist.aig"]
            _, output = tools.run(command, folder=folder, timeout_s=timeout_s)
        except TimeoutError:
            return outcome("undecided", f"ABC ran past {timeout_s:g} s")
    if "Networks are NOT EQUIVALENT" in output:
        return outcome("unequal", " ".join(line.strip() for line in output.splitlines() if _COUNTEREXAMPLE.match(line)))
    if re.search(r"^Networks are equivalent", output, re.MULTILINE):
        return outcome("equal")
    return outcome("undecided", tools.last_line(output))


class _Symbols:
    """Names in a binary AIGER file: of inputs and outputs, those of registers ``NAME.q``, ``NAME.d`` and ``NAME.c``.

    Parameters
    ----------
    aiger : bytes
        The file. At its end stand the lines ``i<n> name`` and ``o<n> name``, then perhaps ``c`` and a comment.
    """

    def __init__(self, aiger: bytes) -> None:
        self.aiger = aiger
        header = aiger.split(b"\n", 1)[0].split()
        outputs, gates = int(header[4]), int(header[5])
        # The header is followed by one line per latch and output, then by two LEB128 numbers per gate.
        position = aiger.index(b"\n") + 1
        for _ in range(int(header[3]) + outputs):
            position = aiger.index(b"\n", position) + 1
        for _ in range(2 * gates):
            while aiger[position] & 0x80:
                position += 1
            position += 1
        self.start = position
        lines = aiger[position:].decode("utf-8", errors="replace").splitlines()
        found = (re.match(r"([iol])\d+ (.*)", line) for line in lines)
        self.names = {f"{match[1]} {match[2]}" for match in found if match}

    @property
    def registers(self) -> set[str]:
        """Names of registers: what has an input and an output of its own."""
        ends = [{name[2:-2] for name in self.names if name[0] + name[-2:] == end} for end in ("i.q", "o.d")]
        return ends[0] & ends[1]

    def renamed(self, names: Mapping[str, str]) -> _Symbols:
        """Return the file with other names for some registers."""

        def other(match: re.Match[str]) -> str:
            return f"{match[1]}{names.get(match[2], match[2])}{match[3]}"

        own = self.aiger[self.start :].decode("utf-8", errors="replace")
        own = re.sub(r"^(i\d+ |o\d+ )(.*)(\.[qdc])$", other, own, flags=re.MULTILINE)
        return _Symbols(self.aiger[: self.start] + own.encode())


def _same_registers(ours: _Symbols, theirs: _Symbols, folder: Path, top: str) -> dict[str, str]:
    """Return our name for each register of the netlist that has one of its names in common with ours, and no other."""
    left = ours.registers - theirs.registers, theirs.registers - ours.registers
    if not all(left):
        return {}
    modules = (json.loads((folder / f"{side}.json").read_text())["modules"][top] for side in ("rtl", "netlist"))
    known, given = (_aliases(module, own) for module, own in zip(modules, left, strict=True))
    found = {name: [own for own, shared in known.items() if shared & names] for name, names in given.items()}
    pairs = {name: own[0] for name, own in found.items() if len(own) == 1}
    once = Counter(pairs.values())
    return {name: own for name, own in pairs.items() if once[own] == 1}


def _aliases(module: Mapping[str, Any], registers: Iterable[str]) -> dict[str, set[str]]:
    """All names that registers have in a module of one-bit nets, but for those that a mapper made up."""
    nets = {name: net for name, net in module["netnames"].items() if not net["hide_name"] and len(net["bits"]) == 1}
    names = defaultdict(set)
    for name, net in nets.items():
        if not re.match(r"_\d+_", name):
            names[net["bits"][0]].add(name)
    return {name: names[nets[name]["bits"][0]] for name in registers if name in nets}
