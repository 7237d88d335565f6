"""Drawings as SVG text: named for screen readers, readable on light and dark pages, the same bytes for the same input.

Ink is ``currentColor``, so that a drawing inside a page takes the colour of the page's text; the other colours have a
contrast of at least 3 : 1 against white and against the near-black of dark pages (WCAG 2.2, 1.4.11). A drawing in a
file of its own brings both colours of ink, and follows the reader's preference.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

__all__ = ["COLOURS", "Drawing", "described", "dots"]

COLOURS = ("#3f83c6", "#d0603c", "#5a9557", "#9273bd", "#b08318", "#3a9699", "#c25b8e", "#808890")
"""Of things that are told apart, in this order."""

FILE_STYLE = (
    "<style>:root{color-scheme:light dark;color:#1f2933}"
    "@media (prefers-color-scheme:dark){:root{color:#e4e7eb}}</style>"
)
"""For a drawing that stands alone: what a page would say."""

FONT = 'font-family="system-ui, sans-serif"'


def number(value: float) -> str:
    """A coordinate, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def dots(points: Iterable[tuple[float, float]]) -> str:
    """Path data of a point at each place: drawn as dots by a stroke with round ends."""
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in points)


class Drawing:
    """What is drawn, in pixels from the upper left.

    Parameters
    ----------
    width, height : float
        Size, which a page may scale down.
    title : str
        What it shows, in some words: its name for screen readers.
    description : str
        What is to be seen in it, in sentences, for those who do not see it.
    """

    def __init__(self, width: float, height: float, *, title: str, description: str) -> None:
        self.width, self.height = width, height
        self.title, self.description = title, description
        self._parts: list[str] = []

    def add(self, element: str, content: str = "", **attributes: object) -> None:
        """Add an element; underscores in names of attributes stand for hyphens, and numbers are rounded."""
        texts = {
            key.replace("_", "-"): number(value) if isinstance(value, int | float) else str(value)
            for key, value in attributes.items()
        }
        start = " ".join([element, *(f"{key}={quoteattr(value)}" for key, value in texts.items())])
        self._parts.append(f"<{start}>{escape(content)}</{element}>" if content else f"<{start}/>")

    def text(self, x: float, y: float, content: str, *, size: float = 11, **attributes: object) -> None:
        """Add a line of text, its left end on the base line."""
        self.add("text", content, x=x, y=y, font_size=size, **attributes)

    def points(self, places: Iterable[tuple[float, float]], *, colour: str = "currentColor", size: float = 6) -> None:
        """Add dots of a diameter; nothing where there are none."""
        data = dots(places)
        if data:
            self.add("path", d=data, stroke=colour, stroke_width=size, stroke_linecap="round")

    def svg(self, *, alone: bool = False) -> str:
        """The drawing as text.

        Parameters
        ----------
        alone : bool
            For a file of its own, instead of a place inside a page.
        """
        body = "\n".join(self._parts)
        name = identifier(self.title, self.description, body)
        size = f'viewBox="0 0 {number(self.width)} {number(self.height)}" width="{number(self.width)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="max-width:100%;height:auto" role="img" '
            f'aria-labelledby="{name}-title {name}-desc" fill="currentColor" {FONT}>\n'
            f'<title id="{name}-title">{escape(self.title)}</title>\n'
            f'<desc id="{name}-desc">{escape(self.description)}</desc>\n'
            f"{FILE_STYLE if alone else ''}{body}\n</svg>\n"
        )


def identifier(*parts: str) -> str:
    """A name for the elements of a drawing, which no other drawing on a page has: made of what is drawn."""
    return "p" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def described(svg: str, *, title: str, description: str, ink: str, alone: bool = False) -> str:
    """Make the SVG of another program a drawing as ``Drawing`` gives them.

    Parameters
    ----------
    svg : str
        One ``svg`` element with a ``viewBox``, and what may stand before it.
    title, description : str
        As for ``Drawing``.
    ink : str
        The colour in it that stands for ink.
    alone : bool
        For a file of its own, instead of a place inside a page.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    name = identifier(title, description, body)
    # Names of a page's elements are the page's: each gets this drawing's own in front.
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", body)
    # So is the range of its rules.
    body = re.sub(r"(<style[^>]*>)\s*\*\s*\{", rf"\g<1>#{name} *{{", body)
    body = body.replace(ink, "currentColor")
    head, rest = body[: body.index(">")], body[body.index(">") + 1 :]
    head = re.sub(r'\s(?:width|height|version)="[^"]*"', "", head)
    width = float(re.split(r"[ ,]+", re.findall(r'viewBox="([^"]*)"', head)[0])[2])
    return (
        f'{head} id="{name}" width="{number(width)}" style="max-width:100%;height:auto" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">\n<title id="{name}-title">{escape(title)}</title>\n'
        f'<desc id="{name}-desc">{escape(description)}</desc>\n{FILE_STYLE if alone else ""}{rest.strip()}\n'
    )
