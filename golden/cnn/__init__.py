"""Networks to run on the multipliers: data sets, models, training and the checkpoints it writes.

In: names of a data set and a model, a seed. Out: a trained network with its accuracy. In the order of the data:

1. ``data``: digits, MNIST and CIFAR-10 by name, as arrays; downloads are checked and kept.
2. ``models``: architectures by name, LeNet-5 and the paper's among them, open to outside ones; ``cifar10_models`` has
   those for CIFAR-10, ``import_paths`` finds those that are named ``package.module:name``.
3. ``training``: seeded, exact or on a multiplier, of fresh parameters or trained ones (``axfpm train``), by
   ``training_settings``; interrupted and taken up again, by ``training_state``. ``augmentation`` moves and mirrors what
   is trained on, ``adversarial`` perturbs it, where that is asked; ``batch_norm`` folds batch norms away once it is
   over.
4. ``checkpoint``: parameters and where they come from, in one safetensors file; ``parameters`` reads files, by others
   too, as tensors only; ``checkpoints`` has those that come with the package.
5. ``trained``: the network that a model, a data set and a checkpoint together name.
"""
