"""What the server answers, request by request."""

from __future__ import annotations

from lsprotocol import types

from qc_dsl.files import MAX_BYTES
from qc_dsl.source import Span
from qc_runtime.lsp import shown
from qc_runtime.lsp.completion import complete
from qc_runtime.lsp.formatting import changes
from qc_runtime.lsp.hover import explain
from qc_runtime.lsp.places import declaration, file_of, word_at
from qc_runtime.lsp.reading import is_root
from qc_runtime.lsp.server import Server
from qc_runtime.lsp.symbols import outline
from qc_runtime.lsp.texts import offset_of, path_of, range_of, source_of, uri_of

_WATCHED = "**/*.{yaml,yml,qc,csv,tsv,txt,xlsx}"


def register(server: Server) -> None:
    """Give the server its answers."""
    feature = server.feature
    feature(types.INITIALIZED)(_initialized)
    feature(types.TEXT_DOCUMENT_DID_OPEN)(_opened)
    feature(types.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    feature(types.TEXT_DOCUMENT_DID_SAVE)(_saved)
    feature(types.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(_watched)
    triggers = types.CompletionOptions(trigger_characters=[".", "{", "“", '"', " ", "："])
    feature(types.TEXT_DOCUMENT_COMPLETION, triggers)(_completion)
    feature(types.TEXT_DOCUMENT_HOVER)(_hover)
    feature(types.TEXT_DOCUMENT_DEFINITION)(_definition)
    feature(types.TEXT_DOCUMENT_FORMATTING)(_formatting)
    feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(_symbols)


# The texts


async def _initialized(server: Server, params: types.InitializedParams) -> None:
    """Ask to be told of files that change outside the editor, if it can."""
    server.warm_up()
    workspace = server.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return
    options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_WATCHED)])
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    await server.client_register_capability_async(
        types.RegistrationParams([types.Registration("watched-files", method, options)])
    )


def _opened(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    server.put(params.text_document.uri, params.text_document.text)


def _changed(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    server.put(uri, server.workspace.get_text_document(uri).source)


def _saved(server: Server, params: types.DidSaveTextDocumentParams) -> None:
    server.concern(path_of(params.text_document.uri))


def _closed(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    server.drop(params.text_document.uri)


def _watched(server: Server, params: types.DidChangeWatchedFilesParams) -> None:
    server.desk.alone.clear()
    for change in params.changes:
        path = path_of(change.uri)
        known = [root for root in server.desk.roots_of(path) if root in server.desk.readings]
        for root in known:
            server.read_soon(root)


# Requests


async def _completion(server: Server, params: types.CompletionParams) -> types.CompletionList:
    found = await server.settled(params.text_document.uri)
    if found is None or len(found[1].text) > MAX_BYTES:
        return types.CompletionList(False, [])
    reading, source = found
    offset = offset_of(source, params.position, server.encoding)
    offers = complete(reading, source, offset)
    items = [
        shown.item(offer, rank, source, offset, server.encoding)
        for rank, offer in enumerate(offers)
    ]
    return types.CompletionList(True, items)  # what fits changes with every character


async def _hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    found = await server.settled(params.text_document.uri)
    if found is None:
        return None
    reading, source = found
    word = word_at(reading, source, offset_of(source, params.position, server.encoding))
    text = explain(reading, word) if word else None
    if word is None or text is None:
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, text)
    return types.Hover(content, range_of(Span(source, word.start, word.end), server.encoding))


async def _definition(server: Server, params: types.DefinitionParams) -> types.Location | None:
    found = await server.settled(params.text_document.uri)
    if found is None:
        return None
    reading, source = found
    word = word_at(reading, source, offset_of(source, params.position, server.encoding))
    if word is None:
        return None
    if word.kind == "file":
        path = file_of(source, word)
        start = types.Range(types.Position(0, 0), types.Position(0, 0))
        return types.Location(uri_of(path, server.desk.uris), start) if path.exists() else None
    span = declaration(reading, word)
    return shown.location(span, server.encoding, server.desk.uris) if span else None


async def _formatting(
    server: Server, params: types.DocumentFormattingParams
) -> list[types.TextEdit] | None:
    found = await server.settled(params.text_document.uri)
    if found is None:
        return None
    reading, source = found
    within = None if is_root(source) else reading.source
    buffers = server.desk.buffers
    return shown.edits(source, changes(source, within, buffers.load), server.encoding)


async def _symbols(
    server: Server, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | None:
    path = path_of(params.text_document.uri)
    text = server.desk.texts.get(path)
    if text is None or len(text) > MAX_BYTES:
        return None
    return outline(source_of(str(path), text), server.encoding)
