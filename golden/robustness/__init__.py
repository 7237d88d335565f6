"""What attacks do to networks on the multipliers.

In: a model, images with labels, multipliers, attacks, threat models. Out: ``Results``, as JSON and tables. In the
order of the data: ``presets`` names what goes together; ``evaluation`` runs it; ``threats`` says which model an attack
sees, ``attacks`` crafts, by foolbox; ``store`` keeps finished parts, each under a digest of all it depends on;
``results`` turns logits into rates as its docstring defines them, ``statistics`` adds intervals.
"""
