"""Two languages for everything a person reads: Chinese first, English with ``QC_LANG=en``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Lang = Literal["zh", "en"]


def current() -> Lang:
    """The language of messages, from ``QC_LANG`` (anything but ``en…`` is Chinese)."""
    return "en" if os.environ.get("QC_LANG", "").lower().startswith("en") else "zh"


@dataclass(frozen=True)
class Text:
    """One message in both languages; ``str()`` gives the one of the current language."""

    zh: str
    en: str

    def in_(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en

    def __str__(self) -> str:
        return self.in_(current())


def tr(zh: str, en: str) -> str:
    """The one of two wordings that the current language asks for."""
    return zh if current() == "zh" else en
