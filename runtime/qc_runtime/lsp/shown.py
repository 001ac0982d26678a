"""Our diagnostics, offers and edits in the protocol's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types

from qc_dsl.errors import Diagnostic
from qc_dsl.source import Source, Span
from qc_dsl.stretches import Edit
from qc_runtime.lsp.completion import Offer
from qc_runtime.lsp.texts import Encoding, position_of, range_of, uri_of

SOURCE = "qc"
_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}
_KINDS = {
    "field": types.CompletionItemKind.Field,
    "column": types.CompletionItemKind.Field,
    "table": types.CompletionItemKind.Struct,
    "terms": types.CompletionItemKind.Enum,
    "condition": types.CompletionItemKind.Function,
    "verdict": types.CompletionItemKind.EnumMember,
    "keyword": types.CompletionItemKind.Keyword,
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.Value,
    "quote": types.CompletionItemKind.Text,
}


def diagnostic(found: Diagnostic, encoding: Encoding, uris: Mapping[Path, str]) -> types.Diagnostic:
    span, lines = found.span, [str(found.message)]
    lines += [str(found.help)] if found.help else []
    if span is None and found.place:
        lines.insert(0, str(found.place))
    return types.Diagnostic(
        range=range_of(span, encoding) if span else _START,
        message="\n".join(lines),
        severity=_SEVERITY[found.severity],
        code=found.code,
        source=SOURCE,
        related_information=[
            types.DiagnosticRelatedInformation(location(one.span, encoding, uris), str(one.message))
            for one in found.related
        ],
    )


_START = types.Range(types.Position(0, 0), types.Position(0, 1))


def location(span: Span, encoding: Encoding, uris: Mapping[Path, str]) -> types.Location:
    return types.Location(uri_of(span.source.path, uris), range_of(span, encoding))


def item(
    offer: Offer, rank: int, source: Source, offset: int, encoding: Encoding
) -> types.CompletionItem:
    """An offer as an edit of the stretch that it replaces, kept in our order."""
    begin = max(offer.start, source.text.rfind("\n", 0, offset) + 1)
    place = types.Range(position_of(source, begin, encoding), position_of(source, offset, encoding))
    return types.CompletionItem(
        label=offer.label,
        kind=_KINDS[offer.kind],
        detail=offer.detail or None,
        sort_text=f"{rank:04}",
        filter_text=offer.label,
        text_edit=types.TextEdit(place, offer.insert or offer.label),
    )


def edits(source: Source, changes: Sequence[Edit], encoding: Encoding) -> list[types.TextEdit]:
    """The changes of `qc_runtime.lsp.formatting` in the protocol's form."""
    spans = ((Span(source, change.start, change.end), change.text) for change in changes)
    return [types.TextEdit(range_of(span, encoding), text) for span, text in spans]
