"""Texts from Jinja templates: scripts for the tools, test benches in other languages, the report."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]


def render(package: str, template: str, /, **values: Any) -> str:
    """Fill in a template; what it names and is not given raises, and the final newline stays.

    Parameters
    ----------
    package : str
        The package in whose folder ``templates`` it lies.
    template : str
        Its file name. What ends in ``.html`` is escaped for HTML, everything else is left as it is.
    **values
        What its names stand for; functions among them can be called in it.

    Raises
    ------
    jinja2.UndefinedError
        If a name has no value: a defect of the caller or the template.
    """
    return _environment(package).get_template(template).render(values)


@functools.cache
def _environment(package: str) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html",), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
