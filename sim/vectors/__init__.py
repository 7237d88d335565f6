"""Test vectors: operand pairs at every corner, the corners counted, files for users without Python."""

from sim.vectors.files import write_vectors

__all__ = ["write_vectors"]
