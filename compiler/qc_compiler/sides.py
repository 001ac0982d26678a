"""Which side of the body a surgery's name speaks of.

左 and 右 name a side. 双 names both (双侧, 双肾, 双正中神经), except in the names of devices and
techniques: 双腔起搏器, 双J管, 双镜联合, 双动头, 双通道.
"""

from __future__ import annotations

import re2

# RE2 has no look-ahead: the character after 双 is taken along, whatever it is, and is none of
# these, each the beginning of a word in which 双 is no side.
_DEVICES = "腔JＪ极动通源重向平能孔排切钢板头束根管镜气球囊套层叶瓣期荷隔股联"
_BOTH = rf"两侧|双(?:[^{_DEVICES}]|$)"
LEFT = rf"左|{_BOTH}"
RIGHT = rf"右|{_BOTH}"
_LEFT, _RIGHT = re2.compile(LEFT), re2.compile(RIGHT)


def sides(text: str) -> tuple[bool, bool]:
    """Whether a folded text speaks of the left side, and of the right."""
    return _LEFT.search(text) is not None, _RIGHT.search(text) is not None
