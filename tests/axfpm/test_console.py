import math

import pytest

from axfpm.console import format_cell, plain


def test_plain_is_json():
    assert plain({"a": (1, math.inf), 2: [float("nan")]}) == {"a": [1, "inf"], "2": ["nan"]}


@pytest.mark.parametrize(
    ("cell", "text"), [(0.123456, "0.1235"), (12345.6, "12,346"), (1234567, "1,234,567"), ("x", "x"), (2e-8, "2e-08")]
)
def test_cells(cell, text):
    assert format_cell(cell) == text
