"""Place and route on FPGAs by nextpnr: the clock that a block reaches between registers, over several seeds.

A block has more ports than a small device has pins, and paths from and to pads say nothing of a block that stands
inside a design. So it is placed in a shell (``templates/shell.v.j2``): its inputs are a shift register that one pin
feeds, its outputs are registered and shifted out. A block of S stages then is S + 1 segments of logic between
registers, and what is reported is the clock domain's own frequency: register to register, pads left out. The result
says where the slowest path starts and ends, in the block or in a register of the shell.

Placement begins at random, and frequencies differ by several percent from seed to seed: one seed is one draw, and the
median of several is what is compared.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from golden.cache import Cache, work_folder, workshop
from golden.checks import check_count
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.registry import Registry, check_choice
from golden.templates import render
from hdl.ports import Port
from synth import tools
from synth.flow import check_identifier, run_yosys
from synth.fpga import TARGETS

__all__ = ["DEVICES", "SEEDS", "Device", "Route", "route_fpga", "shell"]

SEEDS = 5
"""Placements where no number is given."""
MOST_SEEDS = 100
AIM_MHZ = 250
"""Asked of the placer and router: more than any block reaches, so that every path counts as too slow."""


@dataclass(frozen=True)
class Device:
    """A part that blocks are placed on.

    Parameters
    ----------
    target : str
        Its family, a name in ``synth.fpga.TARGETS``.
    part : str
        What it is, for people.
    options : tuple of str
        How nextpnr is told.
    """

    target: str
    part: str
    options: tuple[str, ...]


_OWN = (
    Device("ecp5", "LFE5U-85F, speed grade 6", ("--85k", "--speed", "6", "--lpf-allow-unconstrained")),
    Device("ice40", "iCE40 UP5K in sg48", ("--up5k", "--package", "sg48", "--pcf-allow-unconstrained")),
)
DEVICES = Registry("device", {device.target: device for device in _OWN})
"""Devices by the name of their family."""


@dataclass(frozen=True)
class Route:
    """What one design reaches on a device.

    Parameters
    ----------
    part : str
        The device.
    fmax_mhz : tuple of float
        Frequency of the clock domain, register to register, of seeds 1, 2, ..
    start, end : str
        Registers between which the slowest path of the median seed runs; of an even number, of the slower middle one.
    shell_flip_flops : int
        Flip-flops of the shell, which are no part of the block.
    nextpnr : str
        Its version.
    """

    part: str
    fmax_mhz: tuple[float, ...]
    start: str
    end: str
    shell_flip_flops: int
    nextpnr: str

    @property
    def median_mhz(self) -> float:
        """Median over seeds."""
        return median(self.fmax_mhz)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {**vars(self), "fmax_mhz": list(self.fmax_mhz), "median_mhz": self.median_mhz}


def shell(top: str, ports: Sequence[Port]) -> tuple[str, int]:
    """Write the module ``shell`` around a block.

    Parameters
    ----------
    top : str
        The block's module.
    ports : sequence of Port
        Its ports; the one called ``clk``, if any, is the clock, all others are data.

    Returns
    -------
    str
        Verilog.
    int
        The shell's flip-flops.
    """
    bits = {"input": 0, "output": 0}
    connections = []
    for port in ports:
        if port.name == "clk":
            connections.append((port.name, "clk"))
            continue
        low = bits[port.direction]
        bits[port.direction] += port.width
        word = "shell_inputs" if port.direction == "input" else "results"
        connections.append((port.name, f"{word}[{low + port.width - 1}:{low}]"))
    inputs, outputs = bits["input"], bits["output"]
    text = render("synth", "shell.v.j2", top=top, inputs=inputs, outputs=outputs, connections=connections)
    return text, inputs + 2 * outputs + 1


def route_fpga(
    verilog: str,
    *,
    top: str,
    ports: Sequence[Port],
    target: str,
    dsp: bool = True,
    seeds: int = SEEDS,
    jobs: int = 1,
    refresh: bool = False,
    timeout_s: float = 1800,
    progress: Progress | None = None,
) -> Route:
    """Place and route a block in its shell; each seed's answer is kept, and given at once when asked again.

    Parameters
    ----------
    verilog : str
        The block.
    top : str
        Its top module.
    ports : sequence of Port
        That module's ports.
    target : str
        A name in ``DEVICES``.
    dsp : bool
        Whether DSP blocks may be inferred.
    seeds : int
        How many placements, 1 to 100.
    jobs : int
        Processes of nextpnr at once.
    refresh : bool
        Route even where answers are kept.
    timeout_s : float
        Time limit of each run of Yosys and nextpnr.
    progress : callable, optional
        ``progress(done, total, message)``, a step each seed.

    Raises
    ------
    InvalidInput
        If there is no device of the target, a number is out of range, the design cannot be mapped, or it does not fit.
    MissingTool
        If Yosys or nextpnr is not installed.
    """
    check_choice("place and route has no device of the target", target, DEVICES)
    check_identifier(top)
    check_count("seeds", seeds, 1, MOST_SEEDS, "more than a median needs")
    check_count("jobs", jobs)
    device, family = DEVICES[target], TARGETS.look_up(target)
    around, flip_flops = shell(top, ports)
    script = render(
        "synth", "route.ys.j2", command=family.command, options=family.with_dsp if dsp else family.without_dsp
    )
    tools.nextpnr(target), tools.yosys()
    version = tools.nextpnr_version(target)
    question = [verilog + around, script, str(tools.versions()["yosys"]), version, device.options, AIM_MHZ]
    digest = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:32]
    kept = Cache("synth")

    def key(seed: int) -> str:
        return f"route-{digest}-{seed}"

    numbers = range(1, seeds + 1)
    found = {seed: None if refresh else kept.get_json(key(seed), _answer) for seed in numbers}
    missing = [seed for seed in numbers if found[seed] is None]
    if missing:
        with workshop(work_folder("synth"), "route") as place:
            (place / "design.v").write_text(f"{verilog}\n{around}")
            (place / "route.ys").write_text(script)
            run_yosys(place, [*tools.yosys(), "-q", "-l", "yosys.log", "-s", "route.ys"], timeout_s)

            def one(seed: int) -> dict[str, Any]:
                answer = _place_and_route(place, device, seed, timeout_s)
                kept.put_json(key(seed), answer)
                return answer

            with ThreadPoolExecutor(jobs) as pool:
                for done, (seed, answer) in enumerate(zip(missing, pool.map(one, missing), strict=True), start=1):
                    found[seed] = answer
                    if progress is not None:
                        progress(done, len(missing), f"{top}, seed {seed}")
    answers = [answer for answer in found.values() if answer is not None]
    middle = sorted(answers, key=lambda answer: answer["fmax_mhz"])[(seeds - 1) // 2]
    return Route(
        part=device.part,
        fmax_mhz=tuple(answer["fmax_mhz"] for answer in answers),
        start=middle["start"],
        end=middle["end"],
        shell_flip_flops=flip_flops,
        nextpnr=version,
    )


def _place_and_route(folder: Path, device: Device, seed: int, timeout_s: float) -> dict[str, Any]:
    report = f"report-{seed}.json"
    options = ["--json", "shell.json", "--report", report, "--freq", str(AIM_MHZ), "--timing-allow-fail"]
    command = [*tools.nextpnr(device.target), *device.options, *options, "--seed", str(seed), "-l", f"route-{seed}.log"]
    try:
        status, output = tools.run([*command, "-q"], folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        raise InvalidInput(f"nextpnr ran past {timeout_s:g} s; give a smaller design or a larger time limit") from None
    log = folder / f"route-{seed}.log"
    if status != 0 or not (folder / report).exists():
        raise InvalidInput(_refusal(output, log.read_text(errors="replace") if log.exists() else "", device.part))
    return _read_report(json.loads((folder / report).read_text()))


def _refusal(output: str, log: str, part: str) -> str:
    """What to say of a run that failed: which cells are too many, or nextpnr's own words."""
    over = re.findall(r"^Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s+\d+%", log, re.MULTILINE)
    excess = [f"{used} {kind} where there are {there}" for kind, used, there in over if int(used) > int(there)]
    if excess:
        return f"the design does not fit the {part}: it needs {', '.join(excess)}; give a smaller one or a larger part"
    return f"nextpnr could not place and route this design on the {part}: {tools.last_line(output + log)}"


def _read_report(report: dict[str, Any]) -> dict[str, Any]:
    """The clock domain's frequency, and the ends of its slowest path."""
    ((clock, reached),) = report["fmax"].items()
    own = f"posedge {clock}"
    (path,) = (path["path"] for path in report["critical_paths"] if path["from"] == path["to"] == own)
    start, end = path[0]["from"]["cell"], path[-1]["to"]["cell"]
    return _answer({"fmax_mhz": reached["achieved"], "start": _register(start), "end": _register(end)})


def _register(cell: str) -> str:
    """The register that a flip-flop of the netlist belongs to: its name before what mapping appended."""
    return re.sub(r"(_TRELLIS_FF|_SB_DFF|_DFFLC|\$).*", "", cell.removeprefix("block."))


def _answer(plain: Any) -> dict[str, Any]:
    return {"fmax_mhz": float(plain["fmax_mhz"]), "start": str(plain["start"]), "end": str(plain["end"])}
