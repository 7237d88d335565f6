"""``axfpm verilog``: hardware as Verilog."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from axfpm.circuits import circuit_options, given
from axfpm.completion import Name
from axfpm.console import MULTIPLIER, MULTIPLIER_NAMES, OutputFile, check_apart, emit, json_option, note
from golden.errors import InvalidInput
from golden.files import check_file, is_stream, write

SIGNED = "# Written by axfpm, sha256 "
"""How a file beside the Verilog begins that may be replaced: with the checksum of the rest, which an edit breaks."""


def signed(text: str) -> str:
    """A text with a first line by which it is known again."""
    return f"{SIGNED}{hashlib.sha256(text.encode()).hexdigest()[:32]}\n{text}"


def file_beside(output: Path, suffix: str, kind: str, content: str, *, before: str = "") -> Path | None:
    """The file of a suffix beside a Verilog file; None beside a stream, where there is no place.

    Parameters
    ----------
    output : Path
        The Verilog file.
    suffix, kind, content : str
        Of the file: how its name ends, what it is called, what goes there, in sentences.
    before : str
        What stands in it before the signed text.

    Raises
    ------
    InvalidInput
        If it would take the place of the Verilog, or of a file that is not this command's.
    """
    if is_stream(output):
        return None
    path = output.with_suffix(suffix)
    if path.name.casefold() == output.name.casefold() or (path.exists() and output.exists() and path.samefile(output)):
        raise InvalidInput(f"{path} would be overwritten by its own {kind}; give -o a name such as {output.stem}.v")
    check_file(path)
    if not path.exists() or is_stream(path):
        return path
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        old = ""
    if old != before + signed(old.removeprefix(before).partition("\n")[2]):
        raise InvalidInput(
            f"{path}, where the {content}, exists and is not as axfpm wrote it; move it, or choose another -o"
        )
    return path


@click.command("verilog")
@click.argument("block", type=Name("hdl.circuits:CIRCUITS"))
@click.option("--multiplier", type=MULTIPLIER, metavar="NAME", help=f"{MULTIPLIER_NAMES}; ax-fpm by default.")
@circuit_options
@click.option("--period", default=12.0, show_default=True, type=float, help="Clock period in the SDC file, ns.")
@click.option("--core", is_flag=True, help="Write FILE.core too, which describes FILE.v and FILE.sdc to FuseSoC.")
@click.option("--name", help="Name of the top module, and prefix of every submodule.")
@click.option(
    "-o",
    "output",
    type=OutputFile(),
    help="File to write, FILE.v, and FILE.sdc beside it; standard output else.",
)
@json_option
def command(
    block: str, name: str | None, period: float, core: bool, output: Path | None, as_json: bool, **parameters: Any
) -> None:
    """Write BLOCK (multiplier, significand, adder, mac, pe, array, engine) as Verilog; options it lacks are refused.

    Example: axfpm verilog multiplier --multiplier ax-fpm --stages 2 -o multiplier.v
    """
    from hdl import core_file, sdc
    from hdl.verilog import CIRCUITS, generate

    CIRCUITS.look_up(block)
    if core and (output is None or is_stream(output)):
        raise InvalidInput("--core writes a file beside the Verilog; give -o FILE.v")
    constraints = description = None
    if output is not None:
        check_apart(output, as_json=as_json)
        constraints = file_beside(output, ".sdc", "SDC file", "constraints go")
    if core and output is not None:
        description = file_beside(output, ".core", "core file", "core goes", before=core_file.FIRST_LINE)
    settings = given(parameters)
    beside = [(constraints, signed(sdc.generate(block, period_ns=period, **settings)))]
    if output is not None and constraints is not None and description is not None:
        files = {"verilog": output.name, "constraints": constraints.name}
        core_text = core_file.generate(block, name=name, **files, **settings)
        beside.append((description, core_file.FIRST_LINE + signed(core_text)))
    text = generate(block, name=name, **settings)
    if output is not None:
        write(output, text)
    for path, content in beside:
        if path is not None:
            write(path, content)
    result = {"block": block, **settings, "name": name or block, "file": output, "lines": text.count("\n")}
    if output is None:
        result["verilog"] = text

    def show() -> None:
        if output is None:
            click.echo(text, nl=False)
        else:
            note(f"wrote {output} ({result['lines']} lines)", output=output)

    emit(result, as_json=as_json, text=show)
