import subprocess
import sys

import pytest
from jinja2 import UndefinedError

from golden import templates
from golden.templates import render

TEXT = "{% if on %}\n  on: {{ name }}\n  {% endif %}\nend {{ show(2) }}\n"


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with one text as a template for HTML and as a plain one."""
    folder = tmp_path / "room_with_templates" / "templates"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    for name in ("page.html", "bench.v.j2"):
        (folder / name).write_text(TEXT)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder.parent.name
    templates._environment.cache_clear()
    sys.modules.pop(folder.parent.name, None)


def test_lines_of_blocks_leave_nothing_and_the_last_newline_stays(room):
    values = {"name": "a < b", "show": lambda x: f"<{x}>"}
    assert render(room, "bench.v.j2", on=True, **values) == "  on: a < b\nend <2>\n"
    assert render(room, "bench.v.j2", on=False, **values) == "end <2>\n"


def test_html_is_escaped(room):
    page = render(room, "page.html", on=True, name="a < b", show=lambda x: f"<{x}>")
    assert page == "  on: a &lt; b\nend &lt;2&gt;\n"


def test_a_value_that_is_missing_raises(room):
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        render(room, "bench.v.j2", on=True, show=str)


def test_a_value_may_have_any_name(room, tmp_path):
    (tmp_path / room / "templates" / "names.j2").write_text("{{ package }} {{ template }}")
    assert render(room, "names.j2", package=1, template=2) == "1 2"


def test_it_is_imported_without_its_library():
    code = "import golden.templates, sys; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
