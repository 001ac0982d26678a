"""Judging data that never sits in memory, a part at a time, by one process or many.

A *part* is a set of cases that the ordinary pipeline judges together. Its outcomes are a
Parquet file, its counts a small JSON file beside it, each written whole or not at all; a part
that has both is done. So whatever dies, every record's outcome is there exactly once.
"""
