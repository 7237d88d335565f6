import json

import pytest

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
