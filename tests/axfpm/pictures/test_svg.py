"""Drawings: what a page and a screen reader need of them."""

import re
from xml.etree import ElementTree

import pytest

from axfpm.pictures.svg import COLOURS, FILE_STYLE, Drawing, described

NAMESPACE = "{http://www.w3.org/2000/svg}"
OTHER = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36" version="1.1">
 <metadata>made now</metadata>
 <defs><style type="text/css">*{stroke-linecap: butt}</style><path id="m1" d="M0 0"/></defs>
 <clipPath id="c2"/><use href="#m1" clip-path="url(#c2)" style="fill: #010203"/>
</svg>"""


def drawing(title="Rows & trees", description="All <of them>."):
    made = Drawing(100, 50, title=title, description=description)
    made.text(1.234567, 2, "a < b", size=9)
    made.points([(1, 2), (3.5, 4)], colour=COLOURS[0])
    made.points([])
    return made


def other(title="Figure"):
    return described(OTHER, title=title, description="Seen.", ink="#010203")


@pytest.mark.parametrize("text", [drawing().svg(), other()], ids=["own", "of another program"])
def test_a_screen_reader_gets_a_name_and_a_description(text):
    svg = ElementTree.fromstring(text)
    assert svg.get("role") == "img"
    names = {part.get("id"): part for part in svg.iter() if part.get("id")}
    title, desc = (names[name] for name in svg.get("aria-labelledby", "").split())
    assert (title.tag, desc.tag) == (f"{NAMESPACE}title", f"{NAMESPACE}desc")
    assert title.text in ("Rows & trees", "Figure")
    assert desc.text in ("All <of them>.", "Seen.")


def test_names_of_two_drawings_on_a_page_differ():
    texts = [drawing().svg(), drawing(title="Others").svg(), other(), other("Another")]
    found = [name for text in texts for name in re.findall(r'\bid="([^"]+)"', text)]
    assert len(found) == len(set(found)) == 2 + 2 + 5 + 5


def test_the_other_program_rules_its_own_drawing_alone():
    text = other()
    assert "metadata" not in text
    assert "#010203" not in text
    assert "currentColor" in text
    (name,) = re.findall(r'<style type="text/css">#(\w+) \*\{', text)
    names = re.findall(r'\bid="([^"]+)"', text)
    assert name in names
    assert {
        target for pair in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text) for target in pair if target
    } <= set(names)
    assert 'width="72"' in text


def test_ink_is_the_page_s_and_a_file_brings_its_own():
    inside, alone = drawing().svg(), drawing().svg(alone=True)
    assert 'fill="currentColor"' in inside
    assert "<style" not in inside
    assert "prefers-color-scheme:dark" in alone
    assert alone.replace(FILE_STYLE, "") == inside


def test_the_same_drawing_is_the_same_text():
    assert drawing().svg() == drawing().svg()
    assert 'x="1.23"' in drawing().svg()
    assert "M1 2h0M3.5 4h0" in drawing().svg()


def luminance(colour):
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("page", ["#ffffff", "#131416"])
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_stand_out_on_light_and_dark_pages(colour, page):
    light, dark = sorted((luminance(colour), luminance(page)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3
