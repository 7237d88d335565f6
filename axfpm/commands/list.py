"""``axfpm list``: the catalogue."""

from __future__ import annotations

import click

from axfpm.console import emit, json_option, print_table
from axfpm.known import known_hardware
from golden.catalogue import MULTIPLIERS
from golden.metrics import error

SAMPLES = 1 << 17


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """Show the catalogue, with each multiplier's error, and its hardware where it was synthesised.

    Any trait can be dialled: ax-fpm:block=2,carry=widen. Keys: format, cell, block, carry, operands, product.

    Example: axfpm list --json
    """
    hardware = known_hardware()
    entries = []
    for name, m in MULTIPLIERS.items():
        report = error(m, n=SAMPLES) if m.format.word_bits == 32 else None
        entries.append(
            {
                "name": name,
                "format": m.format.name,
                "design": m.design.name,
                "carry": m.carry,
                "operands": m.operands if m.format.dropped_bits else "as they are",
                "product": m.product,
                "mred": report.mred if report else None,
                "nmed": report.nmed if report else None,
                "worst": report.worst if report else None,
                "hardware": hardware.get(name),
            }
        )

    def text() -> None:
        rows = []
        for e in entries:
            known = e["hardware"] or {}
            area, energy = known.get("area_um2"), known.get("energy_pj")
            rows.append(
                (
                    *(e[key] for key in ("name", "format", "design", "carry", "operands", "product")),
                    *("-" if e[key] is None else f"{e[key]:.2g}" for key in ("mred", "worst")),
                    "-" if area is None else f"{area:,.0f}",
                    "-" if energy is None else f"{energy:.3g}",
                )
            )
        columns = ("name", "format", "significand product", "carry", "operands", "product", "MRED", "worst")
        note = (
            f"MRED, worst: mean and largest relative error over {SAMPLES} pairs of uniform significands, seed 0. "
            "Area, energy (vectorless): by the last `axfpm synth` here, `-` where none was run."
        )
        print_table("Multipliers", (*columns, "area um^2", "energy pJ"), rows, note)

    emit(entries, as_json=as_json, text=text)
