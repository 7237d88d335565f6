"""The end-to-end report: one HTML page with its figures inside, and the same results as JSON."""
