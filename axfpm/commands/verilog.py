"""``axfpm verilog``: hardware as Verilog."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from axfpm.circuits import circuit_options, given
from axfpm.console import OutputFile, check_apart, emit, json_option, note
from golden.errors import InvalidInput
from golden.files import check_file, is_stream, write

SIGNED = "# Written by axfpm, sha256 "
"""How an SDC file begins that may be replaced: with the checksum of the rest, which a change by hand breaks."""


def signed(text: str) -> str:
    """Constraints with a first line by which they are known again."""
    return f"{SIGNED}{hashlib.sha256(text.encode()).hexdigest()[:32]}\n{text}"


def constraints_file(output: Path) -> Path | None:
    """The SDC file beside a Verilog file; None beside a stream, where there is no place.

    Raises
    ------
    InvalidInput
        If it would take the place of the Verilog, or of a file that is not this command's.
    """
    if is_stream(output):
        return None
    path = output.with_suffix(".sdc")
    if path.name.casefold() == output.name.casefold() or (path.exists() and output.exists() and path.samefile(output)):
        raise InvalidInput(f"{path} would be overwritten by its own SDC file; give -o a name such as {output.stem}.v")
    check_file(path)
    if not path.exists() or is_stream(path):
        return path
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        old = ""
    if old != signed(old.partition("\n")[2]):
        raise InvalidInput(
            f"{path}, where the constraints go, exists and is not as axfpm wrote it; move it, or choose another -o"
        )
    return path


@click.command("verilog")
@click.argument("block")
@click.option("--multiplier", metavar="NAME", help="Catalogue or dial name; ax-fpm by default.")
@circuit_options
@click.option("--period", default=12.0, show_default=True, type=float, help="Clock period in the SDC file, ns.")
@click.option("--name", help="Name of the top module, and prefix of every submodule.")
@click.option(
    "-o",
    "output",
    type=OutputFile(),
    help="File to write, FILE.v, and FILE.sdc beside it; standard output else.",
)
@json_option
def command(block: str, name: str | None, period: float, output: Path | None, as_json: bool, **parameters: Any) -> None:
    """Write BLOCK (multiplier, significand, adder, pe, array, engine) as Verilog; options it does not have are refused.

    Example: axfpm verilog multiplier --multiplier ax-fpm --stages 2 -o multiplier.v
    """
    from hdl import sdc
    from hdl.verilog import CIRCUITS, generate

    CIRCUITS.look_up(block)
    beside = None
    if output is not None:
        check_apart(output, as_json=as_json)
        beside = constraints_file(output)
    settings = given(parameters)
    constraints = sdc.generate(block, period_ns=period, **settings)
    text = generate(block, name=name, **settings)
    if output is not None:
        write(output, text)
    if beside is not None:
        write(beside, signed(constraints))
    result = {"block": block, **settings, "name": name or block, "file": output, "lines": text.count("\n")}
    if output is None:
        result["verilog"] = text

    def show() -> None:
        if output is None:
            click.echo(text, nl=False)
        else:
            note(f"wrote {output} ({result['lines']} lines)", output=output)

    emit(result, as_json=as_json, text=show)
