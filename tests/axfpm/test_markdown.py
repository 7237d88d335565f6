"""Tables in Markdown."""

from axfpm.markdown import markdown_table


def test_a_table():
    assert markdown_table(("a", "`b`"), [("1", "2"), ("x", "")]).splitlines() == [
        "| a | `b` |",
        "|---|---|",
        "| 1 | 2 |",
        "| x |  |",
    ]
    assert markdown_table(("a",), []) == "| a |\n|---|"
