"""``axfpm energy``: what it asks for, shows and writes."""

import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main
from axfpm.known import known_energy
from synth.energy import comparison
from synth.energy.comparison import CONTROLS, DEFAULT_NAMES, FULL_NAMES
from synth.energy.measured import Energy as Energies, Measured
from synth.energy.result import Conditions, Energy
from synth.energy.rows import Design, Run, make_rows
from synth.energy.technologies import read

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")

OWN = {None: "osu018_stdcells", "osu018": "osu018_stdcells", "nangate45": "NangateOpenCellLibrary"}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Settings of every measurement that was asked for; energies are made up."""
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    found = []

    def energy(block, **settings):
        found.append(settings)
        settings["progress"](1, 2, "half")
        each = np.ones(2)
        spent = Energies(each, each, each, 1.0, np.ones(2, int))
        run = Run(50.0, 2.0, 12.0, Measured(spent, spent, (), 0.0, ""))
        rows = make_rows([(Design("exact-trunc", baseline=True), [run] * 5), (Design("ax-fpm"), [run] * 5)])
        library = OWN.get(settings["liberty"], str(settings["liberty"]))
        conditions = Conditions(library, "typical", "00", (), "clock 12 ns", "made up", 10, 5, 0, {"yosys": "y"})
        return Energy(block, settings["stages"] or 0, conditions, rows)

    monkeypatch.setattr(comparison, "energy", energy)
    return found


def run(*arguments):
    result = CliRunner().invoke(main, ["energy", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_defaults(asked):
    text = run()
    (settings,) = asked
    assert [str(m) for m in settings["multiplier"]] == list(DEFAULT_NAMES)
    assert (settings["pairs"], settings["variants"], settings["stimulus"]) == (2000, 5, "uniform")
    assert (settings["period_ns"], settings["stages"], settings["seed"]) == (None, None, 0)
    assert settings["controls"] == CONTROLS[:1]
    assert "ax-fpm" in text
    assert "no wires" in text
    assert known_energy()["ax-fpm"]["energy_pj"] == 4


def test_json_of_one_library(asked):
    plain = json.loads(run("--multiplier", "ax-fpm", "--library", "nangate45", "--json"))
    assert asked[0]["liberty"] == "nangate45"
    row = plain["rows"][1]
    assert {"multiplier", "energy_pj", "energy_pj_zero_delay", "energy_interval", "ratios"} <= row.keys()
    assert row["ratios"]["exact-trunc"]["energy"] == 1


def test_several_libraries_and_a_file(asked, tmp_path):
    out = tmp_path / "energies.json"
    text = run("--library", "osu018", "--library", "nangate45", "-o", out, "--full")
    assert [settings["liberty"] for settings in asked] == ["osu018", "nangate45"]
    assert [str(m) for m in asked[0]["multiplier"]][: len(FULL_NAMES)] != list(DEFAULT_NAMES)
    assert asked[0]["controls"] == CONTROLS
    assert "Energy divided by that of exact-trunc" in text
    assert "spread" in text
    assert read(out).libraries == ("osu018", "nangate45")
    assert len(run("--technologies", "--multiplier", "ax-fpm")) > 0
    assert len(asked) == 2 + 5


def test_adders_have_no_multipliers_of_their_own(asked):
    text = run("adder", "--stages", 2)
    assert "energy of one sum" in text
    run("adder", "--multiplier", "bf16")
    run("mac", "--stages", 1, "--adder-stages", 2)
    assert [[str(m) for m in settings["multiplier"]] for settings in asked] == [[], ["bf16"], list(DEFAULT_NAMES)]
    assert [settings["adder_stages"] for settings in asked] == [None, None, 2]
    assert known_energy() == {}


def test_what_is_no_usual_figure_is_not_remembered(asked):
    run("--stages", 2)
    run("--fastest")
    run("--dont-use", "XOR*")
    run("--wire-loads")
    run("significand")
    assert [settings["wire_loads"] for settings in asked] == [False, False, False, True, False]
    assert known_energy() == {}


def test_one_library_in_parts(asked):
    run("--liberty", "a.lib", "--liberty", "b.lib.gz", "--period", 3, "--seed", 4, "--jobs", 1, "-n", 50)
    settings = asked[0]
    assert [path.name for path in settings["liberty"]] == ["a.lib", "b.lib.gz"]
    assert (settings["period_ns"], settings["seed"], settings["jobs"], settings["pairs"]) == (3.0, 4, 1, 50)
