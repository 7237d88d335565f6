"""``axfpm energy inference``: what it asks for, shows, writes, and refuses."""

import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main
from golden.errors import InvalidInput
from synth.energy.inference import comparison
from synth.energy.inference.accuracy import Accuracy, Share
from synth.energy.inference.comparison import BLOCK, DEFAULT_NAMES, PAIRS
from synth.energy.inference.result import InferenceEnergy, InferenceRow, LayerRow, Ratio
from synth.energy.inference.technologies import read
from synth.energy.result import Conditions

OWN = {None: "osu018_stdcells", "osu018": "osu018_stdcells", "nangate45": "NangateOpenCellLibrary"}


def row(name, energy, *, tree="dadda", baseline=False):
    """An inference of one layer that takes so much, surely."""
    ratios = {
        base: Ratio(energy / own, (energy / own,) * 2)
        for base, own in (("exact", 10.0), ("exact-trunc (booth tree)", 5.0))
    }
    layer = LayerRow("fc", 1_000_000, energy, (energy, energy), energy, energy, energy, ratios)
    accuracy = Accuracy(Share(9, 10, (0.6, 0.98)), Share(8, 10, (0.5, 0.94)))
    return InferenceRow(
        name, tree, baseline, energy, (energy, energy), energy, energy, 1, 2, 12, accuracy, (layer,), ratios
    )


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Settings of every measurement that was asked for; energies are made up."""
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    found = []

    def measured(network, **settings):
        found.append({"network": network, **settings})
        settings["progress"](1, 2, "half")
        conditions = Conditions(
            OWN.get(settings["liberty"], str(settings["liberty"])),
            "typical",
            "00",
            (),
            "clock 12 ns",
            "made up",
            10,
            5,
            0,
            {},
        )
        rows = (
            row("exact", 10.0, baseline=True),
            row("exact-trunc", 5.0, tree="booth", baseline=True),
            row("ax-fpm", 4.0),
        )
        return InferenceEnergy("toy (toy-digits)", "digits", settings["block"], 1, conditions, rows)

    monkeypatch.setattr(comparison, "inference_energy", measured)
    return found


def run(*arguments, status=0):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["energy", "inference", *map(str, arguments)])
    assert result.exit_code == status, (result.output, result.exception)
    return result.output


def test_defaults(asked):
    text = run()
    (settings,) = asked
    assert (settings["network"], settings["block"], settings["pairs"], settings["variants"]) == (
        "lenet5",
        BLOCK,
        PAIRS,
        5,
    )
    assert tuple(map(str, settings["multiplier"])) == DEFAULT_NAMES
    assert (settings["stages"], settings["seed"], settings["jobs"], settings["period_ns"]) == (None, 0, 2, None)
    for part in ("toy (toy-digits)", "osu018", "up to 50% less energy", "undecided", "90.0% [60.0, 98.0]"):
        assert part in text


def test_several_libraries_a_file_and_verdicts(asked, tmp_path):
    out = tmp_path / "inference.json"
    plain = json.loads(
        run("--network", "alexnet", "--library", "osu018", "--library", "nangate45", "-o", out, "--json", "-q")
    )
    assert [(settings["liberty"], settings["network"]) for settings in asked] == [
        ("osu018", "alexnet"),
        ("nangate45", "alexnet"),
    ]
    verdicts = {(each["share"], each["baseline"]): each["verdict"] for each in plain["verdicts"]}
    assert verdicts[0.5, "exact"] == "holds"
    assert verdicts[0.5, "exact-trunc (booth tree)"] == "does not hold"
    assert [each["library"] for each in plain["results"]] == ["osu018", "nangate45"]
    assert read(out).to_dict() == plain


def test_settings(asked):
    run(
        "--multiplier",
        "mitchell",
        "--circuit",
        "mac",
        "-n",
        50,
        "--variants",
        1,
        "--seed",
        3,
        "--jobs",
        1,
        "--period",
        20,
    )
    settings = asked[0]
    assert [str(m) for m in settings["multiplier"]] == ["mitchell"]
    assert (settings["pairs"], settings["variants"], settings["seed"]) == (50, 1, 3)
    assert (settings["jobs"], settings["period_ns"]) == (1, 20.0)


@pytest.mark.parametrize("option", [("--stimulus", "relu"), ("--fastest",), ("--full",)], ids=lambda each: each[0])
def test_options_of_single_blocks(asked, option):
    text = run(*option, status=2)
    assert f"{option[0]} is for single blocks, and inference was asked for" in text
    assert not asked


@pytest.mark.parametrize("option", [("--network", "lenet5"), ("--circuit", "mac")], ids=lambda each: each[0])
def test_options_of_inferences(option):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["energy", "multiplier", *option])
    assert result.exit_code == 2
    assert f"{option[0]} is for the energy of an inference, and multiplier was asked for" in result.output


def test_an_unknown_network():
    with pytest.raises(InvalidInput, match="unknown network 'lenet6'"):
        comparison.inference_energy("lenet6")
