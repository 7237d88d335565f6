"""What adversarial examples are shown to, by name: the same network on a multiplier, or changed in another way.

``names`` holds the table and the names' grammar, ``devices`` what a target is built from and becomes; the other files
build them: ``multipliers``, ``controls`` (what could do the same without a multiplier), ``rows`` (what else is worth a
row). ``inputs`` changes what the first layer takes in.
"""

from golden.robustness.targets import controls, names, rows
from golden.robustness.targets.devices import Device, Fitted
from golden.robustness.targets.names import TARGETS, Target, TargetKind, register_target, target, targets

__all__ = ["TARGETS", "Device", "Fitted", "Target", "TargetKind", "register_target", "target", "targets"]

names.kinds.update({kind.name: kind for kind in (*rows.KINDS, *controls.KINDS)})
