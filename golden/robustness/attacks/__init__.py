"""Attacks by name: what they minimise or limit, what they need of a model, and where they come from.

``kinds`` holds the table and the names' grammar; ``from_foolbox`` (gradients) and ``from_foolbox_labels``,
``from_autoattack``, ``from_art``, ``lsa`` and ``adaptive`` bring attacks into it, one file per library or paper;
``corruptions`` what images suffer without an attacker.
``best`` keeps the best of all that an attack showed a model, ``queries`` counts what it asked.
"""

from dataclasses import replace

from golden.robustness.attacks import (
    adaptive,
    corruptions,
    from_art,
    from_autoattack,
    from_foolbox,
    from_foolbox_labels,
    lsa,
)
from golden.robustness.attacks.kinds import (
    ATTACKS,
    BATCH,
    Attack,
    Crafted,
    Kind,
    Outcome,
    attack,
    attacks,
    batch_on,
    register_attack,
)

__all__ = [
    "ATTACKS",
    "BATCH",
    "Attack",
    "Crafted",
    "Kind",
    "Outcome",
    "attack",
    "attacks",
    "batch_on",
    "register_attack",
]

_COSTS = {
    "fgsm": 0.3,
    "fgsm-l2": 0.3,
    "bim": 1.5,
    "mi-fgsm": 1.5,
    "pgd": 5.5,
    "pgd-l2": 6,
    "deepfool": 15,
    "ddn": 16,
    "cw": 82,
    "boundary": 870,
    "hopskipjump": 780,
    "apgd-ce": 16,
    "apgd-dlr": 17,
    "apgd-t": 95,
    "square": 100,
    "apgd-ce-l2": 16,
    "apgd-dlr-l2": 16,
    "apgd-t-l2": 106,
    "square-l2": 144,
    "jsma": 97,
    "lsa": 16,
    "adaptive": 110,
    "adaptive-l2": 200,
    **{kind.name: 0.1 for kind in corruptions.KINDS},
}
"""``Kind.cost`` of each: ms of one core for an image on the exact LeNet-5, as measured once."""

for _library, _kinds in (
    ("foolbox", from_foolbox.KINDS),
    ("foolbox", from_foolbox_labels.KINDS),
    ("pyautoattack", from_autoattack.KINDS),
    ("adversarial-robustness-toolbox", from_art.KINDS),
    ("", lsa.KINDS),
    ("pyautoattack", adaptive.KINDS),
    ("", corruptions.KINDS),
):
    for _kind in _kinds:
        register_attack(
            replace(
                _kind,
                cost=_COSTS[_kind.name],
                libraries=(_library,) if _library else (),
                placed=_kinds is from_foolbox.KINDS,
            )
        )
