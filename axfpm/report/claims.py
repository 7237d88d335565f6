"""The paper's claims beside what the other sections measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axfpm.report.section import Section, Table

__all__ = ["claims"]

UNTESTED = "not measured in this report"


def claims(sections: Mapping[str, Section]) -> Section:
    """A table of claims, measurements and verdicts; a claim whose section was not run stays open."""
    rows = [
        _transfer(_data(sections, "robustness"), _data(sections, "verdict")),
        _accuracy(_data(sections, "robustness")),
        _confidence(_data(sections, "robustness")),
        _energy(_data(sections, "energy")),
        *_inferences(_data(sections, "inference")),
        _latency(_data(sections, "synthesis")),
        _black_box(_data(sections, "verdict")),
        _white_box(_data(sections, "verdict")),
    ]
    return Section(
        key="claims",
        title="The paper's claims, and what was measured",
        paragraphs=(
            "Defensive Approximation (Guesmi et al., ASPLOS 2021) replaces exact multipliers by ax-fpm. Each claim "
            "stands beside the figures of this report; a difference counts where 95% intervals leave no doubt.",
        ),
        tables=(Table("Claims", ("claim", "measured here", "verdict"), rows),),
        data={"claims": [dict(zip(("claim", "measured", "verdict"), row, strict=True)) for row in rows]},
        origin="both",
    )


def _data(sections: Mapping[str, Section], key: str) -> dict[str, Any] | None:
    section = sections.get(key)
    return section.data if section is not None and not section.not_run and section.data else None


def _share(p: Mapping[str, Any]) -> str:
    least, most = p["interval"]
    return f"{p['k']}/{p['n']} = {100 * p['rate']:.1f}% [{100 * least:.1f}, {100 * most:.1f}]"


def _transfer(data: dict[str, Any] | None, ruled: dict[str, Any] | None) -> tuple[str, str, str]:
    claim = "adversarial examples crafted on the exact model transfer badly"
    rows = [
        r
        for r in (data or {}).get("attacks", [])
        if (r["threat_model"], r["target"], r["view"]) == ("twin", "ax-fpm", "as is") and r["transfer"]["n"]
    ]
    summary = _summary(ruled, "twin")
    if not rows:
        return claim, UNTESTED, summary or "open"
    measured = "; ".join(f"{r['attack']}: {_share(r['transfer'])}" for r in rows)
    least = min(r["transfer"]["interval"][0] for r in rows)
    most = max(r["transfer"]["interval"][1] for r in rows)
    verdict = "does not hold for these attacks" if least > 0.5 else "holds" if most < 0.5 else "depends on the attack"
    return claim, f"transfer rate, {measured}", verdict + (f"; {summary}" if summary else "")


def _summary(ruled: dict[str, Any] | None, threat_model: str) -> str:
    """What the rule says of a threat model; empty where it was not asked."""
    found = [s for s in (ruled or {}).get("verdict", {}).get("summaries", []) if s["threat_model"] == threat_model]
    return f"on MNIST, against matched controls: {found[0]['verdict']} ({found[0]['reason']})" if found else ""


def _withstood(ruled: dict[str, Any] | None, threat_models: tuple[str, ...]) -> str:
    """Robust accuracy of ax-fpm beside that of the exact model under the best attack for each image, in words."""
    rows = (ruled or {}).get("suites", [])
    cases = dict.fromkeys(
        (r["threat_model"], r["norm"], r["budget"]) for r in rows if r["threat_model"] in threat_models
    )
    found = []
    for case in cases:
        own = [r for r in rows if (r["threat_model"], r["norm"], r["budget"]) == case]
        ours, exact = (
            [r["robust_accuracy"]["rate"] for r in own if r["target"] == name] for name in ("ax-fpm", "exact torch")
        )
        if ours and exact:
            name = f"{case[0]}, {case[1]} {case[2]:g}"
            found.append(
                f"{name}: {100 * sum(ours) / len(ours):.1f}% on ax-fpm, {100 * sum(exact) / len(exact):.1f}% exact"
            )
    return "; ".join(found)


def _black_box(ruled: dict[str, Any] | None) -> tuple[str, str, str]:
    claim = "attacks through a proxy model and by queries get harder"
    measured = _withstood(ruled, ("proxy", "query"))
    if not measured:
        return claim, UNTESTED, "open"
    return claim, f"robust accuracy, {measured}", "described, not decided: one network, few images"


def _white_box(ruled: dict[str, Any] | None) -> tuple[str, str, str]:
    claim = "white-box attacks need larger perturbations"
    measured, summary = _withstood(ruled, ("aware", "white-box")), _summary(ruled, "white-box")
    return (claim, f"robust accuracy, {measured}", summary or "open") if measured else (claim, UNTESTED, "open")


def _clean(data: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]] | None:
    rows = {r["target"]: r for r in (data or {}).get("clean", [])}
    return (rows["exact torch"], rows["ax-fpm"]) if {"exact torch", "ax-fpm"} <= rows.keys() else None


def _accuracy(data: dict[str, Any] | None) -> tuple[str, str, str]:
    claim, pair = "clean accuracy stays, without retraining", _clean(data)
    if pair is None:
        return claim, UNTESTED, "open"
    exact, approximate = (row["accuracy"] for row in pair)
    lost = approximate["interval"][1] < exact["interval"][0]
    measured = f"{_share(exact)} exact, {_share(approximate)} on ax-fpm"
    return claim, measured, "does not hold" if lost else "no loss seen at this sample size"


def _confidence(data: dict[str, Any] | None) -> tuple[str, str, str]:
    claim, pair = "confidence rises", _clean(data)
    if pair is None or None in (pair[0]["confidence"], pair[1]["confidence"]):
        return claim, UNTESTED, "open"
    exact, approximate = (row["confidence"] for row in pair)
    measured = f"mean largest softmax output {exact:.4f} exact, {approximate:.4f} on ax-fpm"
    verdict = "holds; larger products scale the logits, which is no gain in knowledge"
    return claim, measured, verdict if approximate > exact else "does not hold"


def _latency(data: dict[str, Any] | None) -> tuple[str, str, str]:
    claim = "lower latency"
    if data is None:
        return claim, UNTESTED, "open"
    ratios = {row["multiplier"]: row["ratios"]["exact-trunc"]["critical_path"] for row in data["rows"]}
    measured = (
        f"critical path {ratios['ax-fpm']:.2f} of exact-trunc (same compressor tree); e8m2, which errs less, "
        f"{ratios['e8m2']:.2f}"
    )
    if ratios["ax-fpm"] >= 1:
        return claim, measured, "does not hold"
    beaten = ratios["e8m2"] < ratios["ax-fpm"]
    return claim, measured, "holds against exact FP32" + ("; not against a narrow exact multiplier" if beaten else "")


def _energy(data: dict[str, Any] | None) -> tuple[str, str, str]:
    claim = "up to 50% less energy"
    rows = {row["multiplier"]: row["ratios"] for row in (data or {}).get("rows", [])}
    if data is None or not {"exact-trunc", "e8m2", "ax-fpm"} <= rows.keys():
        return claim, UNTESTED, "open"
    ratios = rows["ax-fpm"]
    # The strongest of the exact baselines is the one that leaves the least to save.
    strongest = max((name for name in ratios if name.startswith("exact")), key=lambda name: ratios[name]["energy"])
    ratio, narrow = ratios[strongest], ratios["e8m2"]["energy"]
    low, high = ratio["interval"]
    measured = (
        f"{ratio['energy']:.2f} [{low:.2f}, {high:.2f}] of {strongest}, the strongest exact baseline here (glitches "
        f"counted), {ratios['exact-trunc']['energy']:.2f} of exact-trunc with the same compressor tree, "
        f"{narrow:.1f} times e8m2, which errs less ({data['conditions']})"
    )
    verdict = "holds against exact FP32" if high <= 0.5 else "does not hold" if low > 0.5 else "undecided"
    return claim, measured, verdict + ("; not against a narrow exact multiplier" if narrow > 1 else "")


def _inferences(data: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """A row for each network whose inference was measured, with all that was claimed of it."""
    networks: dict[str, list[dict[str, Any]]] = {}
    for each in (data or {}).get("networks", []):
        for verdict in each["verdicts"]:
            networks.setdefault(verdict["network"], []).append(verdict)
    found = []
    for network, verdicts in networks.items():
        # What was measured does not depend on the claim that it is held against.
        ratios = {each["baseline"]: each["ratios"] for each in verdicts if each["ratios"]}
        claims: dict[str, dict[str, list[str]]] = {}
        for each in verdicts:
            said = claims.setdefault(f"{each['text']}, {each['source']}", {})
            said.setdefault(each["verdict"], []).append(each["baseline"])
        found.append(
            (
                f"less energy, for an inference of {network}",
                "; ".join(f"{_of_libraries(each)} of {baseline}" for baseline, each in ratios.items()),
                "; ".join(
                    f"{claim}: " + ", ".join(f"{verdict} against {_either(them)}" for verdict, them in said.items())
                    for claim, said in claims.items()
                ),
            )
        )
    return found


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _of_libraries(ratios: Mapping[str, list[float]]) -> str:
    return ", ".join(f"{ratio:.2f} [{low:.2f}, {high:.2f}] ({name})" for name, (ratio, low, high) in ratios.items())
