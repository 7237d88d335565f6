"""Build the report: run every section, write ``index.html`` and ``report.json``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from axfpm import __version__
from axfpm.console import ensure_folder, format_cell, plain, write_text
from axfpm.health import inspect
from axfpm.report.claims import claims
from axfpm.report.section import Section
from axfpm.report.sections import SECTIONS, TITLES, Scope
from golden.errors import MissingTool

__all__ = ["build"]

Progress = Callable[[int, int, str], None]


def build(output: Path, *, full: bool = False, seed: int = 0, progress: Progress | None = None) -> list[Section]:
    """Run the sections and write the report.

    Parameters
    ----------
    output : Path
        Folder for ``index.html`` (self-contained) and ``report.json``.
    full : bool
        Everything, instead of what four minutes allow.
    seed : int
        Of every random draw.
    progress : callable, optional
        ``progress(done, total, message)``.

    Returns
    -------
    list of Section
        What was run, and what was not and why.

    Raises
    ------
    InvalidInput
        If the folder cannot be written.
    """
    ensure_folder(output)
    sections = []
    scope = Scope(full=full, seed=seed)
    for index, (key, make) in enumerate(SECTIONS.items()):

        def within(done: int, total: int, message: str, index: int = index, key: str = key) -> None:
            if progress is not None:
                share = done / total if total else 0
                progress(round(100 * (index + share)), 100 * len(SECTIONS), f"{key}, {message}")

        within(0, 1, "starting")
        try:
            sections.append(make(scope, within))
        except MissingTool as error:
            sections.append(Section(key=key, title=TITLES[key], not_run=str(error)))
        except ModuleNotFoundError as error:
            sections.append(Section(key=key, title=TITLES[key], not_run=f"the package {error.name} is not installed"))
    sections.insert(0, claims({section.key: section for section in sections}))
    parts = [vars(part) for part in inspect()]
    report = {
        "version": __version__,
        "scope": "full" if full else "quick",
        "seed": seed,
        "sections": {
            s.key: {"not_run": s.not_run, "failed": s.failed, "command": s.command, **s.data} for s in sections
        },
        "installation": parts,
    }
    environment = Environment(loader=PackageLoader("axfpm"), autoescape=True, undefined=StrictUndefined)
    environment.filters["cell"] = format_cell
    page = environment.get_template("report.html").render(
        sections=sections, parts=parts, version=__version__, full=full, seed=seed
    )
    write_text(output / "index.html", page)
    write_text(output / "report.json", json.dumps(plain(report), indent=2, allow_nan=False) + "\n")
    return sections
