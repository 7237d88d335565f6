"""Programs around Verilator's model of a design, without a test framework, kept in the cache."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from golden.cache import intact, publish, seal
from sim.build import SimulationError, digest, plain_workshop
from sim.tools import Simulator

__all__ = ["program"]


def program(verilog: str, main: str, *, top: str, tool: Simulator, folder: Path, apart: Sequence[str] = ()) -> Path:
    """Compile a design and a C++ main program, or find them compiled.

    Parameters
    ----------
    verilog : str
        The whole design.
    main : str
        A program that includes ``Vtop.h``.
    top : str
        The design's top module.
    tool : Simulator
        Verilator.
    folder : pathlib.Path
        Where programs are kept.
    apart : sequence of str
        Modules to compile once, however many instances there are, instead of once for each.

    Returns
    -------
    pathlib.Path
        The program.

    Raises
    ------
    SimulationError
        If they do not compile.
    """
    options = ["--cc", "--exe", "--build", "-j", "2", "-O3", "-Wno-fatal", "-Wno-lint", "-CFLAGS", "-O1"]
    options += ["--hierarchical"] if apart else []
    final = folder / f"program-{top}-{digest(verilog, main, tool.version, *apart, *options)}"
    if intact(final):
        return final / "Vtop"
    with plain_workshop(folder, f"program-{top}") as aside:
        (aside / "top.v").write_text(verilog, encoding="ascii")
        (aside / "main.cpp").write_text(main, encoding="ascii")
        control = ["`verilator_config", *(f'hier_block -module "{module}"' for module in apart), ""]
        (aside / "apart.vlt").write_text("\n".join(control), encoding="ascii")
        command = [str(tool.program), *options, "--top-module", top, "--prefix", "Vtop", "-Mdir", "model"]
        command += ["-o", "Vtop", "apart.vlt", "top.v", "main.cpp"]
        result = subprocess.run(command, cwd=aside, env=tool.environment(), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise SimulationError(f"verilator does not compile the design; it said:\n{result.stderr[-3000:]}")
        shutil.move(aside / "model" / "Vtop", aside / "Vtop")
        shutil.rmtree(aside / "model")
        seal(aside, ["Vtop"], name=final.name)
        return publish(aside, final) / "Vtop"
