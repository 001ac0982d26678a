"""Folding: the form in which two texts are compared.

Hospital text mixes full and half width, several quotes and dashes, and stray spaces. Two
texts that differ only there are the same text to every predicate of the language.
"""

from __future__ import annotations

import re
import unicodedata

_GROUPS = {
    '"': "“”„‟″〝〞〟「」『』＂",
    "'": "‘’‚‛′＇`´",
    "(": "（﹙",
    ")": "）﹚",
    "[": "【〔［〖",
    "]": "】〕］〗",
    "-": "‐‑‒–—―−－﹣",
    "~": "～〜∼˜",
    "·": "•・‧∙⋅●",
    ".": "。｡．",
    ",": "，、､﹐﹑",
    ":": "：﹕︰",
    ";": "；﹔",
    "!": "！﹗",
    "?": "？﹖",
    "+": "＋﹢",
    "/": "／∕",
}
_PUNCTUATION = {ch: to for to, group in _GROUPS.items() for ch in group}
_VARIANT = re.compile(f"[{''.join(_PUNCTUATION)}]")
_FOLDED = re.compile(r"[!-_a-~\u4e00-\u9fff]*")  # nothing to do: ASCII but space and `, ideographs
_LATIN = r"[0-9A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]"
_INNER_SPACE = re.compile(rf"(?<={_LATIN})\s+(?={_LATIN})")
_SPACE = re.compile(r"\s+")
_KEPT_SPACE = "\ue000"  # a private-use character stands for a kept space while others go


def _is_noise(ch: str) -> bool:
    """Control, zero-width and private-use characters carry nothing a reader sees."""
    return unicodedata.category(ch) in {"Cc", "Cf", "Co", "Cs"} and not ch.isspace()


def _one_form(text: str) -> str:
    return _VARIANT.sub(lambda match: _PUNCTUATION[match[0]], text)


def fold(text: str) -> str:
    """NFKC, one form of each quote, bracket, dash and stop, no space beside Chinese.

    Spaces stay (as one) only between Latin letters or digits, where they part words.
    Folding twice changes nothing more. Case is kept: it can carry meaning in units and codes.
    """
    if _FOLDED.fullmatch(text):
        return text  # most cells: the same answer, ten times faster
    text = _one_form(unicodedata.normalize("NFKC", _one_form(text)))
    if not text.isprintable():
        text = "".join(ch for ch in text if not _is_noise(ch))
    if not _SPACE.search(text):
        return unicodedata.normalize("NFKC", text)
    text = _SPACE.sub("", _INNER_SPACE.sub(_KEPT_SPACE, text)).replace(_KEPT_SPACE, " ")
    return unicodedata.normalize("NFKC", text)  # an accent may now stand beside its letter
