"""Vector files with a plain self-checking Verilog testbench, for users without Python."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from golden.add import add_words
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_seed
from golden.errors import InvalidInput
from golden.files import write_folder
from golden.multiply import multiply_words
from golden.registry import check_choice
from golden.templates import render
from hdl.limits import check_stages
from sim.limits import check_vectors
from sim.stimulus.adder import adder_operands
from sim.stimulus.stimulus import multiplier_operands
from sim.stimulus.streams import array_files

__all__ = ["VECTOR_BLOCKS", "write_vectors"]

VECTOR_BLOCKS = ("multiplier", "adder", "array")
"""Blocks that vectors can be written for."""


def write_vectors(
    block: str = "multiplier",
    *,
    multiplier: str | Multiplier = "ax-fpm",
    n: int = 10_000,
    seed: int = 0,
    stages: int = 0,
    rows: int | None = None,
    columns: int | None = None,
    out: Path | str,
) -> tuple[Path, ...]:
    """Write ``$readmemh`` operand and result files, a Verilog testbench that checks a design with them, and a README.

    The testbench instantiates the module named as the block, prints ``PASS`` or ``FAIL`` with counts, and ends the
    simulator with a non-zero exit code on failure. It needs neither Python nor a test framework.

    Parameters
    ----------
    block : str
        A name in ``VECTOR_BLOCKS``.
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier; of an adder it decides the format of the words.
    n : int
        Operand pairs: directed ones fill up to half, seeded random ones the rest. Of an array: vectors of activations,
        over tiles of many lengths.
    seed : int
        Equal seeds give equal files.
    stages : int
        Latency of the design under test; 0 is combinational. An array's testbench takes any latency.
    rows, columns : int, optional
        Shape of an array, 4 x 4 by default; other blocks have none.
    out : path
        The folder, made if it does not exist.

    Returns
    -------
    tuple of pathlib.Path
        The files written.

    Raises
    ------
    InvalidInput
        If the block or multiplier is unknown, a number is out of range, or the folder cannot be written.
    """
    check_choice("no vectors for block", block, VECTOR_BLOCKS)
    shape = {name: value for name, value in (("rows", rows), ("columns", columns)) if value is not None}
    if shape and block != "array":
        raise InvalidInput(f"the block {block!r} has no parameter {next(iter(shape))!r}; leave it out")
    check_stages(stages)
    check_seed(seed)
    if block != "array":
        check_vectors(n)
    m = look_up(multiplier)
    facts: dict[str, Any] = {"block": block, "bits": m.format.word_bits, "n": n, "seed": seed, "stages": stages}
    if block == "array":
        texts, more = array_files(m, **{"rows": 4, "columns": 4, **shape}, vectors=n, seed=seed)
        facts |= {"design": str(m), "option": f"--multiplier {shlex.quote(str(m))}", **more}
        templates = ("array_testbench.v.j2", "array_readme.txt.j2")
    else:
        texts, more = _pair_files(block, m, n, seed)
        facts |= more
        templates = ("testbench.v.j2", "vectors_readme.txt.j2")
    for name, template in zip((f"{block}_tb.v", "README.txt"), templates, strict=True):
        texts[name] = render("sim", template, **facts)
    return write_folder(out, texts)


def _pair_files(block: str, m: Multiplier, n: int, seed: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Words of operand pairs and results, and what the templates say of them."""
    if block == "adder":
        operands = adder_operands(m.format, n, seed)
        expected = add_words(operands.a, operands.b, m.format)
        design, option = f"of {m.format.word_bits}-bit words", f"--format {m.format.name}"
        words = ("operands", "operands", "sums")
    else:
        operands = multiplier_operands(m, n, seed)
        expected = multiply_words(operands.a, operands.b, m)
        design, option = str(m), f"--multiplier {shlex.quote(str(m))}"
        words = ("activations", "weights", "products")
    digits = -(-m.format.word_bits // 4)
    texts = {
        f"{block}_{name}.hex": "".join(f"{word:0{digits}x}\n" for word in column.tolist())
        for name, column in (("a", operands.a), ("b", operands.b), ("y", expected))
    }
    return texts, {"design": design, "option": option, "words": words}
