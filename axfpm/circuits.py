"""Options of the commands that build circuits: one for each parameter that a circuit has beside its multiplier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["circuit_options", "given"]

_OPTIONS = (
    click.option("--format", help="Format of an adder; fp32 by default."),
    click.option("--stages", type=int, help="Pipeline stages; of a multiplier or adder 0, combinational, by default."),
    click.option("--rows", type=int, help="Rows of an array or engine: products per partial sum."),
    click.option("--columns", type=int, help="Columns of an array or engine: results per cycle."),
    click.option(
        "--tree", help="Compressor tree of products: dadda (default), wallace, four-two, plain; booth, operator."
    ),
    click.option(
        "--technology", help="What registers of a multiplier, adder or pe are placed for: cells (default) or luts."
    ),
    click.option("--adder-stages", type=int, help="Registers in each adder of a mac, pe, array or engine."),
    click.option("--depth", type=int, help="Words of an engine's activation memory, per row."),
    click.option("--accumulators", type=int, help="Partial sums that an engine holds, per column."),
    click.option("--biases", type=int, help="Bias beats that an engine holds."),
    click.option("--axi", is_flag=True, default=None, help="An engine with AXI4-Stream port names."),
)


def circuit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets each by its parameter's name, None where it was not given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given(parameters: dict[str, Any]) -> dict[str, Any]:
    """Those that were given."""
    return {key: value for key, value in parameters.items() if value is not None}
