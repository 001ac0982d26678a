"""The outline of a rulebook's file: its declarations and its rules."""

from __future__ import annotations

from lsprotocol import types

from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping, Scalar, section
from qc_runtime.lsp.places import DECLARED, RULES
from qc_runtime.lsp.reading import quietly
from qc_runtime.lsp.texts import Encoding, range_of

_KINDS = {
    "field": types.SymbolKind.Field,
    "table": types.SymbolKind.Struct,
    "terms": types.SymbolKind.Enum,
    "phrase": types.SymbolKind.Boolean,
    "question": types.SymbolKind.Interface,
}


def outline(source: Source, encoding: Encoding) -> list[types.DocumentSymbol]:
    """A file's sections with what is named in them; nothing while the file cannot be read."""
    root = quietly(source)
    if root is None:
        return []
    kinds = [(keys, _KINDS[kind]) for kind, keys in DECLARED.items()]
    kinds += [(keys, types.SymbolKind.Function) for keys in RULES]
    found = [_section(root, keys, kind, encoding) for keys, kind in kinds]
    return sorted((one for one in found if one is not None), key=lambda one: one.range.start.line)


def _section(
    root: Mapping, keys: tuple[str, str], kind: types.SymbolKind, encoding: Encoding
) -> types.DocumentSymbol | None:
    items = section(root, *keys)
    head = next((key for key, _ in root.items if key.value in keys), None)
    if not items or head is None:
        return None
    children = [_symbol(key, value.span, kind, encoding) for key, value in items]
    whole = _symbol(head, items[-1][1].span, types.SymbolKind.Namespace, encoding)
    whole.children = children
    return whole


def _symbol(
    key: Scalar, last: Span, kind: types.SymbolKind, encoding: Encoding
) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=key.value or "…",
        kind=kind,
        range=range_of(key.span.to(last), encoding),
        selection_range=range_of(key.span, encoding),
    )
