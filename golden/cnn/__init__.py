"""Networks to run on the multipliers: data sets, models, training and the checkpoints it writes."""
