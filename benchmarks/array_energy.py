"""Energy of a 2 x 2 array, composed of its parts, against the array as one netlist: a table of docs/energy.md.

    python benchmarks/array_energy.py [--multiplier NAME ...] [--library NAME ...] [--variants N] [--vectors N] [--json]

Operands are a tile of LeNet-5's second layer and the vectors that meet it. Each variant is another mapping of all
parts. *composed*: each element's netlist measured on its own words in the array, and the edges; *joined*: the same
netlists as one; *mapped*: the array mapped as one design, across the borders of its elements. Minutes for each variant.
"""

from __future__ import annotations

import json
import math
from typing import Any

import click
import numpy as np

from axfpm.console import progress_bar
from golden.catalogue import multiplier as look_up
from hdl.verilog import component_verilog, generate
from synth.energy.array import ArrayEdges, ArrayStreams, array_streams, compose
from synth.energy.array_netlist import join
from synth.energy.inference.layers import recorded_layers, trained_on
from synth.energy.intervals import FEWEST_UNITS, mean_interval, ratio_interval
from synth.energy.measure import measure
from synth.energy.variants import map_variant
from synth.liberty import Library, read_liberty

ROWS, COLUMNS, STAGES = 2, 2, 1
NETWORK, LAYER = "lenet5-digits", 1


def operands(name: str, vectors: int) -> ArrayStreams:
    """The first rows and columns of the layer, the sums beginning with its biases."""
    trained = trained_on(NETWORK)
    layer = recorded_layers(trained, look_up(name))[LAYER]
    x, w = layer.x[:vectors, :ROWS], layer.w[:ROWS, :COLUMNS]
    sums = np.broadcast_to(layer.bias[:COLUMNS], (vectors, COLUMNS))
    a, b, c = (np.ascontiguousarray(each).view(np.uint32) for each in (x, w, sums))
    return array_streams(a, b, c, look_up(name), stages=STAGES, adder_stages=STAGES)


def netlists(name: str, library: Library, variant: int) -> tuple[dict[str, str], dict[str, float], float]:
    """Netlists of one variant and their areas, and the longest path in ns."""
    shape: Any = {"rows": ROWS, "columns": COLUMNS, "stages": STAGES, "adder_stages": STAGES}
    texts = {
        "pe": generate("pe", multiplier=name, stages=STAGES, adder_stages=STAGES),
        "edges": component_verilog(ArrayEdges(name, **shape), "edges"),
        "array": generate("array", multiplier=name, **shape),
    }
    mapped = {
        top: map_variant(text, variant, top=top, library=library, period_ns=library.period_ns)
        for top, text in texts.items()
    }
    found = {top: each.netlist.read_text() for top, each in mapped.items()}
    found["joined"] = join(found["pe"], found["edges"], rows=ROWS, columns=COLUMNS)
    areas = {top: each.area_um2 for top, each in mapped.items()}
    return found, areas, max(each.critical_path_ns for each in mapped.values())


def energies(
    found: dict[str, str], streams: ArrayStreams, library: Library, period_ns: float
) -> dict[str, tuple[float, float]]:
    """Energy of the whole recording in pJ, with glitches and without any, by the way it was found."""

    def measured(netlist: str, top: str, own: Any) -> Any:
        # An element's outputs drive nothing but the next part, which counts what its inputs are: outputs have no load.
        return measure(
            found[netlist],
            top=top,
            library=library,
            streams=own.inputs,
            expected=own.expected,
            latencies=own.latencies,
            stages=streams.rest,
            period_ns=period_ns,
            load_ff=0,
        )

    def both(each: Any) -> tuple[float, float]:
        return float(each.with_glitches.total.sum()), float(each.zero_delay.total.sum())

    elements = [measured("pe", "pe", own) for own in streams.elements.values()]
    edges = measured("edges", "edges", streams.edges)
    quiet = sum(both(each)[1] for each in (*elements, edges))
    return {
        "composed": (compose(elements, edges).total_pj, quiet),
        "joined": both(measured("joined", "array", streams.whole)),
        "mapped": both(measured("array", "array", streams.whole)),
    }


def compared(name: str, library: Library, variants: int, streams: ArrayStreams, say: Any) -> dict[str, Any]:
    """Figures of all variants: means, and the ratio of what is composed to each of the others."""
    built = []
    for variant in range(variants):
        built.append(netlists(name, library, variant))
        say(f"mapped {name} on {library.name}, netlists {variant + 1} of {variants}")
    # Elements and edges are one path through the array; twice the longest of a part is enough.
    period_ns = 2.0 * math.ceil(max(path for *_, path in built))
    rows = []
    for variant, (found, *_) in enumerate(built):
        rows.append(energies(found, streams, library, period_ns))
        say(f"measured {name} on {library.name}, netlists {variant + 1} of {variants}")
    values = {way: np.array([row[way] for row in rows]) for way in rows[0]}
    composed = values.pop("composed")
    parts = np.array([ROWS * COLUMNS * areas["pe"] + areas["edges"] for _, areas, _ in built])
    return {
        "multiplier": name,
        "library": library.name,
        "period_ns": period_ns,
        "composed_pj": composed[:, 0].mean(),
        "interval_pj": mean_interval(composed[:, 0]),
        "area_of_parts": float(parts.mean() / np.mean([areas["array"] for _, areas, _ in built])),
        "ratios": {
            way: {
                "energy": composed[:, 0].mean() / other[:, 0].mean(),
                "interval": ratio_interval(composed[:, 0], other[:, 0]),
                "zero_delay": composed[:, 1].mean() / other[:, 1].mean(),
            }
            for way, other in values.items()
        },
    }


@click.command()
@click.option("--multiplier", "names", multiple=True, default=["e8m2"], show_default=True)
@click.option("--library", "libraries", multiple=True, default=["osu018", "nangate45"], show_default=True)
@click.option("--variants", type=click.IntRange(FEWEST_UNITS), default=FEWEST_UNITS, show_default=True)
@click.option("--vectors", type=click.IntRange(2), default=64, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(names: tuple[str, ...], libraries: tuple[str, ...], variants: int, vectors: int, as_json: bool) -> None:
    total, done, results = 2 * variants * len(names) * len(libraries), 0, []
    with progress_bar("measuring") as progress:

        def say(what: str) -> None:
            nonlocal done
            done += 1
            progress(done, total, what)

        for name in names:
            streams = operands(name, vectors)
            results += [compared(name, read_liberty(library), variants, streams, say) for library in libraries]
    if as_json:
        click.echo(json.dumps(results, indent=1))
        return
    for each in results:
        low, high = each["interval_pj"]
        click.echo(
            f"{each['multiplier']} on {each['library']}, clock {each['period_ns']:g} ns: composed "
            f"{each['composed_pj'] / 1000:.3g} nJ [{low / 1000:.3g}, {high / 1000:.3g}], area "
            f"{each['area_of_parts']:.3f} of the array mapped as one"
        )
        for way, ratio in each["ratios"].items():
            low, high = ratio["interval"]
            click.echo(
                f"  {ratio['energy']:.3f} [{low:.3f}, {high:.3f}] of {way}, {ratio['zero_delay']:.3f} unglitched"
            )


if __name__ == "__main__":
    main()
