"""Which multiplier each layer of a network should have: ``axfpm search``.

In: a trained network, candidates, measured energies of its layers. Out: assignments that no other one dominates, with
what they are worth on images that the search has not seen, in a file that evaluations, energies and the simulated
engine take. In the order of the data:

1. ``space`` is what is searched: layers, candidates, what each layer takes on each of them, which ``energies`` reads
   from measured files. ``objectives`` are minimised; volumes that fronts dominate are measured there, too.
2. ``evaluations`` asks, by jobs, how many training images the network gets wrong on an assignment, and counts that
   against a budget.
3. ``sensitivities`` puts one layer at a time on each candidate, and guesses from that where to begin; ``strategies``
   spends the rest of the budget, in ``searches`` from one seed or several.
4. ``final`` measures the front on test images, clean and attacked; ``result`` holds it all; ``run`` is
   ``axfpm.search``.
"""
