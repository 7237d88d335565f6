"""``axfpm show``: one multiplier's page."""

from __future__ import annotations

import shlex
from typing import Any

import click

from axfpm.citations import citations
from axfpm.console import MULTIPLIER, emit, json_option, print_table
from axfpm.dots import drawing, partial_products
from axfpm.known import known_energy, known_hardware
from axfpm.shipped import shipped_hardware, shipped_robustness, shipped_speed
from golden.catalogue import Multiplier, multiplier as look_up
from golden.designs import CellBlocks, TableBlocks
from golden.metrics import error
from golden.significand import closed_form

SAMPLES = 1 << 17

ROUNDINGS = {
    "truncate": "the bits that do not fit are cut off",
    "nearest": "to the nearest, ties to even",
    "exact": "none: the product fits into the word",
}
CARRIES = {
    "halve": "bit 2p counts half: normalised as if it were bit 2p - 1",
    "widen": "bit 2p has its true value",
    "wrap": "bit 2p is dropped",
    "none": "the product never reaches bit 2p",
}
BASELINE = "exact-trunc"


def definition(m: Multiplier) -> list[tuple[str, str, str]]:
    """Trait, value and meaning of each."""
    f, design = m.format, m.design
    exponent = f.word_bits - 1 - f.word_fraction_bits
    rows = [
        (
            "format",
            f.name,
            f"p = {f.precision} significand bits, {exponent} of the exponent, in words of {f.word_bits}",
        ),
        ("significands", design.name, _formula(m)),
    ]
    if isinstance(design, CellBlocks) and not design.is_exact:
        sum_, carry = design.cell.sum, design.cell.carry
        rows.append(("cell", design.cell.name, f"Sum {sum_}, Cout {carry} for A B Cin = 000, 001, .. 111"))
    rows.append(("carry", m.carry, CARRIES[m.carry]))
    if f.dropped_bits:
        rows.append(("operands", m.operands, f"{f.word_fraction_bits} fraction bits to {f.precision - 1}: "
                     f"{ROUNDINGS[m.operands]}"))  # fmt: skip
    rows.append(("product", m.product, ROUNDINGS[m.product]))
    return rows


def _formula(m: Multiplier) -> str:
    p = m.precision
    masks = closed_form(m.design, p)
    if masks is not None:
        low, high, top = masks
        if high == 0 and low == (1 << p) - 1:
            return "P = A B"
        digits = -(-p // 4)
        low, high, top = (f"0x{mask:0{digits}X}" for mask in masks)
        return f"P = (A & {low}) B + 2 (A & {high}) (B & {top})"
    if isinstance(m.design, CellBlocks | TableBlocks):
        n = m.design.block
        what = "cell arrays" if isinstance(m.design, CellBlocks) else "table"
        return f"P = the sum of {(p // n) ** 2} products of {n}-bit digits by the {what}, at their weights"
    return "P by a function or circuit of its own"


def page(m: Multiplier) -> dict[str, Any]:
    """All that is known of a multiplier, JSON-ready."""
    name = str(m)
    rows = partial_products(m.design, m.precision)
    return {
        "name": name,
        "definition": {
            "format": m.format.name,
            "precision": m.precision,
            "design": m.design.name,
            "cell": m.cell.name if m.cell else None,
            "block": m.block,
            "masks": closed_form(m.design, m.precision),
            "carry": m.carry,
            "operands": m.operands,
            "product": m.product,
        },
        "dots": list(drawing(rows)),
        "bits": sum(map(len, rows)),
        "error": error(m, n=SAMPLES).to_dict() if m.format.word_bits == 32 else None,
        "here": {"hardware": known_hardware().get(name), "energy": known_energy().get(name)},
        "hardware": shipped_hardware(name),
        "speed": shipped_speed(name),
        "robustness": shipped_robustness(name),
        "verilog": f"axfpm verilog multiplier --multiplier {shlex.quote(name)} -o multiplier.v",
        "citations": list(citations(m)),
    }


@click.command("show")
@click.argument("name", type=MULTIPLIER)
@json_option
def command(name: str, as_json: bool) -> None:
    """Show all that is known of the multiplier NAME: definition, error, area, delay, energy, speed, verdict.

    Dots are bits of partial products that are added, a row each. Hardware, speed and robustness are shown where files
    that come with axfpm have them, and hardware where this machine measured it.

    Example: axfpm show ax-fpm
    """
    m = look_up(name)
    found = page(m)
    emit(found, as_json=as_json, text=lambda: _print(m, found))


def _print(m: Multiplier, found: dict[str, Any]) -> None:
    print_table(found["name"], ("trait", "value", "meaning"), definition(m))
    if found["dots"]:
        blocks = m.block is not None and found["definition"]["masks"] is None
        into = f", which enter {m.block} x {m.block} arrays of {found['definition']['cell']} cells" if blocks else ""
        click.echo(f"{len(found['dots'])} rows, {found['bits']} bits{into}; the highest weight on the left:\n")
        click.echo("\n".join(f"  {line}".rstrip() for line in found["dots"]) + "\n")
    _print_error(found["error"])
    _print_hardware(found)
    _print_speed(found)
    _print_robustness(found)
    click.echo(f"Verilog: `{found['verilog']}`; pictures: `axfpm draw rows --multiplier {shlex.quote(found['name'])}`.")
    click.echo("\n".join(("Cite:", *(f"  {source}" for source in found["citations"]))))


def _print_error(e: dict[str, Any] | None) -> None:
    if e is None:
        click.echo("Error: measured of 32-bit words alone.\n")
        return
    keys = {"mred": "MRED", "nmed": "NMED", "bias": "bias", "worst": "worst", "larger": "share larger"}
    note = f"Over {e['n']:,} pairs of uniform significands, seed {e['seed']}, against the real product."
    print_table("Error of a product, relative", tuple(keys.values()), [tuple(e[key] for key in keys)], note)


def _print_hardware(found: dict[str, Any]) -> None:
    name, here, shipped = found["name"], found["here"], found["hardware"]
    rows: list[tuple[Any, ...]] = []
    notes: list[str] = []
    columns = ("library", "area um^2", "delay ns", "energy pJ", "95%", "area", "delay", "energy")
    for row in shipped:
        ratio = row["ratios"].get(BASELINE)
        shares = [ratio[key] for key in ("area", "critical_path", "energy")] if ratio else ["-"] * 3
        interval = "[{:.3g}, {:.3g}]".format(*row["energy_interval"])
        rows.append((row["library"], row["area_um2"], row["critical_path_ns"], row["energy_pj"], interval, *shares))
    if shipped:
        notes = [f"{row['library']}: {row['where']}." for row in shipped]
        notes.append(f"{'; '.join(dict.fromkeys(row['how'] for row in shipped))}.")
        notes.append(f"The last three columns: as a share of {BASELINE}'s. Measured before, {shipped[0]['file']}.")
        print_table("Hardware", columns, rows, "\n".join(notes))
    if here["hardware"]:
        area, path = here["hardware"]["area_um2"], here["hardware"]["critical_path_ns"]
        click.echo(f"On this machine: {area:,.0f} um^2, {path:.3g} ns ({here['hardware']['conditions']}).")
    if here["energy"]:
        click.echo(f"On this machine: {here['energy']['energy_pj']:.3g} pJ ({here['energy']['conditions']}).")
    if not (shipped or here["hardware"]):
        click.echo(f"Area and delay: not measured; `axfpm synth multiplier --multiplier {name}` does.")
    if not (shipped or here["energy"]):
        click.echo(f"Energy: not measured; `axfpm energy --multiplier {name}` does.")


def _print_speed(found: dict[str, Any]) -> None:
    speed = found["speed"]
    if not speed:
        click.echo(f"Speed of emulation: not measured; `axfpm bench --multiplier {found['name']}` does.")
        return
    rows = [(row["shape"], row["ratio"], row["gmacs"]) for row in speed["rows"]]
    print_table("Emulation", ("shape", "times slower than torch", "GMAC/s"), rows, f"{speed_conditions(speed)}.")


def speed_conditions(speed: dict[str, Any]) -> str:
    """Where speeds were measured: those of ``shipped_speed``."""
    machine = speed["machine"]
    return (
        f"Kernel {speed['kernel']}, one thread, {machine['cpu']} ({machine['architecture']}), torch "
        f"{machine['torch']}; medians of one run, in turns. Measured before, {speed['file']}"
    )


def robust_rows(one: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Threat model, norm, budget, target, share right, the exact network's, each network's, images; of one preset."""
    rows: list[tuple[Any, ...]] = []
    for row in one["rows"]:
        shares = [share["rate"] for share in row["networks"]]
        spread = f"{min(shares):.1%} .. {max(shares):.1%}" if len(shares) > 1 else "one network"
        case = (row["threat_model"], row["norm"] or "-", row["budget"] or "-", row["target"])
        rows.append((*case, f"{row['rate']:.1%}", f"{row['exact']:.1%}", spread, row["networks"][0]["n"]))
    return rows


def verdict_sentences(one: dict[str, Any]) -> list[str]:
    """What the rule says of one preset, a sentence each."""
    return [
        f"Verdict of the rule on {v['target']}, {v['threat_model']}: {v['verdict']} ({v['reason']})."
        for v in one["verdicts"]
    ] or ["The rule was not asked of this multiplier."]


def _print_robustness(found: dict[str, Any]) -> None:
    if not found["robustness"]:
        click.echo(f"Robustness: not evaluated; `axfpm evaluate --preset mnist --subject {found['name']}` does.")
    for one in found["robustness"]:
        note = [
            f"{one['model']} on {one['data']}. Shares of images that are classified rightly, clean or under the best "
            f"attack for each, mean over networks. From {one['file']}; `axfpm results {one['preset']}` shows it all.",
            *verdict_sentences(one),
        ]
        columns = ("threat model", "norm", "budget", "target", "right", "exact network", "each network", "images")
        print_table(f"Robustness, preset {one['preset']}", columns, robust_rows(one), "\n".join(note))
