import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main
from axfpm.report import build as builder
from axfpm.report.build import build
from axfpm.report.section import Figure, Section, Table
from axfpm.report.sections import SECTIONS, TITLES, Scope, arithmetic
from golden.errors import InvalidInput, MissingTool


def section(_scope, progress):
    progress(1, 2, "half")
    table = Table("conditions", ("name", "value"), [("x", 0.5), ("<b>", 2)])
    return Section(
        "arithmetic", "First", ["It holds."], "axfpm list", [table], [Figure("drawn", "<svg></svg>")], {"v": 1}
    )


def absent(_scope, _progress):
    raise MissingTool("no simulator was found; install one")


@pytest.fixture
def short(monkeypatch):
    failing = Section("synthesis", "Third", failed="3 results differ")
    parts = {"arithmetic": section, "simulation": absent, "synthesis": lambda scope, progress: failing}
    monkeypatch.setattr(builder, "SECTIONS", parts)


@pytest.mark.usefixtures("short")
def test_page_and_json(tmp_path):
    seen = []
    sections = build(tmp_path / "r", progress=lambda *step: seen.append(step))
    assert sections[0].key == "claims"
    assert [(s.not_run != "", s.failed != "") for s in sections[1:]] == [(False, False), (True, False), (False, True)]
    assert (50, 300, "arithmetic, half") in seen
    page = (tmp_path / "r" / "index.html").read_text()
    assert "<strong>not run:</strong> no simulator was found; install one" in page
    assert "<strong>failed:</strong> 3 results differ" in page
    assert "<svg></svg>" in page
    assert "&lt;b&gt;" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["sections"]["arithmetic"]["v"] == 1
    assert report["sections"]["simulation"]["not_run"]


@pytest.mark.usefixtures("short")
def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot write to"):
        build(tmp_path / "file" / "r")


def test_every_section_has_a_title():
    assert SECTIONS.keys() == TITLES.keys()


def test_arithmetic_section_states_measured_numbers():
    made = arithmetic(Scope(), lambda *step: None)
    (uniform, mred) = made.data["uniform"]["larger"], made.data["errors"][1]["mred"]
    text = " ".join(made.paragraphs)
    assert f"{100 * uniform:.1f}%" in text
    assert f"{mred:.3f}" in text


def broken(error):
    def make(_scope, _progress):
        raise error

    return make


ERRORS = [
    (KeyError("ax-fpm"), "broke off: KeyError: &#39;ax-fpm&#39;"),
    (MemoryError(), "broke off: MemoryError: "),
    (OSError(28, "No space left on device"), "broke off: OSError: [Errno 28] No space left on device"),
    (ZeroDivisionError("<i>[/x]</i>"), "broke off: ZeroDivisionError: &lt;i&gt;[/x]&lt;/i&gt;"),
    (InvalidInput("the library cannot be read; give another"), "the library cannot be read; give another"),
]


@pytest.mark.parametrize(("error", "shown"), ERRORS, ids=lambda v: type(v).__name__)
def test_a_section_that_fails_costs_the_others_nothing(tmp_path, monkeypatch, error, shown):
    monkeypatch.setattr(builder, "SECTIONS", {"synthesis": broken(error), "arithmetic": section})
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "r"), "--json"])
    assert result.exit_code == 1
    states = {s["section"]: s for s in json.loads(result.stdout)["sections"]}
    assert states["synthesis"]["failed"]
    assert (states["arithmetic"]["failed"], states["arithmetic"]["not_run"]) == ("", "")
    page = (tmp_path / "r" / "index.html").read_text()
    assert f"<strong>failed:</strong> {shown}" in page
    assert "<svg></svg>" in page
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["sections"]["synthesis"]["failed"]
    assert report["sections"]["arithmetic"]["v"] == 1


def test_pages_are_written_after_each_section(tmp_path, monkeypatch):
    def interrupted(_scope, _progress):
        report = json.loads((tmp_path / "r" / "report.json").read_text())
        assert report["sections"]["arithmetic"]["v"] == 1
        raise KeyboardInterrupt

    parts = {"arithmetic": section, "synthesis": interrupted, "speed": section}
    monkeypatch.setattr(builder, "SECTIONS", parts)
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "r")])
    assert result.exit_code == 130
    page = tmp_path / "r" / "index.html"
    assert result.stderr == f"axfpm: interrupted; {page} holds the finished sections\n"
    assert page.read_text().count("not reached yet") == 2
    monkeypatch.setattr(builder, "SECTIONS", {"synthesis": broken(KeyboardInterrupt())})
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "other")])
    assert (result.exit_code, result.stderr) == (130, "axfpm: interrupted\n")


def test_claims_that_cannot_be_drawn_up(tmp_path, monkeypatch):
    strange = Section("synthesis", "Area", data={"rows": [{"multiplier": "ax-fpm"}]})
    monkeypatch.setattr(builder, "SECTIONS", {"synthesis": lambda scope, progress: strange, "arithmetic": section})
    sections = build(tmp_path)
    assert sections[0].failed == "broke off: KeyError: 'ratios'"
    assert "<svg></svg>" in (tmp_path / "index.html").read_text()
