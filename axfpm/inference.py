"""What ``axfpm energy inference`` does beside the other blocks: one network on several libraries, and the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axfpm.console import emit, note, print_table, progress_bar
from golden.errors import InvalidInput
from golden.files import write
from golden.registry import check_choice

if TYPE_CHECKING:
    from synth.energy.inference.technologies import Inferences

__all__ = ["INFERENCE", "check_options", "infer"]

INFERENCE = "inference"
"""What stands in a block's place."""
_OWN, _OTHERS = ("network", "circuit", "layers"), ("stimulus", "fastest", "full")
"""Options for inferences alone, and for single blocks alone."""


def check_options(block: str) -> None:
    """Raise unless the options that were given are for what is measured.

    Raises
    ------
    InvalidInput
        If one is not.
    """
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    for name in _OTHERS if block == INFERENCE else _OWN:
        if context.get_parameter_source(name) == given:
            what = "single blocks" if block == INFERENCE else f"the energy of an {INFERENCE}"
            raise InvalidInput(f"--{name} is for {what}, and {block} was asked for; leave one of them out")


def infer(
    sources: Sequence[Any],
    *,
    network: str,
    circuit: str | None,
    names: Sequence[Any],
    layers: Sequence[Path],
    pairs: int | None,
    variants: int | None,
    output: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Measure an inference on one library after the other, and show, write and judge what came out.

    Parameters
    ----------
    sources : sequence
        Libraries, as ``synth.liberty.read_liberty`` takes them.
    network, circuit, names, layers, pairs, variants
        As for ``synth.energy.inference.comparison.inference_energy``; its defaults where None or empty.
    output : Path, optional
        Where the results are written, too.
    as_json : bool
        Whether they are shown as JSON.
    **settings
        Further ones of ``inference_energy``.
    """
    from synth.energy.blocks import BLOCKS
    from synth.energy.comparison import VARIANTS
    from synth.energy.inference.comparison import BLOCK, DEFAULT_NAMES, PAIRS, inference_energy
    from synth.energy.inference.technologies import Inferences

    if circuit is not None:
        check_choice("unknown circuit of an inference", circuit, [name for name, b in BLOCKS.items() if b.has_adder])
    results = []
    with progress_bar("measuring") as progress:
        for index, source in enumerate(sources):

            def within(done: int, total: int, message: str, index: int = index, source: Any = source) -> None:
                where = f"{source}: " if len(sources) > 1 else ""
                progress(index * total + done, len(sources) * total, f"{where}{message}")

            found = inference_energy(
                network,
                multiplier=names or (() if layers else DEFAULT_NAMES),
                layers=layers,
                block=circuit or BLOCK,
                liberty=source,
                pairs=PAIRS if pairs is None else pairs,
                variants=VARIANTS if variants is None else variants,
                progress=within,
                **settings,
            )
            results.append(found)
    together = Inferences(tuple(results))
    if output is not None:
        write(output, together.to_json())
        note(f"wrote {output}", output=output)
    emit(together.to_dict(), as_json=as_json, text=lambda: _show(together))


def _show(together: Inferences) -> None:
    for result in together.results:
        title = f"{result.library}: energy of one image of {result.network}"
        print_table(title, result.columns, result.table(), str(result), optional=("by classes", "95%"))
        title = f"{result.library}: energy of one multiply-accumulate, pJ"
        print_table(title, result.layer_columns, result.layer_table())
    rows = [
        (verdict.claim.text, verdict.claim.source, verdict.baseline, verdict.verdict, verdict.reason)
        for verdict in together.verdicts
    ]
    print_table(
        "Claims, by the rule of synth.energy.inference.claims", ("claim", "of", "against", "verdict", "why"), rows
    )
