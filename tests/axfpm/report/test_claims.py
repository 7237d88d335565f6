import pytest

from axfpm.report.claims import claims
from axfpm.report.section import Section


def share(k, n, least, most):
    return {"k": k, "n": n, "rate": k / n, "interval": [least, most]}


def robustness(transfer, accuracy=(0.97, 0.99), confidence=(0.9, 0.95)):
    clean = [
        {"target": name, "accuracy": share(98, 100, *accuracy), "confidence": c}
        for name, c in zip(("exact torch", "ax-fpm"), confidence, strict=True)
    ]
    attacks = [{"attack": "pgd", "target": "ax-fpm", "transfer": share(50, 100, *t)} for t in transfer]
    return Section("robustness", "", data={"clean": clean, "attacks": attacks})


def synthesis(ax, narrow):
    rows = [
        {"multiplier": name, "ratios": {"exact-trunc": {"power": r, "critical_path": r}}}
        for name, r in (("ax-fpm", ax), ("e8m2", narrow))
    ]
    return Section("synthesis", "", data={"rows": rows})


def verdicts(*sections):
    made = claims({s.key: s for s in sections})
    return [row["verdict"] for row in made.data["claims"]]


def test_everything_is_open_where_nothing_was_run():
    assert verdicts() == ["open"] * 6
    assert verdicts(Section("synthesis", "", not_run="no Yosys")) == ["open"] * 6


@pytest.mark.parametrize(
    ("transfer", "verdict"),
    [
        ([(0.6, 0.8), (0.9, 1.0)], "does not hold for these attacks"),
        ([(0.1, 0.2)], "holds"),
        ([(0.1, 0.2), (0.9, 1.0)], "depends on the attack"),
    ],
)
def test_transfer(transfer, verdict):
    assert verdicts(robustness(transfer))[0] == verdict


def test_confidence():
    assert verdicts(robustness([(0.1, 0.2)]))[2].startswith("holds")
    assert verdicts(robustness([(0.1, 0.2)], confidence=(0.9, 0.8)))[2] == "does not hold"


@pytest.mark.parametrize(
    ("ax", "narrow", "verdict"),
    [
        (0.4, 0.1, "holds against exact FP32; not against a narrow exact multiplier"),
        (0.4, 0.9, "holds against exact FP32"),
        (1.1, 0.1, "does not hold"),
    ],
)
def test_hardware(ax, narrow, verdict):
    energy, latency = verdicts(synthesis(ax, narrow))[3:5]
    assert latency == verdict
    assert energy == verdict.replace("holds against exact FP32", "supported against exact FP32, by vectorless power")
