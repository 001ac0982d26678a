"""The printed pairs of the hospital, judged by the shipped rulebook and the real model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.qc import qc_process

ROOT = Path(__file__).parents[2]
LASER = "经尿道输尿管镜激光碎石术"
HYSTEROSCOPY = "宫腔镜检查，备一期手术"
LIGATION = "经肛门内痔套扎术+外痔切除术"
Judged = dict[tuple[str, str], dict[str, Any]]
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
def outcomes(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The outcome of every pair, by its two names, from one real run."""
    folder = tmp_path_factory.mktemp("pairs")
    pairs = [pair[:2] for pair in BY_RULE] + BY_MODEL
    rows = [f"{n},某科,{planned},{done}" for n, (planned, done) in enumerate(pairs)]
    data = folder / "pairs.csv"
    data.write_text("\n".join(["住院号,住院科室,术前术式,手术记录", *rows]), "utf-8")
    rulebook = ROOT / "rulebooks" / "surgery_consistency.yaml"
    out = folder / "out"
    command = ("run", rulebook, "--data", data, "--out", out, "--explain", "none", "--no-cache")
    ran = qc_process(*command, QC_MODEL=str(demo_model))
    assert ran.code == 0, ran.err
    lines = (out / "outcomes.jsonl").read_text("utf-8").splitlines()
    return dict(zip(pairs, map(json.loads, lines), strict=True))


@pytest.mark.parametrize(("planned", "done", "rule"), BY_RULE)
def test_a_pair_that_a_rule_decides(outcomes: Judged, planned: str, done: str, rule: str) -> None:
    found = outcomes[planned, done]
    assert (found["verdict"], found["decided_by"]) == ("匹配", "rule")
    assert rule in found["rules"]


@pytest.mark.parametrize(("planned", "done"), BY_MODEL)
def test_a_pair_that_the_model_decides(outcomes: Judged, planned: str, done: str) -> None:
    found = outcomes[planned, done]
    assert (found["verdict"], found["decided_by"]) == ("不匹配", "model")
