"""Energy of an inference: the multiply-accumulates of a network's layers, on the operands that it has on a multiplier.

``comparison`` is what ``axfpm energy inference`` asks for: several multipliers on one library. In the order of its
data:

- ``layers`` runs a network on a multiplier and keeps what each layer multiplies; ``windows`` says which of that is
  measured, and draws it from every layer alike. Netlists are mapped and measured as for ``synth.energy.grid``.
- ``classes`` finds the energy of a layer once more, from a count of its zeros; ``accuracy`` says how often the network
  is right on the multiplier, as it is and calibrated.
- ``rows`` sums up layers and images, with intervals and ratios; ``result`` holds them with their conditions.
- ``claims`` is the rule by which the paper's claims hold or do not; ``technologies`` sets several libraries side by
  side, with the verdicts, and keeps them in files.
"""
