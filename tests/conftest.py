"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The demo model's GGUF file: ``QC_TEST_MODEL``, or the one ``make`` has pulled."""
    if named := os.environ.get("QC_TEST_MODEL"):
        return Path(named).expanduser()
    from qc_runtime.models import locate

    return locate(None)
