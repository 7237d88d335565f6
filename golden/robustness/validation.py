"""Whether a result file is what it says: a whole preset, every decisive row there, and rows that fit each other.

``records`` has refused damaged files and rates that do not follow from their counts before. Here a file's preset is
planned once more, by which every row of the stages that decide is known, with its sample size: results of a part, or of
other attacks for one target than for another, rank nowhere. What cannot be seen in a file is whether somebody ran what
it says: for that there are the digests of weights, images and examples, and the command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from golden.errors import AxfpmError, InvalidInput
from golden.robustness.judge import ROUNDED, SHAKEN, views
from golden.robustness.plan import Shown, plan
from golden.robustness.presets import PRESETS, Preset
from golden.robustness.records import read
from golden.robustness.results import Results
from golden.robustness.row_types import EXACT, Suite, UnderAttack
from golden.robustness.rows import decides
from golden.robustness.subjects import of_subject
from golden.robustness.targets import target
from golden.robustness.verdicts import ruling

__all__ = ["faults", "faults_of"]

Row = tuple[Any, ...]


def faults(path: str | Path) -> tuple[str, ...]:
    """Return what is wrong with a result file, a sentence each; nothing where it can stand beside others."""
    try:
        return faults_of(read(path))
    except InvalidInput as error:
        return (str(error),)


def faults_of(results: Results) -> tuple[str, ...]:
    """Return what is wrong with results, as ``faults`` does."""
    try:
        preset = _preset(results.settings)
        # Of another size nothing is where it is looked for: one sentence instead of a thousand; and there is nothing to
        # rule on where rows are wrong.
        found = list(_of_settings(results, preset))
        if not found:
            planned = _planned(results, preset)
            found += [*_of_attacks(results, planned), *_of_suites(results, planned, preset)]
            found += _of_clean(results, planned)
        return tuple(found or _of_verdict(results, preset))
    except AxfpmError as error:
        return (str(error),)


def _preset(settings: dict[str, Any]) -> Preset:
    """The preset that the results say they are, for their subject."""
    name, subject = settings.get("preset"), settings.get("subject")
    if not isinstance(name, str):
        raise InvalidInput("the settings name no preset; evaluate with --preset, on all of its attacks and targets")
    preset = PRESETS.look_up(name)
    return of_subject(preset, subject) if isinstance(subject, str) else preset


def _of_settings(results: Results, preset: Preset) -> Iterator[str]:
    settings = results.settings
    networks = settings.get("networks")
    seeds = [n.get("seed") for n in networks if isinstance(n, dict)] if isinstance(networks, list) else []
    for what, said, asked in (
        ("training seeds", seeds, list(preset.seeds)),
        ("images", settings.get("samples"), preset.samples),
        ("budgets", settings.get("budgets"), preset.budgets),
        ("data", settings.get("data"), f"{preset.data} test"),
    ):
        if said != asked:
            there = f"{_text(said)} in the file, {_text(asked)} in the preset {preset.name}"
            yield f"{what}: {there}; evaluate all of it again"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items()) or "none"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _planned(results: Results, preset: Preset) -> tuple[Shown, ...]:
    """Who has to have seen what in the stages that decide."""
    stages = [replace(s, samples=s.samples or preset.samples) for s in preset.stages if not s.extra]
    return plan(stages, target(EXACT), len(preset.seeds), preset.samples).shown


def _networks(results: Results) -> list[tuple[str, int | None]]:
    return [(network["model"], network["seed"]) for network in results.settings["networks"]]


def _of_attacks(results: Results, planned: Iterable[Shown]) -> Iterator[str]:
    networks = _networks(results)
    there: dict[Row, UnderAttack] = {}
    for row in results.attacks:
        key = (
            *(row.threat_model, row.attack, row.gradient, row.view, row.target),
            *(row.model, row.seed, row.crafted_for),
        )
        if key in there and row.robust_accuracy.n == there[key].robust_accuracy.n:
            yield f"{_named(key)} stands there twice; leave one"
        # A stage that decides nothing may show the same to fewer images.
        if key not in there or row.robust_accuracy.n > there[key].robust_accuracy.n:
            there[key] = row
    missing: list[Row] = []
    digests: dict[tuple[Any, ...], str] = {}
    for shown in planned:
        case = shown.examples
        for view in views(shown):
            key = (
                case.threat_model.name,
                str(case.attack),
                case.gradient,
                view,
                shown.target.name,
                *networks[case.network],
                "" if case.target is None else case.target.name,
            )
            row = there.get(key)
            if row is None:
                missing.append(key)
                continue
            if row.robust_accuracy.n != case.samples:
                yield f"{_named(key)} is of {row.robust_accuracy.n} images instead of {case.samples}; evaluate again"
            crafted = (case.network, case.threat_model.name, case.attack, case.target, case.gradient)
            if digests.setdefault(crafted, row.examples) != row.examples or not row.examples:
                yield f"{_named(key)} is of other examples than its other rows; evaluate again"
    yield from _missing(missing)


def _missing(rows: Iterable[Row]) -> Iterator[str]:
    """One sentence for each target in a threat model, however many of its rows are missing."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row[0], row[4]), []).append(row)
    for (threat_model, name), members in groups.items():
        more = f" and {len(members) - 1} more" if len(members) > 1 else ""
        yield f"{threat_model}: rows of {name} are missing, {_named(members[0])}{more}; evaluate again"


def _named(key: Row) -> str:
    threat_model, attack, gradient, view, name, model, seed, crafted_for = key
    whom = f", for {crafted_for}" if crafted_for not in ("", name) else ""
    return f"{attack} on {name} ({threat_model}, {gradient} gradient, {view}{whom}, {model}, seed {seed})"


def _of_suites(results: Results, planned: Iterable[Shown], preset: Preset) -> Iterator[str]:
    networks = _networks(results)
    sets: Counter[tuple[str, str, str, int | None]] = Counter()
    samples: dict[tuple[str, str, str, int | None], int] = {}
    for shown in filter(decides, planned):
        key = (shown.examples.threat_model.name, shown.target.name, *networks[shown.examples.network])
        sets[key] += sum(view not in (ROUNDED, SHAKEN) for view in views(shown))
        samples[key] = shown.examples.samples
    there: dict[Row, Suite] = {}
    for row in results.suites:
        where = (row.threat_model, row.norm, row.budget, row.target, row.model, row.seed)
        name = f"the suite {row.threat_model}, {row.norm} {row.budget:g} of {row.target}, {row.model}, seed {row.seed}"
        if where in there:
            yield f"{name} stands there twice; leave one"
        there[where] = row
        yield from (f"{name} {fault}; evaluate again" for fault in _of_bits(row))
    for norm, budget in preset.budgets.items():
        for (threat_model, name, model, seed), expected in sets.items():
            suite = there.get((threat_model, norm, budget, name, model, seed))
            text = f"the suite {threat_model}, {norm} {budget:g} of {name}, {model}, seed {seed}"
            if suite is None:
                yield f"{text} is missing; evaluate again"
                continue
            if (suite.attacks, suite.robust_accuracy.n) != (expected, samples[threat_model, name, model, seed]):
                asked = f"{expected} of {samples[threat_model, name, model, seed]}"
                counted = f"{suite.attacks} sets of {suite.robust_accuracy.n} examples"
                yield f"{text} is over {counted} instead of {asked}; evaluate again"
            yield from _of_bounds(results, suite, text)


def _of_bits(row: Suite) -> Iterator[str]:
    count = row.robust_accuracy
    try:
        bits = "".join(f"{byte:08b}" for byte in bytes.fromhex(row.right))
    except ValueError:
        yield "does not say which images are right"
        return
    if len(bits) != 8 * -(-count.n // 8) or bits.count("1") != count.k or "1" in bits[count.n :]:
        yield f"counts {count.k} of {count.n} images, and names others"


def _of_bounds(results: Results, suite: Suite, text: str) -> Iterator[str]:
    """The best of all attacks for each image is at least as strong as each of them."""
    for row in results.attacks:
        same = (row.threat_model, row.target, row.model, row.seed, row.norm, row.view) == (
            *(suite.threat_model, suite.target, suite.model, suite.seed, suite.norm),
            "as is",
        )
        counts = row.robust_accuracy, suite.robust_accuracy
        own = row.crafted_for in ("", row.target)
        within = own and row.epsilon is not None and row.epsilon <= suite.budget and counts[0].n == counts[1].n
        if same and within and counts[0].k < counts[1].k:
            yield f"{text} leaves {counts[1].k} images right, and {row.attack} alone {counts[0].k}; evaluate again"


def _of_clean(results: Results, planned: Iterable[Shown]) -> Iterator[str]:
    networks = _networks(results)
    there = Counter((row.target, row.model, row.seed) for row in results.clean)
    for key in dict.fromkeys((s.target.name, *networks[s.examples.network]) for s in planned):
        if there[key] != 1:
            often = "is missing" if not there[key] else "stands there twice"
            yield f"the clean row of {key[0]}, {key[1]}, seed {key[2]} {often}; evaluate again"


def _of_verdict(results: Results, preset: Preset) -> Iterator[str]:
    if not results.verdict.get("verdicts"):
        yield "there is no verdict; evaluate again"
        return
    others = results.verdict.get("others", [])
    judged = [results.verdict["subject"], *(other["subject"] for other in others)]
    if judged != list(preset.subjects):
        asked = f"the preset {preset.name} asks for {', '.join(preset.subjects)}"
        yield f"the verdict is on {', '.join(judged)}, and {asked}; evaluate again"
        return
    again = ruling(results, subject=judged[0], others=judged[1:]).verdict
    pairs = [(results.verdict, again), *zip(others, again.get("others", []), strict=True)]
    if any(said.get(part) != own[part] for said, own in pairs for part in ("verdicts", "summaries")):
        yield "the verdict is not what the rule says of these rows; evaluate again"
