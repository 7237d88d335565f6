"""From a clone to the report's page, timed: the line on it in README.md.

    python benchmarks/first_report.py [--keep FOLDER] [--json]

The last commit of the repository that this file stands in is cloned into an empty folder, with an empty cache, and the
two commands of README.md are run there as a newcomer runs them. Set-up, which downloads, is timed apart. Packages of
Debian are taken as they are: where some are missing, set-up installs them, and counts that too.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
STEPS = {"clone": "git clone", "set-up": "make setup", "report": "make report"}
PAGE = Path("build", "report", "index.html")


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Run a command with its output on standard error; return seconds."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, stdout=2, check=True)
    return time.perf_counter() - start


def first_report(folder: Path) -> dict[str, float]:
    """Clone into a folder, set up, make the report; seconds of each step, and of all but the set-up."""
    clone = folder / "clone"
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    environment |= {"AXFPM_CACHE": str(folder / "cache")}
    seconds = {
        "clone": timed(["git", "clone", "-q", "--no-local", str(ROOT), str(clone)], folder, environment),
        "set-up": timed(["make", "setup"], clone, environment),
        "report": timed(["make", "report"], clone, environment),
    }
    page = clone / PAGE
    if "</html>" not in page.read_text(encoding="utf-8"):
        raise SystemExit(f"{page} is not a whole page")
    return seconds | {"clone and report": seconds["clone"] + seconds["report"]}


@click.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="An empty folder, kept afterwards.")
@click.option("--json", "as_json", is_flag=True)
def main(keep: Path | None, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="axfpm-") as temporary:
        folder = Path(temporary) if keep is None else keep.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise click.UsageError(f"{folder} is not empty; give --keep a new folder")
        seconds = first_report(folder)
    result = {"seconds": {name: round(value, 1) for name, value in seconds.items()}, "cores": os.cpu_count()}
    if as_json:
        click.echo(json.dumps(result, indent=1))
    else:
        for name, value in result["seconds"].items():
            click.echo(f"{name:<18} {value:8.1f} s   {STEPS.get(name, 'of 600 s that it may take')}")


if __name__ == "__main__":
    main()
