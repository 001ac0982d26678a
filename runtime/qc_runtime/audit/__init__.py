"""Who ran what, on which rulebook, model and data: a file that only grows, as a hash chain."""

from qc_runtime.audit.entry import Audit, audit_path
from qc_runtime.audit.log import Log, append, read_log
from qc_runtime.audit.verify import Verified, verify

__all__ = ["Audit", "Log", "Verified", "append", "audit_path", "read_log", "verify"]
