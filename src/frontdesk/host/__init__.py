"""Where a loaded model lives: one process for each model version, and how to reach it."""
