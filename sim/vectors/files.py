"""Vector files with a plain self-checking Verilog testbench, for users without Python."""

from __future__ import annotations

from pathlib import Path

import jinja2

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from golden.multiply import multiply_words
from sim.vectors.stimulus import multiplier_operands
from sim.vectors.sums import add_words, adder_operands

__all__ = ["VECTOR_BLOCKS", "write_vectors"]

VECTOR_BLOCKS = ("multiplier", "adder")
"""Blocks that vectors can be written for."""


def write_vectors(
    block: str = "multiplier",
    *,
    multiplier: str | Multiplier = "ax-fpm",
    n: int = 10_000,
    seed: int = 0,
    stages: int = 0,
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
        Operand pairs: directed ones fill up to half, seeded random ones the rest.
    seed : int
        Equal seeds give equal files.
    stages : int
        Latency of the design under test; 0 is combinational.
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
    if block not in VECTOR_BLOCKS:
        raise InvalidInput(f"no vectors for block {block!r}; choose from {', '.join(VECTOR_BLOCKS)}")
    if stages < 0:
        raise InvalidInput(f"stages={stages} is negative; give 0 for a combinational block or the number of stages")
    m = look_up(multiplier)
    if block == "adder":
        operands = adder_operands(m.format, n, seed)
        expected = add_words(operands.a, operands.b, m.format)
        design, option = f"of {m.format.word_bits}-bit words", f"--format {m.format.name}"
        words = ("operands", "operands", "sums")
    else:
        operands = multiplier_operands(m, n, seed)
        expected = multiply_words(operands.a, operands.b, m)
        design, option = str(m), f"--multiplier {m}"
        words = ("activations", "weights", "products")
    digits = -(-m.format.word_bits // 4)
    texts = {
        f"{block}_{name}.hex": "".join(f"{word:0{digits}x}\n" for word in column.tolist())
        for name, column in (("a", operands.a), ("b", operands.b), ("y", expected))
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent.parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Verilog and plain text
    )
    facts = {"block": block, "design": design, "option": option, "words": words, "bits": m.format.word_bits}
    facts |= {"n": n, "seed": seed, "stages": stages}
    for name, template in ((f"{block}_tb.v", "testbench.v.j2"), ("README.txt", "vectors_readme.txt.j2")):
        texts[name] = environment.get_template(template).render(facts)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="ascii")
    except OSError as error:
        raise InvalidInput(
            f"cannot write to {folder} ({error.strerror}); choose a folder that can be written"
        ) from None
    return tuple(folder / name for name in texts)
