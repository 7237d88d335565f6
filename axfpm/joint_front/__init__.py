"""Energy, clean accuracy and adaptive robust accuracy of networks together: what to build, and how certain that is.

In: networks of the package, trained further or not, on multipliers or assignments. Out: a file for each data set, and
sentences of it, in report and documentation. In the order of the data:

1. ``entries`` lists what stands on each front; ``networks`` trains what does not come with the package.
2. ``measure`` asks which images each gets right, clean and under the adaptive attack, ``energies`` what an image takes;
   ``differences`` says how any two differ, with intervals that hold together.
3. ``result`` holds it all, writes and reads it; ``measured`` has files that come with the package.
4. ``levels`` says what a network has to keep of an exact one, and which is the cheapest that does, in a sentence;
   ``dominance`` who is beaten in everything; ``tables`` writes the page docs/front.md.
"""
