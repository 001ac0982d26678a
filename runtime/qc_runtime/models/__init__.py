"""Model files: which there are, where they are, and how to get them.

`locate` turns what a user wrote into a file, `pull` brings a known model into the cache,
`verify` hashes a file again, `fingerprint` gives its checksum at no cost after the first time.
Importing this package is cheap; httpx is loaded only by a download.
"""

from qc_runtime.models.cache import fingerprint, model_path
from qc_runtime.models.fetching import pull
from qc_runtime.models.files import Verified, bytes_here, locate, verify
from qc_runtime.models.progress import Progress, Report
from qc_runtime.models.registry import DEFAULT, MODELS, Hub, LocalFile, Model, Packages

__all__ = [
    "DEFAULT",
    "MODELS",
    "Hub",
    "LocalFile",
    "Model",
    "Packages",
    "Progress",
    "Report",
    "Verified",
    "bytes_here",
    "fingerprint",
    "locate",
    "model_path",
    "pull",
    "verify",
]
