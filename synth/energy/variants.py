"""One design as several netlists: a mapper's choices hang on names that mean nothing, and so does a figure.

Of two texts of the same function Yosys and ABC make netlists that differ by some percent in area, delay and energy,
because ties between equally good choices are broken by the order of names. A figure of one netlist is one draw. Here a
design is written out anew with random names before it is mapped; every variant's netlist is proved equal to the design
as it was written.
"""

from __future__ import annotations

import hashlib

from golden.cache import Cache, work_folder, workshop
from golden.checks import check_count
from golden.errors import AxfpmError, InvalidInput
from golden.templates import render
from synth import tools
from synth.equivalence import check_equivalence
from synth.flow import SynthesisResult, check_identifier, synthesise
from synth.liberty import Library

__all__ = ["map_variant", "write_variant"]

PROVED = b"equal"


def write_variant(verilog: str, variant: int, *, top: str, timeout_s: float = 300) -> str:
    """Write a design out with other names.

    Parameters
    ----------
    verilog : str
        The design.
    variant : int
        Which names: 0 is the text as it is, every other number a draw of its own.
    top : str
        Its top module.
    timeout_s : float
        Limit for Yosys, seconds.

    Returns
    -------
    str
        Verilog of one module; names of ports and registers are as before.

    Raises
    ------
    InvalidInput
        If the design cannot be read, or the limit is passed.
    MissingTool
        If Yosys is not installed.
    """
    check_identifier(top)
    if check_count("variant", variant, 0, (1 << 31) - 1) == 0:
        return verilog
    with workshop(work_folder("energy"), "variant") as folder:
        (folder / "design.v").write_text(verilog)
        (folder / "variant.ys").write_text(render("synth", "variant.ys.j2", top=top, seed=variant))
        try:
            status, output = tools.run([*tools.yosys(), "-q", "-s", "variant.ys"], folder=folder, timeout_s=timeout_s)
        except TimeoutError:
            raise InvalidInput(f"Yosys ran past {timeout_s:g} s; give a smaller design or a larger limit") from None
        if status != 0:
            raise InvalidInput(f"Yosys could not rewrite this design: {tools.last_line(output)}")
        # The first line is the version of Yosys, which no result may hang on.
        return (folder / "variant.v").read_text().partition("\n")[2]


def map_variant(
    verilog: str, variant: int, *, top: str, library: Library, period_ns: float, timeout_s: float = 900
) -> SynthesisResult:
    """Map a variant of a design, and prove its netlist equal to the design as it was written.

    Proofs are kept, as the netlists are.

    Parameters
    ----------
    verilog, variant, top
        As for ``write_variant``.
    library : Library
        The cell library.
    period_ns : float
        Clock constraint and delay target, ns.
    timeout_s : float
        Limit for each program, seconds.

    Raises
    ------
    InvalidInput
        If the design or the library cannot be used, or a limit is passed.
    AxfpmError
        If the netlist is not equal to the design, or that cannot be decided.
    MissingTool
        If a program is not installed.
    """
    mapped = _keep_variant(verilog, variant, top, timeout_s)
    result = synthesise(mapped, top=top, liberty=library, period_ns=period_ns, timeout_s=timeout_s)
    question = "\0".join([verilog, result.netlist.read_text(), library.sha256, top])
    cache, key = Cache("energy"), f"proof-{hashlib.sha256(question.encode()).hexdigest()[:32]}"
    if cache.get(key) != PROVED:
        proof = check_equivalence(verilog, result, top=top, liberty=library, timeout_s=timeout_s)
        if not proof.is_equal:
            raise AxfpmError(
                f"the netlist of variant {variant} of {top} is {proof.outcome} to its design ({proof.detail}); no "
                "energy of it is of use: report it as a defect"
            )
        cache.put(key, PROVED)
    return result


def _keep_variant(verilog: str, variant: int, top: str, timeout_s: float) -> str:
    question = "\0".join([verilog, str(variant), top, str(tools.versions()["yosys"])])
    cache, key = Cache("energy"), f"variant-{hashlib.sha256(question.encode()).hexdigest()[:32]}"
    kept = cache.get(key)
    if kept is not None:
        return kept.decode()
    text = write_variant(verilog, variant, top=top, timeout_s=timeout_s)
    cache.put(key, text.encode())
    return text
