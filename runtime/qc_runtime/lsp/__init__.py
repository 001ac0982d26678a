"""The language server: what an editor shows of a rulebook while it is being written."""
