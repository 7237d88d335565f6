"""``adaptive``: the attack on approximate arithmetic, for any multiplier and network; also a strong ordinary attack.

In: a module that gives logits, images, labels, a budget. Out: the best image for each image. It is made for what fools
ordinary attacks here, one part for each; ``ablation`` measures what each adds.

``first_layer``, ``candidates``, ``moves``, ``search``
    The discrete search. Products of a multiplier are step functions of the pixel: the mean gain of ``ax-fpm`` over
    LeNet-5's first weights falls from 1.47 to 1.12 at the top of each binade and jumps back at the power of two, each
    weight has a pattern of its own, narrow formats and planted quantisers are stairs. No gradient sees that, of
    whatever kind, since it is the derivative of another function. The search takes the gradient at the first layer's
    *output* and multiplies it with that layer's true products for some candidate values of each pixel (powers of two
    and their neighbours one unit below, both sides of the largest jumps, a grid, the ends of the box), so that all that
    stands before the layer is exact, a clamp or companding too. Pixels that gain most move, by the true forward pass as
    many of them as help. Where pixels do not enter the first layer one by one (``first_layer.find`` says when), a
    warning says that this part is left out.
``losses``
    Inflated products inflate logits, and float32 cross-entropy of large logits has a gradient of exactly zero: margins
    and temperatures fitted on the batch, without labels, see through that.
``variants``
    A derivative of a step function is a choice: straight-through, scaled and masked gradients take turns, where the
    multiplier has them. The exact twin and the surrogate give starts with much confidence, since such examples
    transfer where those at the boundary do not.
``descent``
    Runs along a gradient, with momentum, falling steps and the best iterate by margin, never stopped at the first
    success. Every third run averages the gradient over a small Gaussian neighbourhood, as the search does at the first
    layer's output: behind it come step functions too.
``attack``
    The order of runs; images that are broken are left alone by later runs. Where there is no gradient at all, not even
    at the first layer's output, random squares ask for scores.
``budgets``, ``grid``, ``parts``
    L-inf boxes and L2 balls that hold for stored float32 values, the images of 8 bits in them for an attacker who has
    to deliver one (half of the examples on ``ax-fpm`` do not survive being rounded, which says nothing of examples that
    were looked for among such images), and the switches.
"""
