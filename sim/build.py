"""Building a simulator for one Verilog text, kept in the cache under a hash of everything that decides it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.cache import intact, publish, seal, workshop
from golden.errors import InvalidInput, MissingTool
from sim.tools import Simulator, is_its_own

__all__ = [
    "Build",
    "SimulationError",
    "build",
    "digest",
    "log_tail",
    "plain_workshop",
    "without_pytest",
]

# cocotb makes every signal of a design accessible, which stops most of Verilator's optimisation; a control file names
# the ports instead.
_BUILD_ARGUMENTS = {"icarus": (), "verilator": ("-Wno-fatal", "--no-public-flat-rw", "--output-split", "0")}


class SimulationError(RuntimeError):
    """A simulator failed to compile or to run a design: a defect, not something a user asked for."""


@dataclass(frozen=True)
class Build:
    """A simulator of one design, ready to run."""

    folder: Path
    seconds: float


@contextlib.contextmanager
def plain_workshop(folder: Path, label: str) -> Iterator[Path]:
    """A folder to build in, deleted at the end: in ``folder``, or elsewhere where Make would not take that path.

    Make and the simulators' makefiles split paths at spaces, and expand some other characters.

    Raises
    ------
    InvalidInput
        If neither that folder nor the system's one for temporary files has such a path.
    """
    plain = re.compile(r"[\w./+-]+", re.ASCII)
    for parent in (folder, Path(tempfile.gettempdir()).resolve()):
        if plain.fullmatch(str(parent)):
            with workshop(parent, label) as place:
                yield place
            return
    raise InvalidInput(
        f"simulators cannot be built in {folder} nor in {parent}; set TMPDIR to a folder whose path has only letters, "
        "digits and ./_+-"
    )


def build(verilog: str, *, top: str, ports: Sequence[str], simulator: Simulator, waves: bool, folder: Path) -> Build:
    """Compile a design for cocotb, or find it compiled.

    Parameters
    ----------
    verilog : str
        The whole design.
    top : str
        Its top module.
    ports : sequence of str
        The top's ports that the bench uses.
    simulator : Simulator
        What compiles it.
    waves : bool
        Whether it can record waveforms.
    folder : pathlib.Path
        Where builds are kept, each in a folder of its own.

    Raises
    ------
    MissingTool
        If cocotb is not installed.
    SimulationError
        If the design does not compile; the message ends with the compiler's last lines.
    """
    try:
        from cocotb_tools.runner import get_runner
    except ImportError:
        raise MissingTool("cocotb is not installed: run `pip install 'axfpm[hardware]'`") from None
    arguments = _BUILD_ARGUMENTS[simulator.name]
    tools = [simulator.name, simulator.version, importlib.metadata.version("cocotb"), _cocotb_home(), *arguments, waves]
    final = folder / f"{simulator.name}-{top}-{digest('library', verilog, top, *ports, *tools)}"
    runtime = folder / f"{simulator.name}-library-{digest(*tools)}"
    runnable = {"icarus": "sim.vvp", "verilator": top}[simulator.name]
    if intact(final):
        return Build(final, 0.0)
    start = time.perf_counter()
    # Compiled aside and renamed when complete: a build folder is either whole or absent, whoever else builds.
    with plain_workshop(folder, f"{simulator.name}-{top}") as aside:
        sources = [aside / f"{top}.v"]
        sources[0].write_text(verilog, encoding="ascii")
        if simulator.name == "verilator":
            sources.insert(0, aside / "ports.vlt")
            access = [f'public_flat_rw -module "{top}" -var "{port}"' for port in ports]
            sources[0].write_text("\n".join(["`verilator_config", *access, ""]), encoding="ascii")
            if intact(runtime):
                _copy_objects(runtime, aside)
        log = aside / "build.log"
        try:
            with simulator.activated():
                get_runner(simulator.name).build(
                    sources=sources,
                    hdl_toplevel=top,
                    build_dir=aside,
                    build_args=list(arguments),
                    waves=waves,
                    log_file=log,
                )
        except (RuntimeError, SystemExit) as error:
            if not is_its_own(error):
                raise
            raise SimulationError(
                f"{simulator.name} does not compile the design ({error}); it said:\n{log_tail(log)}"
            ) from None
        if simulator.name == "verilator" and not runtime.is_dir():
            with workshop(folder, "library") as copy:
                _copy_objects(aside, copy)
                seal(copy, [path.name for path in copy.glob("*.o")], name=runtime.name)
                publish(copy, runtime)
        seal(aside, [runnable], name=final.name)
        final = publish(aside, final)
    return Build(final, time.perf_counter() - start)


def _cocotb_home() -> str:
    """Where cocotb's libraries lie: a simulator is linked to them, and no longer runs once they are gone."""
    return str(importlib.metadata.distribution("cocotb").locate_file(""))


def digest(*parts: object) -> str:
    """Short hash of values with a stable repr."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def _copy_objects(source: Path, target: Path) -> None:
    """Copy what Verilator's runtime compiles to: the same for every design (cocotb's main program is not)."""
    # The makefile that Verilator is about to write counts as a prerequisite; later than it, they are not made again.
    later = time.time() + 3600
    for path in sorted(source.glob("verilated*.o")):
        shutil.copy(path, target)
        os.utime(target / path.name, (later, later))


def log_tail(log: Path, lines: int = 30) -> str:
    """Last lines of a log file, or a word on its absence."""
    if not log.is_file():
        return "(no log)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextlib.contextmanager
def without_pytest() -> Iterator[None]:
    """Hide pytest from cocotb's runner, which under it exits the process where a bench fails."""
    name = "PYTEST_CURRENT_TEST"
    before = os.environ.pop(name, None)
    try:
        yield
    finally:
        if before is not None:
            os.environ[name] = before
