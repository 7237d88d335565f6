"""The section on inferences: what it shows of files whose figures can be checked in the head, and the claims of it."""

import pytest

from axfpm.report import inference as section
from axfpm.report.claims import claims
from axfpm.report.section import Scope
from synth.energy.inference import technologies
from synth.energy.inference.result import InferenceEnergy, InferenceRow, LayerRow, Ratio
from synth.energy.inference.technologies import Inferences
from synth.energy.result import Conditions


def result(library, energy):
    bases = {"exact": Ratio(energy / 10, (energy / 10, energy / 10))}

    def row(name, own, ratios):
        layer = LayerRow("fc", 1_000_000, own, (own, own), own, own, own, ratios)
        baseline = name == "exact"
        return InferenceRow(name, "dadda", baseline, own, (own, own), own, own, 1, 2, 12, None, (layer,), ratios)

    rows = (row("exact", 10.0, {"exact": Ratio(1.0, (1.0, 1.0))}), row("ax-fpm", energy, bases))
    conditions = Conditions(library, "typical", "00", (), "clock 12 ns", "made up", 10, 5, 0, {})
    return InferenceEnergy("toy (toy-digits)", "digits", "mac", 0, conditions, rows)


@pytest.fixture
def files(monkeypatch, tmp_path):
    monkeypatch.setattr(technologies, "MEASURED", tmp_path)
    return tmp_path


def test_without_files(files):
    made = section.inference(Scope(), lambda *step: None)
    assert made.not_run.startswith("no inference comes with this version; `axfpm energy inference")
    assert len(claims({"inference": made}).data["claims"]) == len(claims({}).data["claims"])


def test_tables_and_verdicts(files):
    own = Inferences((result("osu018_stdcells", 4.0), result("NangateOpenCellLibrary", 6.0)))
    (files / "toy.json").write_text(own.to_json())
    made = section.inference(Scope(), lambda *step: None)
    assert [table.columns[0] for table in made.tables] == ["multiplier", "layer"] * 2
    assert "toy (toy-digits)" in made.tables[0].caption
    assert (
        "up to 50% less energy (the paper as published (ASPLOS 2021)), against exact: does not hold"
        in made.paragraphs[1]
    )
    (figure,) = made.figures
    assert figure.alt == (
        "Shares of exact's energy. ax-fpm on osu018: 0.40 [0.40, 0.40]; ax-fpm on nangate45: 0.60 [0.60, 0.60]."
    )
    assert made.origin == "file"
    rows = claims({"inference": made}).data["claims"]
    ours = next(row for row in rows if row["claim"] == "less energy, for an inference of toy (toy-digits)")
    assert ours["measured"] == "0.40 [0.40, 0.40] (osu018), 0.60 [0.60, 0.60] (nangate45) of exact"
    said = [each.rpartition(": ") for each in ours["verdict"].split("; ")]
    assert said[0] == (
        "up to 50% less energy, the paper as published (ASPLOS 2021)",
        ": ",
        "does not hold against exact",
    )
    assert len({claim for claim, _, _ in said}) == 3
