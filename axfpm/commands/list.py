"""``axfpm list``: the catalogue."""

from __future__ import annotations

from typing import Any

import click

from axfpm.console import emit, json_option, print_table
from axfpm.known import known_hardware
from golden.catalogue import MULTIPLIERS
from golden.metrics import error

SAMPLES = 1 << 17

COLUMNS = ("name", "format", "significands", "carry", "operands", "product", "MRED", "worst")
HARDWARE = ("area um^2", "delay ns", "at")
OPTIONAL = ("operands", "product", "at", "format", "carry", "worst", "delay ns")
"""What a narrow terminal leaves out, the first one first."""


def table(entries: list[dict[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]], str]:
    """Columns, rows, and what the figures rest on: conditions of hardware by number, a line for each."""
    measured = [e["hardware"]["conditions"] for e in entries if e["hardware"]]
    conditions = {text: str(index) for index, text in enumerate(dict.fromkeys(measured), start=1)}
    rows = []
    for e in entries:
        design = e["design"].removesuffix(" cells").removesuffix(" product")
        row = [e["name"], e["format"], design, *(e[key] for key in ("carry", "operands", "product"))]
        row += ["-" if e[key] is None else f"{e[key]:.2g}" for key in ("mred", "worst")]
        known = e["hardware"]
        if known:
            row += [f"{known['area_um2']:,.0f}", f"{known['critical_path_ns']:.3g}", conditions[known["conditions"]]]
        elif conditions:
            row += ["-"] * len(HARDWARE)
        rows.append(tuple(row))
    note = [f"MRED, worst: mean and largest relative error over {SAMPLES} pairs of uniform significands, seed 0."]
    if conditions:
        note.append("Area, delay: by the last `axfpm synth` here, before placement; `-` where none was run.")
        note += [f"at {number}: {text}." for text, number in conditions.items()]
    else:
        note.append("Area and delay stand here once `axfpm synth` was run.")
    return (*COLUMNS, *(HARDWARE if conditions else ())), rows, "\n".join(note)


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
        columns, rows, note = table(entries)
        print_table("Multipliers", columns, rows, note, optional=OPTIONAL)

    emit(entries, as_json=as_json, text=text)
