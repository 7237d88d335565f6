"""Numbers from outside: of their kind and within a range, or one sentence, before any work."""

from __future__ import annotations

import math
from numbers import Integral, Real
from operator import index
from typing import Any

from golden.errors import InvalidInput, InvalidType

__all__ = ["SEEDS", "check_count", "check_number", "check_seed", "read_whole", "whole_numbers"]

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


def check_number(name: str, value: float, least: float | None = None, *, above: float | None = None) -> float:
    """Return ``value`` as a float, or raise unless it is a finite number, and as large as it has to be.

    Parameters
    ----------
    name : str
        What the number is called where it was given, its unit included.
    value : float
        The number; whole ones and NumPy's count, text does not.
    least, above : float
        Bounds, the first included and the second not; none where None.

    Raises
    ------
    InvalidInput
        If it is infinite, not a number, or too small.
    InvalidType
        If it is of no numeric type.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise InvalidType(f"{name} is a number, not {type(value).__name__}")
    asked = f"at least {least:g}" if least is not None else f"more than {above:g}" if above is not None else "a number"
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidInput(f"{name}={value} is not finite; give {asked}")
    if (least is not None and number < least) or (above is not None and number <= above):
        raise InvalidInput(f"{name}={value} is too small; give {asked}")
    return number


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


def whole_numbers(name: str, value: Any, count: int, least: int | None = None) -> tuple[int, ...]:
    """Return ``count`` whole numbers, given as so many or as one for all, as torch takes the settings of a convolution.

    Any kind of integer will do, those of NumPy and torch included.

    Raises
    ------
    InvalidInput
        If a number is not whole or below ``least``, or there is another number of them.
    """
    try:
        one = hasattr(value, "__index__") and not getattr(value, "ndim", 0)
        values = tuple(index(v) for v in ((value,) if one else value))
    except TypeError:
        values = ()
    if len(values) not in (1, count) or (least is not None and min(values) < least):
        bound = "" if least is None else f" >= {least}"
        raise InvalidInput(f"{name}={value!r} is not a whole number{bound}, nor {count} of them")
    return values * count if len(values) == 1 else values
