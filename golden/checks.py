"""Numbers from outside: whole and within a range, or one sentence, before any work."""

from __future__ import annotations

from numbers import Integral

from golden.errors import InvalidInput, InvalidType

__all__ = ["SEEDS", "check_count", "check_seed", "read_whole"]

SEEDS = 1 << 63
"""Seeds are smaller: NumPy would take more, but torch and 64-bit fields of result files would not."""


def check_count(name: str, value: int, least: int | None = 1, most: int | None = None, why: str = "") -> int:
    """Return ``value`` as an int, or raise unless it is a whole number from ``least`` to ``most``.

    Parameters
    ----------
    name : str
        What the number is called where it was given.
    value : int
        The number; NumPy's integers count.
    least, most : int
        Bounds, both included; none where None.
    why : str
        What stands behind the upper bound, for the message.

    Raises
    ------
    InvalidInput
        If it is too small or too large.
    InvalidType
        If it is not an integer.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise InvalidType(f"{name} is a whole number, not {type(value).__name__}")
    if least is not None and value < least:
        raise InvalidInput(f"{name}={value} is too small; give at least {least}")
    if most is not None and value > most:
        raise InvalidInput(f"{name}={value} is too large; give at most {most}" + (f", {why}" if why else ""))
    return int(value)


def check_seed(seed: int) -> int:
    """Return a seed as an int; one rule for everything that is random.

    Raises
    ------
    InvalidInput
        If it is negative, or not below ``SEEDS``.
    InvalidType
        If it is not an integer.
    """
    return check_count("seed", seed, 0, SEEDS - 1, "the largest that every generator takes")


def read_whole(name: str, value: int | str) -> int:
    """Return a whole number of any size that may come as text, as in a dial name.

    Raises
    ------
    InvalidInput
        If the text is no whole number.
    InvalidType
        If it is neither text nor an integer.
    """
    if not isinstance(value, str):
        return check_count(name, value, least=None)
    try:
        return int(value)
    except ValueError:
        raise InvalidInput(f"{name}={value!r} is not a whole number; write it in digits") from None
