"""Records sent without what points at a person, and the answers brought back to the record.

What `qc_runtime.privacy.identifiers` finds is replaced by a mark (``【姓名1】``), the same thing by
the same mark throughout a request; where it was found once, it is replaced wherever it stands in
the request, with a label or without. Dates are moved by one number of days for the whole record,
a number of weeks, so that spans of time and weekdays stay right. Quotations of the answer become
the record's own characters again, and marks and dates in its other texts what they stood for.

The number of days comes from a secret of the run, kept 0600 beside its results, and from the
numbers or names that the request shows; where it shows none, from its whole text.

This is no anonymisation. A name that stands nowhere near a mark of being one, a hospital, a ward,
a rare illness, an age, a story remain. It makes a leak less bad; it is no reason to send records
to where they must not go."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Backend, Counters, Quote, Reply, Request, Value
from qc_runtime.privacy.dates import Dated, dates, year_of
from qc_runtime.privacy.identifiers import BLOT, find, plain

SECRET_NAME = ".deidentify.key"
_AT_ONCE = 256  # requests: the first is not to wait until all are masked
_FORM = 1  # to be raised when other things are replaced
_FEWEST, _MOST = 5, 52  # weeks back: never a date to come, nor one of another year of life
_WHO = ("编号", "证件", "姓名")  # by which a record is known from others, best first
Span = tuple[int, int, str]  # from, to, and what kind of thing it is
_MARK = re.compile(r"【?(姓名|电话|证件|编号|地址|邮箱|账号)(\d+)】?")


@dataclass(frozen=True)
class Piece:
    """What was replaced: from ``start`` to ``end`` in the original, by ``text``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Hidden:
    """A text with its pieces replaced, in order."""

    original: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        at, parts = 0, []
        for piece in self.pieces:
            parts += [self.original[at : piece.start], piece.text]
            at = piece.end
        return "".join(parts) + self.original[at:]

    def original_of(self, quote: str) -> str | None:
        """What a piece of the new text is in the original; whole where it cuts through a mark."""
        start = self.text.find(quote)
        if start < 0 or not quote:
            return None
        return self.original[self._before(start) : self._after(start + len(quote))]

    def _before(self, place: int) -> int:
        grown = 0
        for piece in self.pieces:
            if place < piece.start + grown:
                break
            if place < piece.start + grown + len(piece.text):
                return piece.start
            grown += len(piece.text) - (piece.end - piece.start)
        return place - grown

    def _after(self, place: int) -> int:
        grown = 0
        for piece in self.pieces:
            if place <= piece.start + grown:
                break
            if place <= piece.start + grown + len(piece.text):
                return piece.end
            grown += len(piece.text) - (piece.end - piece.start)
        return place - grown


class Mask:
    """What stands for what in a few texts about one record."""

    def __init__(self, texts: Sequence[str], secret: bytes) -> None:
        self._together = "\n".join(texts)
        self._marks: dict[str, str] = {}  # by what they stand for, as plain text
        self._originals: dict[str, str] = {}  # by the mark, without its brackets
        self._dates: dict[str, str] = {}  # as they were, by what they became
        self._days: dict[tuple[int, int], date] = {}  # likewise, by month and day
        self._year = year_of(iter(texts))
        for text in texts:
            self._learn(text, _found(text))
        for text in texts:  # with what is known now, more may show
            self._learn(text, self._spans(text))
        self.days = _days(secret, self._who() or sorted(texts))

    def hide(self, text: str) -> Hidden:
        """A text without what was found in any of the texts, and with other dates."""
        spans, blotted = self._spans(text), text
        self._learn(text, spans)
        for start, end, _ in spans:
            blotted = _blot(blotted, start, end)
        pieces = [Piece(a, b, self._marks[plain(text[a:b])]) for a, b, _ in spans]
        for dated in dates(blotted):
            if (moved := dated.moved(self.days, self._year)) is not None:
                self._dates.setdefault(dated.written(moved), text[dated.start : dated.end])
                self._days.setdefault((moved.month, moved.day), dated.on(self._year))
                pieces.append(Piece(dated.start, dated.end, dated.written(moved)))
        return Hidden(text, tuple(sorted(pieces, key=lambda piece: piece.start)))

    def restored(self, text: str) -> str:
        """A text of the model's own about the record, with what the marks stood for."""
        parts, at = [], 0
        for dated in sorted(dates(text), key=lambda dated: dated.start):
            parts += [text[at : dated.start], self._dated(dated, text[dated.start : dated.end])]
            at = dated.end
        dated_back = "".join(parts) + text[at:]
        return _MARK.sub(lambda m: self._originals.get(m[1] + m[2], m[0]), dated_back)

    def _dated(self, dated: Dated, text: str) -> str:
        """A date of the model's own as it was: as it stood in the record, if it did."""
        if text in self._dates:
            return self._dates[text]
        known = self._days.get((dated.month, dated.day or 0)) if dated.year is None else None
        was = known or dated.moved(-self.days, self._year)
        return dated.written(was) if was else text

    def _spans(self, text: str) -> list[Span]:
        """Where something is to be replaced: what is known first, the longest before others."""
        blotted, spans = plain(text), list[Span]()
        for known in sorted(self._marks, key=len, reverse=True):
            for match in _whole(known).finditer(blotted) if len(known) > 1 else ():
                spans.append((*match.span(), self._marks[known][1:3]))
                blotted = _blot(blotted, *match.span())
        return [*spans, *_found(blotted)]

    def _learn(self, text: str, spans: Sequence[Span]) -> None:
        for start, end, kind in sorted(spans):
            if plain(text[start:end]) not in self._marks:
                name = self._free(kind)
                self._marks[plain(text[start:end])] = f"【{name}】"
                self._originals[name] = text[start:end]

    def _free(self, kind: str) -> str:
        """A mark that is not used, nor written in the record."""
        number = 1
        while (name := f"{kind}{number}") in self._originals or name in self._together:
            number += 1
        return name

    def _who(self) -> list[str]:
        for kind in _WHO:
            if known := sorted(one for one, mark in self._marks.items() if mark[1:3] == kind):
                return known
        return []


class DeidentifiedBackend:
    """A back end that never sees who a record is about."""

    def __init__(self, inner: Backend, secret: bytes) -> None:
        self._inner, self._secret = inner, secret

    @property
    def counters(self) -> Counters:
        return self._inner.counters

    @counters.setter
    def counters(self, now: Counters) -> None:
        self._inner.counters = now

    @property
    def thinks(self) -> bool:
        return bool(getattr(self._inner, "thinks", False))

    @property
    def identity(self) -> str:
        return f"{self._inner.identity}:deidentified={_FORM}"

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        for start in range(0, len(requests), _AT_ONCE):
            some = requests[start : start + _AT_ONCE]
            masked = [Masked.of(request, self._secret) for request in some]
            for index, reply in self._inner.answer([one.request for one in masked]):
                yield start + index, masked[index].restored(reply)

    def close(self) -> None:
        self._inner.close()


@dataclass(frozen=True)
class Masked:
    """A request as it is sent, with what brings its reply back."""

    request: Request
    mask: Mask
    sources: Mapping[str, Hidden]

    @classmethod
    def of(cls, request: Request, secret: bytes) -> Masked:
        quotes = {s.name: s.slot for s in request.steps if isinstance(s.slot, Quote)}
        mask = Mask([request.system, request.user, *(q.source for q in quotes.values())], secret)
        sources = {name: mask.hide(quote.source) for name, quote in quotes.items()}
        steps = tuple(
            replace(step, slot=replace(step.slot, source=sources[step.name].text))
            if isinstance(step.slot, Quote)
            else step
            for step in request.steps
        )
        system, user = mask.hide(request.system).text, mask.hide(request.user).text
        return cls(Request(system, user, steps, request.sure_at), mask, sources)

    def restored(self, reply: Reply) -> Reply:
        if reply.error is not None:
            return reply
        return Reply({name: self._value(name, value) for name, value in reply.values.items()})

    def _value(self, name: str, value: Value) -> Value:
        if not isinstance(value, str):
            return value
        hidden = self.sources.get(name)
        return hidden.original_of(value) if hidden else self.mask.restored(value)


def secret_in(folder: Path) -> bytes:
    """The secret of the run whose results are in this folder; made, 0600, when there is none."""
    path = folder / SECRET_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _write(path, secrets.token_hex(32))
        return bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        zh, en = f"去标识化的密钥不能用（{why}）", f"The secret of de-identification fails ({why})"
        raise QcError(Diagnostic("QC603", Text(zh, en), place=Text(str(path), str(path)))) from None


def _write(path: Path, text: str) -> None:
    """A private file that is whole or not there. `FileExistsError`."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    try:
        os.link(part, path)
    finally:
        part.unlink()


@lru_cache(maxsize=256)  # a run's requests have their system text in common, and a text its source
def _found(text: str) -> tuple[Span, ...]:
    """All that patterns find, and find once more when that is out of the way."""
    spans: list[Span] = []
    while more := [(one.start, one.end, one.kind) for one in find(text)]:
        spans += more
        for start, end, _ in more:
            text = _blot(text, start, end)
    return tuple(spans)


def _blot(text: str, start: int, end: int) -> str:
    return text[:start] + BLOT * (end - start) + text[end:]


def _whole(known: str) -> re.Pattern[str]:
    """Where it stands by itself: a number not within a longer one."""
    before = "(?<![0-9A-Za-z])" if known[0].isascii() and known[0].isalnum() else ""
    after = "(?![0-9A-Za-z])" if known[-1].isascii() and known[-1].isalnum() else ""
    return re.compile(before + re.escape(known) + after)


def _days(secret: bytes, shown: Sequence[str]) -> int:
    message = "\0".join(shown).encode("utf-8", "replace")
    drawn = int.from_bytes(hmac.new(secret, message, hashlib.sha256).digest()[:8], "big")
    return -7 * (_FEWEST + drawn % (_MOST - _FEWEST + 1))
