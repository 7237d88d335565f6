"""The end-to-end report: one HTML page with its figures inside, and the same results as JSON.

In the order of the data:

1. ``section`` says what a report is made of; ``sections`` lists the parts, in the order of the page.
2. ``multiplier``, ``hardware``, ``energy``, ``inference``, ``emulation`` and ``robustness`` run a part of the project
   each, or read what comes with the package, and say what came out.
3. ``claims`` judges the paper by what they measured, ``catalogue`` puts every multiplier beside every figure, and
   ``front`` energy, clean and robust accuracy together; of networks attacked for it, ``joint_front``.
4. ``charts`` is how every chart looks; ``figures`` and ``curves`` draw, ``robustness_figures`` chooses what of an
   evaluation is worth it, ``gallery`` shows its images; drawings of hardware are by ``axfpm.pictures``.
5. ``page`` puts it all into one file, by ``report.html``, ``report.css`` and ``report.js`` in ``axfpm/templates``;
   ``build`` runs and writes everything, and ``report.schema.json`` there says what ``report.json`` holds.
"""
