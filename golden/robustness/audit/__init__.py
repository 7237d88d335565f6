"""``audit``: the checks that a reviewer of a claimed defence asks for, on any model, as one call.

In: a model, images, labels, a budget, perhaps a multiplier. Out: a row for each check with its evidence. Checks of
group *masking* ask whether an evaluation by the standard attack, PGD on the cross-entropy, can be trusted at all;
those of group *robustness* say what better attacks find. In the order of the data:

1. ``run`` checks what is given and makes a ``case``: the model as given, a copy to attack, and all examples, each set
   crafted once and judged as stored. ``checks`` lists the checks; ``tolerances`` says what counts as a difference, so
   that undefended networks, PGD-trained ones and bfloat16 pass.
2. ``outputs``: is the model a function of the image? *random outputs* need EOT (Athalye et al. 2018; AutoAttack flags);
   *batch dependence*, a batch norm left in training mode, makes it another model in the attack than in the report.
3. ``gradients``: *zero gradients* stop attacks (Carlini et al. 2019; AutoAttack's flag), *finite differences* show
   gradients that are another function's ("Indicators of Attack Failure", arXiv 2106.09947).
4. ``effort``: *single step* must not beat many; *more steps*, *more restarts*, *step sizes* must not gain (Carlini et
   al. 2019: attacks have converged; Tramer et al. 2020); *unbounded* attacks must fool everything (Carlini et al.).
5. ``other_ways``: a *temperature* must not matter (Tramer et al. 2020 on losses), *square*, by scores alone, must not
   find what white-box missed (AutoAttack's flag), nor may *transfer* from the twin beat it (Carlini et al. 2019).
6. ``robust``: *adaptive* robust accuracy (Tramer et al. 2020), transfer of *high confidence* (Carlini and Wagner 2017),
   *random perturbations* of survivors (Carlini et al. 2019).
7. ``stored``: *budgets* of all these examples hold for the float32 images stored.
8. ``findings`` are the rows, and ``Audit`` all of them, as data, JSON and a table.
"""

from golden.robustness.audit.findings import Audit
from golden.robustness.audit.run import audit

__all__ = ["Audit", "audit"]
