"""What attacks do to networks on the multipliers: attacks, threat models, statistics and evaluation runs."""
