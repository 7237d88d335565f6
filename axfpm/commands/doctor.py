"""``axfpm doctor``: what is installed, what is missing, what that costs, how to get it."""

from __future__ import annotations

import warnings

import click

from axfpm.console import emit, json_option, print_table
from golden.errors import AxfpmWarning


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Say what is installed, what is missing, what that costs and how to get it.

    Example: axfpm doctor --json
    """
    from axfpm.health import inspect, shadowed_rooms
    from golden.catalogue import plugins

    parts, shadowed = inspect(), shadowed_rooms()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AxfpmWarning)  # shown below
        found = dict(plugins())

    def text() -> None:
        rows = [(p.name, p.version or "missing", p.needed_for, "" if p.version else p.remedy) for p in parts]
        print_table("axfpm doctor", ("part", "version", "needed for", "how to get it"), rows)
        if found:
            states = [(name, f"left out: {problem}" if problem else "loaded") for name, problem in found.items()]
            print_table("multipliers of other packages", ("plug-in", "state"), states)
        for sentence in shadowed:
            click.echo(f"warning: {sentence}")

    emit({"parts": [vars(p) for p in parts], "shadowed": shadowed, "plugins": found}, as_json=as_json, text=text)
