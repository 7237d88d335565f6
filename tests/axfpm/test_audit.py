"""``axfpm audit``: what it prints, and its exit codes."""

import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main

FEW = ("--data", "digits", "--samples", "8")


def run(*arguments):
    return CliRunner().invoke(main, ["audit", *arguments])


@pytest.mark.long
def test_an_undefended_network():
    result = run(*FEW, "--eps", "0.05", "-q")
    assert result.exit_code == 0, result.output
    assert "lenet5 (lenet5-digits): 8 images, 8 classified correctly; linf 0.05 (as given), seed 0" in result.output
    assert result.output.endswith("No sign that the standard attack is misled.\n")


@pytest.mark.long
def test_one_that_masks_ends_with_1():
    result = run(*FEW, "--multiplier", "ax-fpm", "--json", "-q")
    assert result.exit_code == 1, result.output
    shown = json.loads(result.stdout)
    assert "finite differences" in shown["masked"]
    more = {row["name"]: row["evidence"]["more"] for row in shown["checks"]}
    assert more["adaptive"] == (
        "axfpm evaluate --data digits --multiplier ax-fpm --samples 8 --seed 0 --threat-models white-box "
        "--attacks adaptive:eps=0.1"
    )
    assert more["budgets"] == (
        "axfpm audit --data digits --multiplier ax-fpm --samples 8 --norm linf --eps 0.1 --seed 1 --json"
    )
