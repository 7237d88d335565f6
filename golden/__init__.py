"""The arithmetic, bit for bit, in Python; ``docs/arithmetic.md`` says it in words.

In: words, arrays or models, and the name of a multiplier. Out: what the hardware computes, bit for bit. The rest of the
project is held against this folder, which imports none of it. In the order of the data:

1. What a multiplier is: ``formats`` (traits of words), ``cells`` (full adders by truth table), ``designs`` (significand
   products as descriptions; ``block_tables`` says how tables lie); ``catalogue`` puts them together as frozen
   ``Multiplier`` objects with names and a dial; ``multiplier_files`` reads them from files, and ``assignments`` says
   which one each layer of a network has.
2. ``reference``: a product, an addition and a sum of products in plain integers, one at a time. Slow and obvious:
   everything else is held against it.
3. The same over arrays: ``significand`` (significand products), ``multiply`` (floating-point products), ``add`` (sums
   of two), ``sums`` (matrix products and convolutions, which call ``kernels``).
4. ``metrics``: how far products are from exact ones.
5. The folders: ``kernels`` computes sums fast, ``pytorch`` runs models on a multiplier, ``cnn`` has data and networks,
   ``speed`` times the emulation, ``robustness`` attacks the networks.

What all of these share: ``registry`` (names from outside, with ``plugins``), ``checks`` (numbers from outside),
``errors`` (one sentence each), ``files`` (what users ask to be written), ``downloads`` (files of others, by checksum),
``cache``, ``sources`` and ``leftovers`` (what is kept between runs), ``templates`` (texts filled in), ``tables`` (text
as it is shown), ``progress``, ``yosys`` (how it is started).
"""
