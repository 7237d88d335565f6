"""FPGA figures: look-up tables, flip-flops and DSP blocks by Yosys' own synthesis passes.

Counts after mapping, before placement; ``fpga_route`` places, and says which clock is reached. DSP blocks are inferred
from multiplication operators only, so the exact products come twice: as compressor trees of the same generator as every
other multiplier, and as the operator ``*`` (tree ``operator``), which is what a designer of an exact multiplier would
write for an FPGA.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from golden.cache import Cache, work_folder, workshop
from golden.catalogue import Multiplier, multiplier as look_up
from golden.progress import Progress
from golden.registry import Registry
from golden.templates import render
from hdl.limits import check_stages
from synth import tools
from synth.compare import BASELINES
from synth.flow import check_identifier, run_yosys

__all__ = ["COLUMNS", "ROUTED", "TARGETS", "FpgaResult", "Target", "compare_fpga", "map_fpga"]

ROUTED = ("median MHz", "range", "slowest path")
COLUMNS = ("multiplier", "product", "DSP inference", "LUTs", "carry cells", "flip-flops", "DSPs")


@dataclass(frozen=True)
class Target:
    """An FPGA family as Yosys knows it.

    Parameters
    ----------
    name : str
        Name on the command line.
    command : str
        Yosys' synthesis pass.
    with_dsp, without_dsp : str
        Options that switch DSP inference.
    lut, carry, flip_flop, dsp : str
        Regular expressions that match the whole names of such cells.
    """

    name: str
    command: str
    with_dsp: str
    without_dsp: str
    lut: str
    carry: str
    flip_flop: str
    dsp: str


_OWN = (
    Target("ice40", "synth_ice40", "-dsp", "", r"SB_LUT4", r"SB_CARRY", r"SB_DFF\w*", r"SB_MAC16"),
    Target("ecp5", "synth_ecp5", "", "-nodsp", r"LUT4", r"CCU2C", r"TRELLIS_FF", r"MULT18X18D"),
    Target(
        "xilinx",
        "synth_xilinx",
        "-family xc7 -flatten -noiopad -noclkbuf",
        "-family xc7 -flatten -noiopad -noclkbuf -nodsp",
        r"LUT[1-6]|INV",
        r"CARRY4",
        r"FD[RSCP]E(_1)?",
        r"DSP48E1",
    ),
)
TARGETS = Registry("target", {target.name: target for target in _OWN})
"""Families by name: Lattice iCE40 and ECP5, AMD (Xilinx) 7 series."""


@dataclass(frozen=True)
class FpgaResult:
    """What one design takes of an FPGA.

    Parameters
    ----------
    target : str
        A name in ``TARGETS``.
    dsp_inference : bool
        Whether multiplication operators might become DSP blocks.
    luts, carries, flip_flops, dsps : int
        Cells by kind.
    cells_by_type : dict of str to int
        All cells, by the family's names.
    yosys : str
        Yosys' version.
    """

    target: str
    dsp_inference: bool
    luts: int
    carries: int
    flip_flops: int
    dsps: int
    cells_by_type: dict[str, int]
    yosys: str

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return asdict(self)


def map_fpga(
    verilog: str, *, top: str, target: str, dsp: bool = True, refresh: bool = False, timeout_s: float = 900
) -> FpgaResult:
    """Map Verilog to an FPGA family; the answer is kept, and given at once when the same is asked again.

    Parameters
    ----------
    verilog : str
        The design.
    top : str
        Its top module.
    target : str
        A name in ``TARGETS``.
    dsp : bool
        Whether DSP blocks may be inferred.
    refresh : bool
        Map even where an answer is kept.
    timeout_s : float
        Time limit of Yosys.

    Raises
    ------
    InvalidInput
        If the target is unknown, or Yosys cannot map the design.
    MissingTool
        If Yosys is not installed.
    """
    family = TARGETS.look_up(target)
    check_identifier(top)
    yosys, version = tools.yosys(), str(tools.versions()["yosys"])
    options = family.with_dsp if dsp else family.without_dsp
    script = render("synth", "fpga.ys.j2", command=family.command, top=top, options=options)
    question = json.dumps([verilog, script, version, family.name], sort_keys=True)
    kept, key = Cache("synth"), f"fpga-{hashlib.sha256(question.encode()).hexdigest()[:32]}"
    cells = None if refresh else kept.get_json(key, _counts)
    if cells is None:
        with workshop(work_folder("synth"), "fpga") as place:
            (place / "design.v").write_text(verilog)
            (place / "fpga.ys").write_text(script)
            stat = run_yosys(place, [*yosys, "-q", "-l", "yosys.log", "-s", "fpga.ys"], timeout_s)
        cells = _counts(stat.get("num_cells_by_type", {}))
        kept.put_json(key, cells)

    def count(pattern: str) -> int:
        return sum(number for name, number in cells.items() if re.fullmatch(pattern, name))

    return FpgaResult(
        target=target,
        dsp_inference=dsp,
        luts=count(family.lut),
        carries=count(family.carry),
        flip_flops=count(family.flip_flop),
        dsps=count(family.dsp),
        cells_by_type=cells,
        yosys=version,
    )


def _counts(plain: Any) -> dict[str, int]:
    return {str(name): int(count) for name, count in plain.items()}


def compare_fpga(
    multipliers: Iterable[str | Multiplier],
    *,
    target: str,
    block: str = "multiplier",
    baselines: Iterable[str | Multiplier] = BASELINES,
    route: int = 0,
    jobs: int = 1,
    refresh: bool = False,
    progress: Progress | None = None,
    **parameters: Any,
) -> list[dict[str, Any]]:
    """Map a block with several multipliers beside baselines, DSP inference on and off.

    Parameters
    ----------
    multipliers : iterable of str or Multiplier
        What to map; no matter for an adder.
    target : str
        A name in ``TARGETS``.
    block : str
        A name in ``hdl.circuits.CIRCUITS``.
    baselines : iterable of str or Multiplier
        What comes first.
    route : int
        Placements of each design (``synth.fpga_route``), which give its frequency; none where 0.
    jobs : int
        Placements at once.
    refresh : bool
        Map and route even where answers are kept.
    progress : callable, optional
        ``progress(done, total, message)``.
    **parameters
        What else the block takes, its stages among them; its technology is look-up tables if none is given. Where it
        takes a ``tree`` and none is given, an exact product comes as Dadda tree and as operator, the latter with DSP
        inference on and off; a compressor tree has no operator that could become a DSP block and comes once.

    Returns
    -------
    list of dict
        JSON-ready rows: ``multiplier`` (None of an adder), ``product`` (the tree), the block's parameters, the members
        of ``FpgaResult``, and with placements those of ``synth.fpga_route.Route``.

    Raises
    ------
    InvalidInput
        If a name is unknown, a parameter does not fit the block, there is no device of the target to route on, or a
        design does not fit it.
    MissingTool
        If Yosys or Amaranth is not installed, or nextpnr where it is needed.
    """
    from hdl.ports import ports
    from hdl.verilog import build, generate, parameters_of
    from synth.fpga_route import check_device, route_fpga

    TARGETS.look_up(target)
    takes = parameters_of(block, *parameters)
    check_stages(parameters.get("stages", takes["stages"]))
    if route:
        check_device(target)
    if "technology" in takes:
        parameters = {"technology": "luts", **parameters}
    plan = _plan(takes, [look_up(name) for name in (*baselines, *multipliers)], parameters)
    total, rows = len(plan) * (1 + route), []
    for index, (own, dsp) in enumerate(plan):
        name = ", ".join(str(own[key]) for key in ("multiplier", "tree") if key in own) or block

        def tell(done: int, _: int, message: str, *, before: int = index * (1 + route), name: str = name) -> None:
            if progress is not None:
                progress(before + done, total, f"{name}: {message}" if message else name)

        tell(0, 0, "")
        verilog, built = generate(block, **own), build(block, **own)
        result = map_fpga(verilog, top=block, target=target, dsp=dsp, refresh=refresh)
        row = {"multiplier": str(own["multiplier"]) if "multiplier" in own else None, "product": own.get("tree")}
        row |= {key: own.get(key, takes[key]) for key in takes if key not in ("multiplier", "tree")}
        row |= result.to_dict()
        if route:
            routed = route_fpga(
                verilog,
                top=block,
                ports=ports(built.component, clocked=built.clocked),
                target=target,
                dsp=dsp,
                seeds=route,
                jobs=jobs,
                refresh=refresh,
                progress=tell,
            )
            row |= routed.to_dict()
        rows.append(row)
    return rows


def _plan(
    takes: dict[str, Any], multipliers: list[Multiplier], parameters: dict[str, Any]
) -> list[tuple[dict[str, Any], bool]]:
    """What to map: parameters of the block, and whether DSP blocks may be inferred."""
    from hdl.compressor import OPERATOR

    if "multiplier" not in takes:
        return [(parameters, False)]
    chosen = list(dict.fromkeys(multipliers))
    if "tree" not in takes or "tree" in parameters:
        trees = {"tree": parameters.get("tree")} if "tree" in parameters else {}
        operator = trees.get("tree") == OPERATOR
        options = (False, True) if operator else (False,)
        return [({**parameters, **trees, "multiplier": m}, dsp) for m in chosen for dsp in options]
    plan = [({**parameters, "multiplier": m, "tree": "dadda"}, False) for m in chosen]
    exact = [m for m in chosen if m.design.is_exact]
    return plan + [({**parameters, "multiplier": m, "tree": OPERATOR}, dsp) for m in exact for dsp in (False, True)]
