"""A new text for a value, in the way its file writes values: quotes, block or plain."""

from __future__ import annotations

from qc_dsl.errors import QcError
from qc_dsl.source import Source
from qc_dsl.yaml_reader import Mapping, Scalar, read_yaml


def emitted(text: str, scalar: Scalar, *, flow: bool) -> str:
    """How a file writes a text of one line where a plain or quoted value stands now.

    ``flow``: the value stands within ``{…}`` or ``[…]``.
    """
    if scalar.style == '"':
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if scalar.style == "'" or not reads_back(text, flow=flow):
        doubled = text.replace("'", "''")
        return f"'{doubled}'"
    return text


def reads_back(text: str, *, flow: bool) -> bool:
    """Whether YAML reads a text without quotes as just this text."""
    line = f"{{k: {text}}}\n" if flow else f"k: {text}\n"
    try:
        value = read_yaml(Source("", line)).get("k")
    except QcError:
        return False
    return isinstance(value, Scalar) and value.style is None and value.value == text


def is_flow(node: Mapping) -> bool:
    """Whether a mapping is written within braces."""
    span = node.span
    return span.source.text[span.start : span.start + 1] == "{"
