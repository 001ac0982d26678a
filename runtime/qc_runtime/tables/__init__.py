"""Related tables: found among the data given, typed, and kept on disk beside the results.

Millions of rows do not fit into Python: they live in a DuckDB database in a private temporary
folder, and only the rows of cases that need a closer look come out of it.
"""
