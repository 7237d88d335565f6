"""``axfpm report``: everything, on one page."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.console import OutputFolder, emit, if_interrupted, json_option, progress_bar, seed_option
from golden.templates import render


@click.command("report")
@click.option("-o", "output", default="build/report", show_default=True, type=OutputFolder(), help="Folder.")
@click.option(
    "--full", is_flag=True, help="All multipliers, larger samples, a network on the hardware; takes much longer."
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of report.json, and do nothing else.")
@seed_option
@json_option
@click.pass_context
def command(ctx: click.Context, output: Path, full: bool, schema: bool, seed: int, as_json: bool) -> None:
    """Run everything and write index.html and report.json; exit code 1 if a check failed.

    Example: axfpm report -o build/report
    """
    if schema:
        click.echo(render("axfpm", "report.schema.json"), nl=False)
        return
    from axfpm.report.build import build

    if_interrupted(f"{output / 'index.html'} holds the finished sections", least=100)
    with progress_bar("report") as progress:
        sections = build(output, full=full, seed=seed, progress=progress)

    def text() -> None:
        for s in sections:
            state = f"not run: {s.not_run}" if s.not_run else f"FAILED: {s.failed}" if s.failed else "done"
            click.echo(f"{s.title}: {state}")
        click.echo(f"open {output / 'index.html'}")

    result = [{"section": s.key, "not_run": s.not_run, "failed": s.failed} for s in sections]
    emit({"page": output / "index.html", "sections": result}, as_json=as_json, text=text)
    if any(s.failed for s in sections):
        ctx.exit(1)
