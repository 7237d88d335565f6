"""The same sums on an NVIDIA GPU, bit for bit, in Triton: tensors in, tensors out.

Every result is the one of the CPU's kernels. In the order of the data:

1. ``dispatch`` says which tensors come here, and what the GPU path lacks; Triton is imported when first used.
2. ``families`` reads off the CPU's bodies how a multiplier is computed in float32 lanes, and for which operands.
3. ``matrices`` and ``convolution`` lay out the work, ``streams`` packs operands; ``launch`` enqueues kernels.
4. The kernels: ``pack`` derives streams and finds the exponents' ``extents``; ``lanes`` adds ``products`` made of
   ``toward_zero``'s operations; ``integer`` takes any operands.

``lanes`` and ``integer`` are both enqueued, read the extents on the device, and one of them works: the host never
waits.

Triton's interpreter (TRITON_INTERPRET=1 before Triton is imported) runs the kernels without a GPU, for tests; compiled
text is tested without one, too.
"""
