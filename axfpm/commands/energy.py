"""``axfpm energy``: energy per product from simulated activity, beside exact baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axfpm.completion import Name
from axfpm.console import (
    RESUMES,
    InputPath,
    OutputFile,
    check_apart,
    emit,
    if_interrupted,
    json_option,
    layers_option,
    multipliers_option,
    note,
    print_table,
    progress_bar,
    seed_option,
)
from axfpm.inference import INFERENCE, check_options, infer
from axfpm.known import remember_energy
from golden.cache import writable
from golden.catalogue import multiplier as look_up
from golden.errors import InvalidInput
from golden.files import write

if TYPE_CHECKING:
    from synth.energy.technologies import Technologies

__all__ = ["command"]

OPTIONAL = ("leakage", "internal", "switching", "path ns", "area um^2")
"""Columns that a narrow terminal does without, the first one first."""


def _sources(libraries: tuple[str, ...], liberty: tuple[Path, ...], technologies: bool) -> list[Any]:
    """What to map to, one after the other."""
    from synth.libraries import LIBRARIES

    if bool(libraries) + bool(liberty) + technologies > 1:
        raise InvalidInput("--library, --liberty and --technologies all name cell libraries; give one of them")
    if liberty:
        return [liberty]
    names = list(LIBRARIES) if technologies else list(dict.fromkeys(libraries))
    return [LIBRARIES.look_up(name).name for name in names] or [None]


@click.command("energy")
@click.argument("block", type=Name("synth.energy.blocks:BLOCKS"), default="multiplier")
@multipliers_option
@click.option(
    "--library",
    "libraries",
    type=Name("synth.libraries:LIBRARIES"),
    multiple=True,
    metavar="NAME",
    help="Cell library: osu018 (180 nm, the default), nangate45, sky130hd, sg13g2 or asap7; repeatable.",
)
@click.option(
    "--liberty",
    type=InputPath(),
    multiple=True,
    help="A Liberty file instead, .gz too; repeated, the parts of one library.",
)
@click.option("--technologies", is_flag=True, help="All five libraries, and the spread of ratios over them.")
@click.option("--dont-use", metavar="PATTERN", multiple=True, help="Cells left out, such as 'XOR*'; repeatable.")
@click.option("--wire-loads", is_flag=True, help="Wires by the library's default wire load, instead of none.")
@click.option("--stimulus", default="uniform", show_default=True, help="Operands: uniform, relu or lenet5.")
@click.option(
    "--network", default="lenet5", show_default=True, help="Of an inference: lenet5, alexnet, vgg11, or a checkpoint."
)
@layers_option
@click.option("--circuit", help="What multiplies and adds in an inference: pe without it, or mac.")
@click.option("-n", "pairs", type=int, help="Operations of each multiplier; 2000 by default, 6400 of an inference.")
@click.option("--stages", type=int, help="Pipeline stages; 0, combinational, without it, and 1 for a pe.")
@click.option("--adder-stages", type=int, help="Those of the adder in a mac or pe.")
@click.option("--period", type=float, help="Clock in ns; the library's own without it, 12 ns of OSU018.")
@click.option("--fastest", is_flag=True, help="Map and clock each design for its own shortest period.")
@click.option("--variants", type=int, help="Netlists of each multiplier; 5 without it, fewer make no interval of it.")
@seed_option
@click.option("--jobs", default=2, show_default=True, type=int, help="Netlists in work at once.")
@click.option("--full", is_flag=True, help="All narrow formats, carry policies, block widths and cells, and `*`.")
@click.option("-o", "output", type=OutputFile(), help="Also write the results to this JSON file.")
@json_option
def command(
    block: str,
    multipliers: tuple[str, ...],
    libraries: tuple[str, ...],
    liberty: tuple[Path, ...],
    technologies: bool,
    dont_use: tuple[str, ...],
    wire_loads: bool,
    stimulus: str,
    network: str,
    layers: tuple[Path, ...],
    circuit: str | None,
    pairs: int | None,
    stages: int | None,
    adder_stages: int | None,
    period: float | None,
    fastest: bool,
    variants: int | None,
    seed: int,
    jobs: int,
    full: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure the energy of each operation of BLOCK (multiplier, significand, adder, mac or pe), glitches included.

    Each multiplier is mapped as several netlists, simulated gate by gate on the same operands, and compared with the
    golden model; exact, exact-trunc (also with Booth digits) and e8m2 stand beside it. Without --multiplier eight are
    compared. An adder is one circuit, on the products and running sums of each; exact stands beside them.

    BLOCK may be inference: what the multiply-accumulates of one image of --network take, layer by layer, beside the
    network's accuracy on each multiplier, and which claims of the paper hold.

    Example: axfpm energy --multiplier ax-fpm --stimulus lenet5 --library nangate45
    """
    from synth.energy.blocks import BLOCKS
    from synth.energy.comparison import CONTROLS, DEFAULT_NAMES, FULL_NAMES, PAIRS, STRONGEST, VARIANTS, energy
    from synth.energy.technologies import Technologies

    if output is not None:
        check_apart(output, as_json=as_json)
    sources = _sources(libraries, liberty, technologies)
    check_options(block)
    if_interrupted(RESUMES, true=lambda: writable("energy"))
    if block == INFERENCE:
        infer(
            sources,
            network=network,
            circuit=circuit,
            names=[look_up(name) for name in multipliers],
            layers=layers,
            pairs=pairs,
            variants=variants,
            output=output,
            as_json=as_json,
            stages=stages,
            adder_stages=adder_stages,
            period_ns=period,
            seed=seed,
            jobs=jobs,
            dont_use=dont_use,
            wire_loads=wire_loads,
        )
        return
    usual = DEFAULT_NAMES if BLOCKS.look_up(block).has_multiplier else ()
    names = [look_up(name) for name in (*multipliers, *(FULL_NAMES if full else () if multipliers else usual))]
    results = []
    with progress_bar("measuring") as progress:
        for index, source in enumerate(sources):

            def within(done: int, total: int, message: str, index: int = index, source: Any = source) -> None:
                where = f"{source}: " if len(sources) > 1 else ""
                progress(index * total + done, len(sources) * total, f"{where}{message}")

            found = energy(
                block,
                multiplier=names,
                liberty=source,
                stimulus=stimulus,
                pairs=PAIRS if pairs is None else pairs,
                stages=stages,
                adder_stages=adder_stages,
                period_ns=period,
                seed=seed,
                jobs=jobs,
                fastest=fastest,
                variants=VARIANTS if variants is None else variants,
                controls=CONTROLS if full else (STRONGEST,),
                dont_use=dont_use,
                wire_loads=wire_loads,
                progress=within,
            )
            results.append(found)
            if block == "multiplier" and not (found.stages or dont_use or fastest or wire_loads):
                remember_energy(found.to_dict()["rows"], str(found.conditions))
    together = Technologies(tuple(results))
    if output is not None:
        write(output, together.to_json())
        note(f"wrote {output}", output=output)
    plain = results[0].to_dict() if len(results) == 1 else together.to_dict()
    emit(plain, as_json=as_json, text=lambda: _show(together))


def _show(together: Technologies) -> None:
    from synth.energy.blocks import BLOCKS

    for result in together.results:
        title = f"{result.block}, {result.stages} stages, energy of one {BLOCKS[result.block].result}"
        ratios = result.columns[len(result.columns) - len(result.baselines) :]
        stays = ratios[1:2] or ratios  # that to exact-trunc, unless others were asked for
        optional = (*OPTIONAL, *(ratio for ratio in reversed(ratios) if ratio not in stays), "95%")
        print_table(title, result.columns, result.table(), str(result.conditions), optional=optional)
    if len(together.results) > 1:
        for base in together.baselines:
            print_table(f"Energy divided by that of {base}", together.columns(base), together.table(base))
