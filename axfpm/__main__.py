"""``python -m axfpm``."""

from axfpm.cli import main

if __name__ == "__main__":
    main()
