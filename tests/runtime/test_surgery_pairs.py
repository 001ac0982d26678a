"""The printed pairs of the hospital, judged by the shipped rulebook and the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.surgery import Judged, judged

LASER = "经尿道输尿管镜激光碎石术"
HYSTEROSCOPY = "宫腔镜检查，备一期手术"
LIGATION = "经肛门内痔套扎术+外痔切除术"
BY_RULE = [
    ("痔切除术", f"{LIGATION}+混合痔注射+肛管肿物切除术", "痔"),
    ("痔切除术", f"{LIGATION}+混合痔注射", "痔"),
    ("痔切除术", f"{LIGATION}+肛裂切除术", "痔"),
    (HYSTEROSCOPY, "宫腔镜下宫颈息肉电切术+诊刮术", "宫腔镜"),
    (HYSTEROSCOPY, "宫腔镜下子宫内息肉电切术+诊刮术", "宫腔镜"),
    ("鼻内镜下鼻腔鼻窦手术", "鼻内镜下左侧上颌窦开放", "鼻内镜"),
]
BY_MODEL = [
    (LASER, f"{LASER}+输尿管支架置换术"),
    (LASER, "经尿道输尿管支架置入术"),
]


@pytest.fixture(scope="module")
def outcomes(surgery_asked: Path) -> Judged:
    """The outcome of every pair, by its two names, from one real run."""
    return judged(surgery_asked)


@pytest.mark.parametrize(("planned", "done", "rule"), BY_RULE)
def test_a_pair_that_a_rule_decides(outcomes: Judged, planned: str, done: str, rule: str) -> None:
    found = outcomes[planned, done]
    assert (found["verdict"], found["decided_by"]) == ("匹配", "rule")
    assert rule in found["rules"]


@pytest.mark.parametrize(("planned", "done"), BY_MODEL)
def test_a_pair_that_the_model_decides(outcomes: Judged, planned: str, done: str) -> None:
    found = outcomes[planned, done]
    assert (found["verdict"], found["decided_by"]) == ("不匹配", "model")
