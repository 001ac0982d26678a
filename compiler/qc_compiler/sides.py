"""Which side of the body a surgery's name speaks of.

左 and 右 name a side; 双侧, 两侧 and 双 before an organ name both. 双 is also part of the names of
devices and techniques (双腔起搏器, 双J管, 双镜联合), which name no side.
"""

from __future__ import annotations

import re2

# RE2 has no look-ahead, so what follows 双 is spelled out: a side word, or the end of the
# word list of paired organs that surgery names put directly after it.
_PAIRED = "眼耳肾乳肺足手膝髋腿踝腕肘肩甲卵输附颌颈颞额扁声鼻上下"
_BOTH = rf"双侧|两侧|双边|双[{_PAIRED}]"
LEFT = rf"左|{_BOTH}"
RIGHT = rf"右|{_BOTH}"
_LEFT, _RIGHT = re2.compile(LEFT), re2.compile(RIGHT)


def sides(text: str) -> tuple[bool, bool]:
    """Whether a folded text speaks of the left side, and of the right."""
    return _LEFT.search(text) is not None, _RIGHT.search(text) is not None
