"""Records from a data file: read, matched to the rulebook's fields, typed, and checked.

Every fault of a file is a `Diagnostic` with a code from QC401 to QC419 (see `faults`).
"""

from qc_runtime.records.load import load_records
from qc_runtime.records.recordset import CellProblem, RecordSet

__all__ = ["CellProblem", "RecordSet", "load_records"]
