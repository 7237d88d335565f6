"""``axfpm multiply``: one product, taken apart."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import click
import numpy as np

from axfpm.console import emit, json_option, multiplier_option
from golden.catalogue import multiplier as look_up
from golden.errors import InvalidInput
from golden.formats import Format
from golden.multiply import multiply_words


def parse_operand(text: str, f: Format) -> int:
    """A word of format ``f``: ``0x`` and all its hex digits is the word itself, anything else a number.

    Other hexadecimal integers are refused, as they might be meant for either; hexadecimal fractions (``0x1.8p3``) are
    numbers.
    """
    digits = -(-f.word_bits // 4)
    if re.fullmatch(rf"0[xX][0-9a-fA-F]{{{digits}}}", text):
        return int(text, 16)
    if f.word_bits == 32 and re.fullmatch(r"[+-]?0[xX][0-9a-fA-F_]*", text.strip()):
        raise InvalidInput(
            f"{text!r} could be a word or a number; write all {digits} hex digits of a word, as 0x3F800000, or the "
            "number in decimal"
        )
    if f.word_bits != 32:
        raise InvalidInput(f"{text!r} is not a word of format {f.name!r}; write 0x and {digits} hex digits")
    try:
        value = float.fromhex(text) if text.lower().lstrip("+-").startswith("0x") else float(text)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{text!r} is not a number; write 0.5, 1e-3, inf, nan, or a word as 0x3F800000") from None
    with np.errstate(over="ignore"):
        return int(np.float64(value).astype(np.float32).view(np.uint32))


def fields(word: int, f: Format) -> dict[str, Any]:
    """Sign, biased exponent, fraction and value of a word; subnormals at their IEEE value."""
    fraction = word & ((1 << f.word_fraction_bits) - 1)
    exponent = word >> f.word_fraction_bits & f.exponent_mask
    sign = word >> (f.word_bits - 1)
    if exponent == f.exponent_mask:
        value = math.nan if fraction else math.inf
    else:
        hidden = int(exponent > 0) << f.word_fraction_bits
        value = math.ldexp(hidden | fraction, max(exponent, 1) - f.bias - f.word_fraction_bits)
    return {
        "hex": f"0x{word:0{-(-f.word_bits // 4)}X}",
        "value": math.copysign(value, -1.0 if sign else 1.0),
        "sign": sign,
        "biased_exponent": exponent,
        "fraction": f"{fraction:0{f.word_fraction_bits}b}",
    }


def exact_product(a: float, b: float) -> float:
    """The real product of two float32 values: 48 bits, exact in float64."""
    return a * b


@click.command("multiply", context_settings={"ignore_unknown_options": True})
@click.argument("a")
@click.argument("b")
@multiplier_option
@json_option
def command(a: str, b: str, multiplier: str, as_json: bool) -> None:
    """Multiply activation A by weight B: decimal numbers, or words in hex.

    Example: axfpm multiply 0.856 0x3EF126E9 --multiplier ax-fpm
    """
    m = look_up(multiplier)
    words = [parse_operand(text, m.format) for text in (a, b)]
    product = int(multiply_words(np.array([words[0]], np.uint32), np.array([words[1]], np.uint32), m)[0])
    parts = {name: fields(word, m.format) for name, word in zip("aby", (*words, product), strict=True)}
    exact = exact_product(parts["a"]["value"], parts["b"]["value"])
    y = parts["y"]["value"]
    relative = float(abs(Fraction(y) / Fraction(exact) - 1)) if exact and math.isfinite(exact + y) else None
    result = {"multiplier": str(m), **parts, "exact_product": exact, "relative_error": relative}

    def text() -> None:
        click.echo(f"{m!s}: a x b = {y!r}")
        click.echo(f"exact product   {exact!r}")
        click.echo(f"relative error  {'-' if relative is None else f'{relative:.6g}'}")
        click.echo("\n   hex         s  exponent  fraction")
        for name, part in parts.items():
            click.echo(
                f"{name}  {part['hex']:<10}  {part['sign']}  {part['biased_exponent']:>8}  {part['fraction']}"
                f"  {part['value']!r}"
            )

    emit(result, as_json=as_json, text=text)
