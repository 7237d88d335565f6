"""The measurements of the README: ``axfpm bench`` on every shape, and the roofline of ax-fpm.

    python benchmarks/emulation.py [options of axfpm bench]

Without options it takes an hour or so; ``--multiplier ax-fpm`` a few minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from axfpm.cli import main

ROOFLINE = Path(__file__).resolve().parents[1] / "docs" / "images" / "roofline.svg"

if __name__ == "__main__":
    main(["bench", "--full", "--large", "--plot", str(ROOFLINE), *sys.argv[1:]])
