"""Build the report: run every section, write ``index.html`` and ``report.json``."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axfpm import __version__
from axfpm.console import plain
from axfpm.health import inspect
from axfpm.report.catalogue import TITLE as CATALOGUE, catalogue
from axfpm.report.charts import bundle
from axfpm.report.claims import claims
from axfpm.report.front import TITLE as FRONT, front
from axfpm.report.page import page as as_page
from axfpm.report.section import Scope, Section
from axfpm.report.sections import CHAPTERS, SECTIONS, TITLES
from golden.checks import check_seed
from golden.errors import AxfpmError, MissingTool
from golden.files import check_folder, write_folder
from golden.progress import Progress
from golden.tables import printable

__all__ = ["SCHEMA", "build"]

SCHEMA = 1
"""Of ``report.json``; ``templates/report.schema.json`` says what stands in it."""


def build(output: Path, *, full: bool = False, seed: int = 0, progress: Progress | None = None) -> list[Section]:
    """Run the sections and write the report, anew after each: one that fails costs the others nothing.

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
        If the folder cannot be written, or the seed is out of range.
    ModuleNotFoundError
        If what draws the charts is not installed.
    """
    check_seed(seed)
    check_folder(output)
    bundle()  # what draws the page must be there before anything is measured for it
    scope = Scope(full=full, seed=seed)
    parts = [vars(part) for part in inspect()]
    sections = {key: Section(key=key, title=TITLES[key], not_run="not reached yet") for key in SECTIONS}

    def page() -> list[Section]:
        summary = _attempt("claims", "The paper's claims", lambda: claims(sections))
        together = _attempt("catalogue", CATALOGUE, lambda: catalogue(sections, seed))
        shown = [summary, together, *sections.values(), _attempt("front", FRONT, front)]
        write_folder(output, _files(shown, parts, scope))
        return shown

    shown = []
    for index, (key, make) in enumerate(SECTIONS.items()):

        def within(done: int, total: int, message: str, index: int = index, key: str = key) -> None:
            if progress is not None:
                share = done / total if total else 0
                progress(round(100 * (index + share)), 100 * len(SECTIONS), f"{key}, {message}")

        within(0, 1, "starting")
        sections[key] = _attempt(key, TITLES[key], lambda make=make, within=within: make(scope, within))
        shown = page()
    return shown


def _attempt(key: str, title: str, make: Callable[[], Section]) -> Section:
    try:
        return make()
    except MissingTool as error:
        return Section(key=key, title=title, not_run=str(error))
    except ModuleNotFoundError as error:
        return Section(key=key, title=title, not_run=f"the package {error.name} is not installed")
    except AxfpmError as error:
        return Section(key=key, title=title, failed=printable(error))
    except Exception as error:
        reason = printable(f"broke off: {type(error).__name__}: {error}")
        return Section(key=key, title=title, failed=reason, details=traceback.format_exc())


def _files(sections: list[Section], parts: list[dict[str, Any]], scope: Scope) -> dict[str, str]:
    report = {
        "schema": SCHEMA,
        "version": __version__,
        "scope": "full" if scope.full else "quick",
        "seed": scope.seed,
        "sections": {s.key: _plain(s) for s in sections},
        "installation": parts,
    }
    page = as_page(sections, CHAPTERS, parts, scope)
    return {"index.html": page, "report.json": json.dumps(plain(report), indent=2, allow_nan=False) + "\n"}


def _plain(s: Section) -> dict[str, Any]:
    """What ``report.json`` has of a section: what every section has, then its own."""
    kept = {key: getattr(s, key) for key in ("title", "state", "origin", "command", "not_run", "failed")}
    return {**kept, **s.data, **kept}
