"""Where it stays: rows and files."""
