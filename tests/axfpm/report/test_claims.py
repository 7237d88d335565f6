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
    row = {"threat_model": "twin", "view": "as is", "target": "ax-fpm"}
    attacks = [{**row, "attack": "pgd", "transfer": share(50, 100, *t)} for t in transfer]
    attacks += [{**row, "threat_model": "white-box", "attack": "pgd", "transfer": None}]
    return Section("robustness", "", data={"clean": clean, "attacks": attacks})


def synthesis(ax, narrow):
    rows = [
        {"multiplier": name, "ratios": {"exact-trunc": {"critical_path": r}}}
        for name, r in (("ax-fpm", ax), ("e8m2", narrow))
    ]
    return Section("synthesis", "", data={"rows": rows})


def verdicts(*sections):
    made = claims({s.key: s for s in sections})
    return [row["verdict"] for row in made.data["claims"]]


def test_everything_is_open_where_nothing_was_run():
    assert verdicts() == ["open"] * 7
    assert verdicts(Section("synthesis", "", not_run="no Yosys")) == ["open"] * 7


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
    assert energy == "open"  # area and delay say nothing of it


@pytest.mark.parametrize(
    ("ratio", "narrow", "verdict"),
    [
        ((0.4, 0.3, 0.45), 9.0, "holds against exact FP32; not against a narrow exact multiplier"),
        ((0.4, 0.3, 0.45), 0.9, "holds against exact FP32"),
        ((0.6, 0.55, 0.7), 9.0, "does not hold; not against a narrow exact multiplier"),
        ((0.5, 0.45, 0.55), 0.9, "undecided"),
    ],
)
def test_energy(ratio, narrow, verdict):
    ours = {"exact-trunc": {"energy": ratio[0], "interval": list(ratio[1:])}, "e8m2": {"energy": narrow}}
    rows = [
        {"multiplier": name, "ratios": ours if name == "ax-fpm" else {}} for name in ("exact-trunc", "e8m2", "ax-fpm")
    ]
    data = {"rows": rows, "conditions": "a library"}
    # An exact baseline that leaves less to save is the one that counts, whatever the other says.
    weaker = {"exact": {"energy": ratio[0] / 2, "interval": [0.01, 0.02]}, **ours}
    data["rows"][2]["ratios"] = weaker
    made = claims({"energy": Section("energy", "", data=data)}).data["claims"][3]
    assert made["verdict"] == verdict
    assert made["measured"].startswith(f"{ratio[0]:.2f} [{ratio[1]:.2f}, {ratio[2]:.2f}] of exact-trunc")
    assert claims({"energy": Section("energy", "", data={"rows": rows[:2]})}).data["claims"][3]["verdict"] == "open"


def ruled():
    suites = [
        {"threat_model": threat, "norm": "linf", "budget": 0.12, "target": name, "robust_accuracy": {"rate": rate}}
        for threat, rates in (("white-box", (0.05, 0.15, 0.3)), ("proxy", (0.5, 0.5, 0.4)))
        for name, rate in zip(("ax-fpm", "ax-fpm", "exact torch"), rates, strict=True)
    ]
    summaries = [{"threat_model": "white-box", "verdict": "does not defend", "reason": "2 does not hold"}]
    return Section("verdict", "", data={"suites": suites, "verdict": {"summaries": summaries}})


def test_what_was_decided_before():
    rows = claims({"verdict": ruled()}).data["claims"]
    black, white = rows[5:]
    assert black["measured"] == "robust accuracy, proxy, linf 0.12: 50.0% on ax-fpm, 40.0% exact"
    assert black["verdict"].startswith("described, not decided")
    assert white["measured"] == "robust accuracy, white-box, linf 0.12: 10.0% on ax-fpm, 30.0% exact"
    assert white["verdict"] == "on MNIST, against matched controls: does not defend (2 does not hold)"
