"""Tables in Markdown."""

import pytest

from axfpm.markdown import markdown_table, rows_behind, three_digits
from golden.errors import InvalidInput


def test_a_table():
    assert markdown_table(("a", "`b`"), [("1", "2"), ("x", "")]).splitlines() == [
        "| a | `b` |",
        "|---|---|",
        "| 1 | 2 |",
        "| x |  |",
    ]
    assert markdown_table(("a",), []) == "| a |\n|---|"


def test_rows_stand_behind_the_last_of_others_and_replace_their_own():
    page = "| a 1 |\n| own old |\n| a 2 |\n| b |\n"
    rows = ["| own 1 |\n", "| own 2 |\n"]
    text = rows_behind(page, "| a ", "| own ", rows, "rows")
    assert text == "| a 1 |\n| a 2 |\n| own 1 |\n| own 2 |\n| b |\n"
    assert rows_behind(text, "| a ", "| own ", rows, "rows") == text
    assert rows_behind(text, "| none ", "| own ", [], "rows") == "| a 1 |\n| a 2 |\n| b |\n"
    with pytest.raises(InvalidInput, match=r"no row '\| none ' in a table; rows of ours belong behind it"):
        rows_behind(text, "| none ", "| own ", rows, "rows of ours")


@pytest.mark.parametrize(
    ("value", "shown"), [(1448.4, "1448"), (100, "100"), (99.96, "100"), (96.11, "96.1"), (0.03333, "0.0333")]
)
def test_three_digits(value, shown):
    assert three_digits(value) == shown
