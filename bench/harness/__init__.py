"""What the three benchmarks share."""
