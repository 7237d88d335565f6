from axfpm.report.multiplier import arithmetic
from axfpm.report.section import Scope


def test_what_was_measured_is_said():
    made = arithmetic(Scope(), lambda *step: None)
    (uniform, mred) = made.data["uniform"]["larger"], made.data["errors"][1]["mred"]
    text = " ".join(made.paragraphs)
    assert f"{100 * uniform:.1f}%" in text
    assert f"{mred:.3f}" in text
    assert [figure.alt.partition(".")[0] for figure in made.figures[:2]] == [
        "exact: 24 rows, 576 bits",
        "ax-fpm: 12 rows, 252 bits",
    ]
    assert len(made.tables[0].rows) == len(made.data["errors"])
