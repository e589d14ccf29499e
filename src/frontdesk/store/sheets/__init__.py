"""Spreadsheets: CSV, TSV, Excel and Parquet, read and written a few thousand rows at a time."""
