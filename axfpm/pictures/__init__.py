"""Pictures of multipliers and of the hardware, made from the designs themselves, as SVG.

In: a multiplier, and of a run its sizes. Out: text, for a file (``axfpm draw``), or for a place in a page (the
documentation's catalogue, the report). In the order of the data:

1. ``rows`` draws the bits of partial products, ``tree`` the levels of adders, which it gets from the hardware's own
   generator as it builds; ``errors`` draws how large errors are, where in the significands, and against a cost.
2. ``runs`` runs an array or the engine for some cycles, held against the golden model; of such a run ``array`` draws
   every cycle, ``schedule`` every beat, and ``waves`` makes WaveJSON.
3. ``svg`` is what all are drawn with: names for screen readers, ink of the page's colour, the same bytes again.
4. ``kinds`` has the pictures by name.
"""
