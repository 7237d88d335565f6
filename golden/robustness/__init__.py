"""What attacks do to networks on the multipliers, and whether that is a defence.

In: networks, images with labels, targets, attacks, threat models. Out: ``Results``, as JSON lines and tables, with a
verdict. In the order of the data:

1. ``presets`` lists whole evaluations (``preset`` says what one is, ``preset_cifar10`` has those on CIFAR-10) at their
   ``primary_budgets``, ``subjects`` turns them to other multipliers,
   ``runs`` does what the command line asks for, ``evaluation`` is ``axfpm.evaluate``; ``inputs`` checks images and
   labels, ``networks`` looks up what is evaluated.
2. ``targets`` says what a network is changed to, ``threats`` what an attacker knows and so attacks, ``attacks`` what he
   does, ``adaptive`` the attack that is made for this defence, ``proxy`` how he trains a substitute.
3. ``plan`` makes of stages the examples to craft and who sees them; ``pipeline`` runs it all: ``craft`` crafts each
   once, ``judge`` shows them, stretched and (``brittleness``) shaken too, on what is ``built`` once for each process,
   as ``jobs``, whose results ``store`` keeps;
   ``backends`` says who does them: processes, or workers of a ``cluster``. ``assigned`` is a job beside them: a
   network with a multiplier for each layer, for searches.
4. ``outcomes`` counts, ``rows`` makes rows of it, of ``row_types``; ``statistics`` has shares and tests, ``intervals``
   simultaneous ones, ``equivalence`` whether accuracy is kept, ``confidence`` how sure a network is and how rightly.
5. ``hypotheses`` lists what is asked, before any run, ``rule`` decides it, ``verdicts`` asks it of results.
6. ``results`` holds all of it, ``result_tables`` shows it as text, ``records`` writes, reads and compares files,
   ``validation`` finds what is wrong with one, ``board`` ranks the targets of several;
   ``measured`` has files that come with the package.

``audit`` asks, of any model, whether such an evaluation can be trusted at all: the checks that reviewers demand.
``recovery`` counts what training on a multiplier gives back of clean accuracy.
"""
