"""README and documentation say what the measured inferences say."""

import re

import pytest

from axfpm.pages import BEGIN, CIRCUITS, END, NARROWER, PAGES, ROOT, ROW, SAVED, brought_up_to_date, measured
from golden.errors import InvalidInput
from synth.energy.inference.accuracy import Accuracy, Share
from synth.energy.inference.layers import NETWORKS
from synth.energy.inference.result import InferenceEnergy, InferenceRow, LayerRow, Ratio
from synth.energy.inference.technologies import Inferences
from synth.energy.result import Conditions

ACCURACY = Accuracy(Share(9, 10, (0.6, 0.98)), Share(10, 10, (0.7, 1.0)))
TABLE = "| what | result | command |\n|---|---|---|\n| energy | much | `axfpm energy` |\n| other | none | the same |\n"
EMPTY = f"before\n{BEGIN}\nold\n{END}\nafter\n"


def result(library, energy, ours=4.0):
    def row(name, own, *, baseline=False):
        ratio = Ratio(own / energy, (own / energy - 0.01, own / energy + 0.01))
        ratios = {"exact": Ratio(1.0, (1.0, 1.0)) if baseline else ratio}
        layer = LayerRow("fc", 1_000_000, own, (own, own), own, own, own, ratios)
        interval = (own - 1, own + 1)
        return InferenceRow(name, "dadda", baseline, own, interval, own, own, 1, 2, 12, ACCURACY, (layer,), ratios)

    rows = (row("exact", energy, baseline=True), row("ax-fpm", ours), row("bf16", 2.0))
    conditions = Conditions(library, "typical", "00", (), "clock 12 ns", "made up", 10, 5, 0, {})
    return InferenceEnergy("toy (toy-digits)", "digits", "pe", 1, conditions, rows)


@pytest.fixture
def found():
    return {"toy": Inferences((result("osu018_stdcells", 10.0), result("NangateOpenCellLibrary", 8.0)))}


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert brought_up_to_date(page, text, measured()) == text, "run `python -m axfpm.pages`"


def test_files_are_named_after_their_network():
    found = measured()
    assert [name for name in found if name not in NETWORKS] == []
    for name, each in found.items():
        assert each.results[0].data == NETWORKS[name].data()


def test_sentences_of_readme():
    """They say of all inferences what the rows say of each; wrong figures there are put right."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(SAVED.findall(text)) == len(NARROWER.findall(text)) == 1
    wrong = NARROWER.sub(r"\g<1>0.1 to 0.2\g<2>", SAVED.sub(r"\g<1>1 to 2%\g<2>3 to 4%\g<3>", text))
    assert wrong != text and brought_up_to_date("README.md", wrong, measured()) == text
    results = [result for each in measured().values() for result in each.results]
    for base, said in (("exact", r"(\d+) to (\d+)% against\s+`exact`"), ("booth", r"(\d+) to (\d+)% against the str")):
        (figures,) = re.findall(said, text)
        saved = [
            100 * (1 - ratio.energy)
            for result in results
            for name, ratio in result.row("ax-fpm").ratios.items()
            if base in name and (base == "booth") == ("booth" in name)
        ]
        assert len(saved) == len(results)
        assert list(map(float, figures)) == pytest.approx([min(saved), max(saved)], abs=0.51)


def test_rows_of_readme(found, monkeypatch):
    for name in ("recoveries", "fronts", "circuits"):  # whose rows have tests of their own
        monkeypatch.setattr(f"axfpm.pages.measured_{name}", dict)
    text = brought_up_to_date("README.md", TABLE, found)
    assert text.splitlines()[3].split(" | ") == [
        f"{ROW}toy (toy-digits), registers included, on osu018, nangate45",
        "ax-fpm 0.40 [0.39, 0.41], 0.50 [0.49, 0.51] of exact; bf16 0.20, 0.25 of exact",
        "`axfpm energy inference --network toy --library osu018 --library nangate45` |",
    ]
    assert text.splitlines()[4] == "| other | none | the same |"
    assert brought_up_to_date("README.md", text, found) == text
    assert brought_up_to_date("README.md", text, {}) == TABLE
    with pytest.raises(InvalidInput, match="no row of a table with a command `axfpm energy`"):
        brought_up_to_date("README.md", "nothing\n", found)


def test_figures(found, monkeypatch):
    monkeypatch.setattr("axfpm.pages.measured_circuits", dict)
    page = f"first\n{CIRCUITS}{END}\n{EMPTY}"
    text = brought_up_to_date("docs/hardware.md", page, found)
    none = f"{CIRCUITS}\n\nNone comes with this version.\n\n{END}"
    assert text.startswith(f"first\n{none}\nbefore\n{BEGIN}\n\n### toy (toy-digits), classifying digits\n")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "old" not in text
    assert "| multiplier | correct | calibrated | uJ, `osu018` | / exact | uJ, `nangate45` | / exact |\n" in text
    assert (
        "| ax-fpm | 90.0% [60.0, 98.0] | 100.0% [70.0, 100.0] | 4 [3, 5] | 0.40 [0.39, 0.41] | 4 [3, 5] | "
        "0.50 [0.49, 0.51] |\n"
    ) in text
    assert "| fc | 1,000,000 | 10 | 4 | 2 |\n" in text
    assert "1,000,000 multiply-accumulates an image, each on the block pe with 1 stages; without memories" in text


def test_verdicts(found):
    text = brought_up_to_date("docs/claims.md", EMPTY, found)
    rows = [line for line in text.splitlines() if line.startswith("| up to 50% less energy")]
    assert rows == [
        "| up to 50% less energy (the paper as published (ASPLOS 2021)) | toy (toy-digits) | exact | 0.40 [0.39, 0.41] "
        "(osu018), 0.50 [0.49, 0.51] (nangate45) | **undecided**: the interval reaches above 0.5 on nangate45 |"
    ]
    assert "None comes" in brought_up_to_date("docs/claims.md", text, {})


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, EMPTY * 2, CIRCUITS + END + EMPTY])
def test_pages_without_one_place(text, found):
    with pytest.raises(InvalidInput, match="there is not one place"):
        brought_up_to_date("docs/claims.md", text, found)


@pytest.mark.parametrize("text", ["", EMPTY, EMPTY + CIRCUITS + END, CIRCUITS + EMPTY])
def test_pages_without_two_places(text, found):
    with pytest.raises(InvalidInput, match=r"there is not one place each for .*, in this order"):
        brought_up_to_date("docs/hardware.md", text, found)
